"""What is dangerous asks first, and a read-only dashboard refuses it."""

from __future__ import annotations

from collections.abc import Callable

import click
import msgspec
import pytest

from abi_engine.core.errors import NotFound
from abi_engine.runtime.breaker import BreakerState
from abi_engine.system import Report
from abi_tui.cli.root import root
from abi_tui.cli.tree import find
from abi_tui.dashboard import acts
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.journey import page_for
from abi_tui.dashboard.places import PLACES
from abi_tui.dashboard.screens.detail import DetailPage
from abi_tui.dashboard.screens.gateway import GatewayPage
from abi_tui.dashboard.screens.modal import AskScreen, HelpScreen
from abi_tui.dashboard.screens.request import RequestScreen, sample_path
from tests.tui.dashboard.canned import (
    UPSTREAMS,
    CannedEngine,
    engine_status,
    gateway_report,
    report,
    route_stats,
)
from tests.tui.dashboard.still import Still

pytestmark = pytest.mark.slow

Run = Callable[..., None]
GATEWAY = Settings(screen="gateway")
READ_ONLY = Settings(screen="gateway", read_only=True)
OPEN = UPSTREAMS[1]


async def _on_breakers(shown: Still) -> None:
    page = shown.page
    assert isinstance(page, GatewayPage)
    page.breakers.focus()
    await shown.settle()


@pytest.mark.parametrize(
    ("key", "call"),
    [("r", ("reset_breaker", OPEN)), ("f", ("force_breaker", OPEN, None))],
)
def test_what_is_harmless_is_done_and_said(
    on_dashboard: Run, key: str, call: tuple[object, ...]
) -> None:
    async def test(shown: Still) -> None:
        await _on_breakers(shown)
        await shown.press(key)
        assert call in shown.engine.calls
        assert f"breaker of {OPEN}" in shown.foot

    on_dashboard(test, CannedEngine(_held()), settings=GATEWAY)


def _held() -> Report:
    """The breaker that stands open is held so by a person."""
    gateway = gateway_report()
    first, *others = gateway.upstreams
    breaker = msgspec.structs.replace(first.breaker, forced=True)
    held = msgspec.structs.replace(first, breaker=breaker)
    return report(gateway=msgspec.structs.replace(gateway, upstreams=(held, *others)))


def test_a_breaker_that_nobody_holds_is_not_said_to_be_released(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await _on_breakers(shown)
        await shown.press("f")
        assert f"nobody holds the breaker of {OPEN}" in shown.foot
        assert not shown.engine.called("force_breaker")

    on_dashboard(test, settings=GATEWAY)


def test_the_keys_of_a_route_work_on_its_own_page(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"orders/list", "enter", "enter")
        assert isinstance(shown.page, DetailPage)
        assert "p probe" in shown.foot
        await shown.press("d", "y")
        assert shown.engine.called("set_route_enabled") == [("/orders/list", None, False)]
        await shown.press("p", "enter")
        assert shown.engine.called("send_test_request") == [("/orders/list", "GET")]
        await shown.press("escape", "r")
        assert shown.engine.called("reset_breaker") == [(UPSTREAMS[2],)]

    on_dashboard(test)


def test_the_keys_of_a_breaker_work_where_only_the_text_has_room(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("enter", "o", "y")
        assert shown.engine.called("force_breaker") == [(UPSTREAMS[2], BreakerState.OPEN)]

    on_dashboard(test, size=(60, 12))


@pytest.mark.slow
@pytest.mark.parametrize(("key", "state"), [("o", BreakerState.OPEN), ("c", BreakerState.CLOSED)])
def test_holding_a_breaker_asks_first(on_dashboard: Run, key: str, state: BreakerState) -> None:
    async def test(shown: Still) -> None:
        await _on_breakers(shown)
        for no in ("n", "escape", "enter"):
            await shown.press(key)
            assert isinstance(shown.app.screen, AskScreen)
            assert f"abi gateway breakers force {OPEN} {state.value}" in shown.text
            await shown.press(no)
            assert shown.app.screen is shown.page
            assert not shown.engine.called("force_breaker")
        await shown.press(key, "y")
        assert shown.engine.called("force_breaker") == [(OPEN, state)]
        assert "held" in shown.foot

    on_dashboard(test, settings=GATEWAY)


@pytest.mark.slow
def test_switching_a_route_off_asks_and_on_does_not(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"users/{id}", "enter", "d")
        assert isinstance(shown.app.screen, AskScreen)
        await shown.press("y")
        assert shown.engine.called("set_route_enabled") == [("/users/{id}", None, False)]
        await shown.press("escape", "slash", *"search/bulk", "enter", "d")
        assert shown.engine.called("set_route_enabled")[-1] == ("/search/bulk", "GET", True)

    on_dashboard(test)


def test_a_test_request_is_sent_and_its_answer_shown(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"users/list", "enter", "p")
        assert "same as:  abi gateway test /users/list --method GET" in shown.text
        await shown.press("enter")
        assert shown.engine.called("send_test_request") == [("/users/list", "GET")]
        assert isinstance(shown.app.screen, HelpScreen)
        assert '{"hello": "world"}' in shown.text
        assert "200" in shown.text

    on_dashboard(test)


def test_a_path_of_the_pattern_is_there_to_be_changed(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"users/{id}", "enter", "p")
        assert isinstance(shown.app.screen, RequestScreen)
        assert "path    /users/1▏" in shown.text
        await shown.press("backspace", "7", "enter")
        assert shown.engine.called("send_test_request") == [("/users/7", "GET")]

    on_dashboard(test)


def test_the_method_is_chosen_among_those_of_the_route(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"users/list", "enter", "p", "tab", "tab", "enter")
        assert shown.engine.called("send_test_request")[-1] == ("/users/list", "POST")
        await shown.press("escape", "escape", "slash", *"items/bulk", "enter", "p")
        assert "another" not in shown.text
        await shown.press("tab", "enter")
        assert shown.engine.called("send_test_request")[-1] == ("/items/bulk", "GET")

    on_dashboard(test)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("/a", "/a"), ("/{b}/c/{d}", "/1/c/1"), ("/files/*", "/files/x"), ("/*", "/x")],
)
def test_a_sample_path_has_something_for_every_name(pattern: str, path: str) -> None:
    assert sample_path(pattern) == path


