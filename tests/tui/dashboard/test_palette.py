"""Everything that has a name is found by a few of its letters."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from abi_engine.catalogue import BUILT_IN
from abi_engine.config import EngineConfig
from abi_tui.cli.root import root
from abi_tui.cli.tree import walk
from abi_tui.dashboard.moment import Moment
from abi_tui.dashboard.palette_entries import commands, entries, settings
from abi_tui.dashboard.places import PLACES
from abi_tui.dashboard.screens.config import SettingsPane
from abi_tui.dashboard.screens.detail import DetailPage
from abi_tui.dashboard.screens.features import FeaturesPane
from abi_tui.dashboard.screens.palette import Entry, PaletteScreen, ranked
from abi_tui.dashboard.themes import PALETTES
from tests.tui.dashboard.canned import UPSTREAMS, CannedEngine, events, paths, report
from tests.tui.dashboard.still import Still

pytestmark = pytest.mark.slow

Run = Callable[..., None]


def test_every_screen_route_upstream_and_theme_is_there() -> None:
    found = entries(Moment.of(report()))
    by_kind: dict[str, set[str]] = {}
    for entry in found:
        by_kind.setdefault(entry.kind, set()).add(entry.argument)
    assert by_kind["screen"] == {place.name for place in PLACES}
    assert {name.partition(" ")[2] or name for name in by_kind["route"]} == set(paths())
    assert by_kind["upstream"] == set(UPSTREAMS)
    assert by_kind["theme"] == {palette.name for palette in PALETTES}


def test_every_command_is_there() -> None:
    known = {node.words for node in walk(root()) if not hasattr(node.command, "commands")}
    assert {entry.name for entry in commands()} == known


def test_a_name_that_begins_with_the_letters_comes_first() -> None:
    names = ("storage", "config", "abi config show", "toolchain")
    found = ranked([Entry("x", name, "", "") for name in names], "con")
    assert [entry.name for entry in found] == ["config", "abi config show", "toolchain"][
        : len(found)
    ]


def test_the_kind_can_be_named_as_well() -> None:
    found = ranked([Entry("route", "/logs", "", ""), Entry("screen", "logs", "", "")], "screen lo")
    assert [entry.kind for entry in found] == ["screen"]


def test_enter_goes_to_a_screen(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("ctrl+p", *"logs", "enter")
        assert shown.app.crumbs == ("overview", "logs")

    on_dashboard(test)


def test_enter_opens_a_route(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("ctrl+p", *"/items/list", "enter")
        assert isinstance(shown.page, DetailPage)
        assert shown.page.route == "/items/list"

    on_dashboard(test)


def test_enter_opens_an_upstream(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("ctrl+p", *"9002", "enter")
        assert isinstance(shown.page, DetailPage)
        assert shown.page.upstream == UPSTREAMS[1]
        assert "connection refused" in shown.text

    on_dashboard(test)


@pytest.mark.slow
def test_a_command_that_a_screen_shows_leads_there_and_others_are_copied(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("ctrl+p", *"abi gateway limits", "enter")
        assert shown.page.crumb == "limits"
        await shown.press("ctrl+p", *"abi completions zsh", "enter")
        assert shown.app.clipboard == "abi completions zsh"
        assert "copied: abi completions zsh" in shown.foot

    on_dashboard(test)


def test_a_key_is_pressed_by_its_name(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("ctrl+p", *"pause", "enter")
        assert "PAUSED" in shown.top

    on_dashboard(test)


def test_the_cursor_moves_and_goes_round(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("ctrl+p", "down", "down", "up", "enter")
        assert shown.app.crumbs == ("overview", "gateway")
        await shown.press("ctrl+p", "up", "enter")
        assert shown.app.crumbs == ("overview", "config")

    on_dashboard(test)


def test_nothing_found_says_so_and_escape_leaves(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("ctrl+p", *"zzzz")
        assert "nothing is called like 'zzzz'" in shown.text
        await shown.press("enter")
        assert not isinstance(shown.app.screen, PaletteScreen)

    on_dashboard(test)


def test_a_click_takes_what_it_hits(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("ctrl+p", *"logs")
        screen = shown.app.screen
        assert isinstance(screen, PaletteScreen)
        await shown.pilot.click(screen._pane, offset=(14, 2))
        await shown.settle()
        assert shown.app.crumbs == ("overview", "logs")

    on_dashboard(test)


def test_every_setting_feature_and_subject_of_an_event_is_there() -> None:
    told = tuple(
        msgspec.structs.replace(event, subject=subject)
        for event, subject in zip(events(), ("/a", "/b", "/a", ""))
    )
    found = entries(Moment.of(report(told=told)))
    assert [entry.argument for entry in found if entry.kind == "events"] == ["/a", "/b"]
    assert {e.argument for e in found if e.kind == "feature"} == {row.name for row in BUILT_IN}
    keys = {setting.key for setting in EngineConfig().settings()}
    assert keys < {entry.argument for entry in settings()}
    assert "dashboard.theme" in {entry.argument for entry in settings()}


@pytest.mark.slow
def test_a_setting_a_feature_and_a_subject_lead_to_their_screens(on_dashboard: Run) -> None:
    told = tuple(msgspec.structs.replace(event, subject="/sub") for event in events()[:1])

    async def test(shown: Still) -> None:
        await shown.press("ctrl+p", *"setting gateway.port", "enter")
        assert shown.app.crumbs == ("overview", "config")
        assert shown.page.query_one(SettingsPane).chosen == "gateway.port"
        await shown.press("ctrl+p", *"feature network", "enter")
        assert shown.page.query_one(FeaturesPane).chosen == "network"
        await shown.press("ctrl+p", *"events /sub", "enter")
        assert shown.app.crumbs == ("overview", "events")
        assert "/ /sub" in shown.text

    on_dashboard(test, CannedEngine(report(told=told)))
