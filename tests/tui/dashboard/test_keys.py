"""Every key does something, says so in help, and can be another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from textual.events import Key as KeyPressed

from abi_engine.core.errors import InvalidConfig
from abi_tui.dashboard.app import Dashboard
from abi_tui.dashboard.config import DashboardConfig
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.journey import page_for
from abi_tui.dashboard.keys import ALL, EVERYWHERE, Key, check
from abi_tui.dashboard.places import PLACES
from abi_tui.dashboard.themes import PALETTES
from tests.tui.dashboard.canned import CannedEngine, past
from tests.tui.dashboard.still import Still

pytestmark = pytest.mark.slow

Run = Callable[..., None]


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(key.name for key in ALL).items() if count > 1] == []


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_no_pane_uses_a_key_for_two_things(place) -> None:  # type: ignore[no-untyped-def]
    for pane in page_for(place.name).panes:
        used = Counter(part for key in (*pane.keys, *EVERYWHERE) for part in key.keys.split(","))
        assert [part for part, count in used.items() if count > 1] == []


@pytest.mark.parametrize("key", ALL, ids=lambda key: key.name)
def test_every_action_exists(key: Key) -> None:
    name = key.action.partition("(")[0]
    if name.startswith("app."):
        assert hasattr(Dashboard, f"action_{name.removeprefix('app.')}")
        return
    panes = [pane for place in PLACES for pane in page_for(place.name).panes]
    owners = [pane for pane in panes if key in pane.keys]
    assert owners
    assert all(hasattr(pane, f"action_{name}") for pane in owners)


def test_what_a_pane_says_are_its_keys_are_bound() -> None:
    for place in PLACES:
        for pane in page_for(place.name).panes:
            bound = {b.id for _, b in pane._bindings}
            assert {key.name for key in pane.keys} <= bound


def test_keys_can_be_remapped(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("space")
        assert "LIVE" in shown.top
        await shown.press("P")
        assert "PAUSED" in shown.top
        assert "P pause" in shown.foot
        await shown.press("n")
        assert "sort rate" in shown.text

    on_dashboard(test, settings=Settings(keys={"pause": "P", "sort": "n"}))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"pauze": "p"}, "no key does 'pauze'; did you mean 'pause'?"),
        ({"pause": ""}, "pause = '': no key"),
        ({"pause": "q"}, "'q' is both quit and pause"),
        ({"pause": "x", "theme": "x"}, "'x' is both pause and theme"),
        ({"pause": "3"}, "'3' is both a screen by its number and pause"),
        ({"reset": "p"}, "'p' is both reset and test_route"),
    ],
)
def test_a_wrong_remapping_is_one_clear_line(keys: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        check(keys)
    assert words in caught.value.message


def test_keys_are_a_setting() -> None:
    found = msgspec.convert({"keys": {"pause": "p"}, "theme": "day"}, DashboardConfig)
    assert found.keys == {"pause": "p"}


def test_t_goes_through_the_themes(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        for palette in (*PALETTES[1:], PALETTES[0]):
            await shown.press("t")
            assert shown.app.palette is palette
            assert f"theme {palette.name}" in shown.foot
        strip = shown.app.screen._compositor.render_strips()[0]
        assert {segment.style.bgcolor.name for segment in strip if segment.style} == {"#1a2027"}  # type: ignore[union-attr]

    on_dashboard(test)


def test_a_theme_reaches_every_screen(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("2", "t", "escape")
        grounds = {
            segment.style.bgcolor.name
            for strip in shown.app.screen._compositor.render_strips()
            for segment in strip
            if segment.style and segment.style.bgcolor
        }
        assert not any(name.startswith("#1") for name in grounds)

    on_dashboard(test)


def test_y_copies_the_command_that_prints_the_same(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("y")
        assert shown.app.clipboard == "abi gateway routes list --sort p99"
        await shown.press("slash", *"it", "enter", "s", "y")
        assert shown.app.clipboard == "abi gateway routes list --sort rate --filter it"
        assert "copied: abi gateway routes list" in shown.foot
        await shown.press("left_curly_bracket", "y")
        assert shown.app.clipboard.endswith("--filter it --at 2026-11-22T12:03:41Z")

    on_dashboard(test, CannedEngine(kept=past(900)))


def test_y_copies_what_the_detail_beside_the_list_ends_with(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("y")
        assert shown.app.clipboard == "abi gateway routes show /orders/list --json"
        await shown.press("2", "h", "h", "y")
        assert shown.app.clipboard.startswith("abi gateway ")
        await shown.press("g", "e", "y")
        assert shown.app.clipboard == "abi events"

    on_dashboard(test, size=(160, 40))


def test_q_quits_with_0(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.pilot.press("q")
        assert shown.app.return_value == 0

    on_dashboard(test)


def test_what_was_said_goes_with_the_next_key(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("y")
        assert "copied" in shown.foot
        await shown.press("j")
        assert "copied" not in shown.foot
        assert "? help" in shown.foot

    on_dashboard(test)


async def _at_once(shown: Still, *keys: str) -> None:
    """Keys that come before the first of them has done anything."""
    for key in keys:
        shown.app.post_message(KeyPressed(key, key if len(key) == 1 else None))
    await shown.settle()
    await shown.settle()


def test_keys_typed_faster_than_screens_open_reach_what_they_are_meant_for(
    on_dashboard: Run,
) -> None:
    async def test(shown: Still) -> None:
        await _at_once(shown, "g", "l")
        assert shown.app.crumbs == ("overview", "logs")
        assert shown.app.screen is shown.page
        await _at_once(shown, "ctrl+p", *"events", "enter")
        assert shown.app.crumbs == ("overview", "events")

    on_dashboard(test)


def test_a_filter_typed_fast_is_a_filter_and_does_not_quit(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await _at_once(shown, "slash", "q")
        assert shown.app.return_value is None
        assert "/ q" in shown.text

    on_dashboard(test)


def test_a_second_key_does_not_leave_a_screen_twice(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("g")
        await _at_once(shown, "g", "c")
        assert shown.app.crumbs == ("overview", "gateway")

    on_dashboard(test)