def test_leaving_the_question_sends_nothing(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"users/{id}", "enter", "p", "escape")
        assert not shown.engine.called("send_test_request")

    on_dashboard(test)


def test_switching_a_feature_off_asks(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("o")
        assert "It is stopped, and what it keeps in memory is gone" in shown.text
        await shown.press("y")
        assert shown.engine.called("set_feature") == [("gateway", False)]
        await shown.press("j", "o")
        assert "cache is planned, not built" in shown.foot

    on_dashboard(test, settings=Settings(screen="features"))


def test_switching_a_feature_on_does_not_ask(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("o")
        assert shown.engine.called("set_feature") == [("gateway", True)]

    on_dashboard(test, CannedEngine(report(on=False)), settings=Settings(screen="features"))


def test_what_the_engine_refuses_is_said_with_the_way_out(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        shown.engine.refuse = NotFound("no route uses that upstream", hint="abi gateway breakers")
        await _on_breakers(shown)
        await shown.press("r")
        assert "no route uses that upstream (abi gateway breakers)" in shown.foot

    on_dashboard(test, settings=GATEWAY)


@pytest.mark.parametrize("key", "rocf")
def test_a_read_only_dashboard_changes_no_breaker(on_dashboard: Run, key: str) -> None:
    async def test(shown: Still) -> None:
        await _on_breakers(shown)
        await shown.press(key)
        _refused(shown)

    on_dashboard(test, settings=READ_ONLY)


@pytest.mark.parametrize("key", "dp")
def test_a_read_only_dashboard_changes_no_route_and_sends_nothing(
    on_dashboard: Run, key: str
) -> None:
    async def test(shown: Still) -> None:
        await shown.press(key)
        _refused(shown)

    on_dashboard(test, settings=READ_ONLY)


@pytest.mark.parametrize(("screen", "key"), [("features", "o"), ("limits", "c")])
def test_a_read_only_dashboard_changes_nothing_else(
    on_dashboard: Run, screen: str, key: str
) -> None:
    async def test(shown: Still) -> None:
        await shown.press(key)
        _refused(shown)

    on_dashboard(test, settings=Settings(screen=screen, read_only=True))


def _refused(shown: Still) -> None:
    assert "this dashboard is read-only" in shown.foot
    assert shown.app.screen is shown.page
    reading = {"report", "watch", "route_stats", "route_detail"}
    assert {call[0] for call in shown.engine.calls} <= reading


def test_without_an_engine_nothing_is_done(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await _on_breakers(shown)
        shown.feed.lose(NotFound("gone"))
        await shown.settle()
        await shown.press("r")
        assert "not now: no engine answers" in shown.foot
        assert not shown.engine.called("reset_breaker")

    on_dashboard(test, settings=GATEWAY)


def test_counting_a_request_asks_for_the_client(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("c", *"10.0.0.7", "enter")
        assert shown.engine.called("check_rate_limit") == [("/users/list", "10.0.0.7")]
        assert "allowed" in shown.text

    on_dashboard(test, settings=Settings(screen="limits"))


def test_which_route_a_path_takes_is_shown(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("m", *"users/7", "enter")
        assert shown.engine.called("match_route") == [("/users/7",)]
        assert "no route for GET /users/7" in shown.foot

    on_dashboard(test)


def _commands() -> list[str]:
    """Every command that something on the screen says does the same."""
    status = engine_status().features[0]
    route = route_stats("/users/bulk", 5)
    made = [
        acts.reset_breaker(OPEN),
        acts.force_breaker(OPEN, BreakerState.OPEN),
        acts.force_breaker(OPEN, BreakerState.CLOSED),
        acts.release_breaker(OPEN),
        acts.switch_route(route),
        acts.switch_feature(status),
    ]
    panes = [pane for place in PLACES for pane in page_for(place.name).panes]
    return [act.same_as for act in made] + [pane.same_as for pane in panes if pane.same_as]


@pytest.mark.parametrize("command", sorted(set(_commands())))
def test_the_command_that_does_the_same_exists(command: str) -> None:
    first, *words = command.split(" ")
    assert first == "abi"
    options = [word for word in words if word.startswith("--")]
    path = [word for word in words if word.isalpha() or "-" in word.strip("-")]
    names = [word for word in path if not word.startswith(("--", "http"))]
    while True:
        try:
            node = find(root(), tuple(names))
            break
        except click.UsageError:
            assert len(names) > 1, command
            names.pop()
    known = [flag for param in node.command.get_params(node.context) for flag in param.opts]
    assert set(options) <= set(known)
    arguments = [word for word in words if word not in names and word not in options]
    if "--method" in options:
        arguments = [word for word in arguments if word != "GET"]
    with node.command.make_context("abi", arguments, resilient_parsing=False):
        pass
