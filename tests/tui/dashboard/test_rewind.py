"""Live, paused, and back: of when the screen tells is always said."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from abi_engine.core.errors import ConnectionLost
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.moment import State
from abi_tui.dashboard.screens.overview import OverviewPage
from tests.tui.dashboard.canned import NOW, CannedEngine, past, report
from tests.tui.dashboard.still import Still

pytestmark = pytest.mark.slow

Run = Callable[..., None]


def _engine() -> CannedEngine:
    """The ring is a second older than the report on the screen."""
    return CannedEngine(report(901, NOW + timedelta(seconds=1)), past(900))


def test_space_pauses_and_goes_on(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("space")
        assert "PAUSED 12:04:42" in shown.top
        assert shown.feed.said[-1] == ("pause", None)
        await shown.press("space")
        assert "LIVE 1 s" in shown.top
        assert shown.feed.said[-1] == ("resume", None)

    on_dashboard(test, _engine())


def test_a_report_that_was_under_way_does_not_move_a_paused_screen(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("space")
        before = shown.text
        shown.engine.now = report(902, NOW + timedelta(seconds=30), trouble=("disk full",))
        await shown.tell()
        assert shown.text == before

    on_dashboard(test, _engine())


def test_keys_move_the_cursor_of_a_paused_screen(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        await shown.press("space", "j", "s", "slash", "u")
        assert page.routes.chosen is not None
        assert "sort rate" in shown.text
        assert page.routes.table.total < 24

    on_dashboard(test, _engine())


def test_a_comma_goes_back_a_report_and_a_dot_forward(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("comma")
        assert "REPLAY 12:04:41 −1.0 s" in shown.top
        await shown.press("comma", "left_square_bracket")
        assert "REPLAY 12:04:39 −3.0 s" in shown.top
        await shown.press("full_stop")
        assert "REPLAY 12:04:40 −2.0 s" in shown.top
        await shown.press("right_square_bracket", "full_stop")
        assert "LIVE" in shown.top

    on_dashboard(test, _engine())


@pytest.mark.slow
def test_braces_go_a_minute_and_stop_at_the_oldest(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("left_curly_bracket")
        assert "REPLAY 12:03:42 −60 s" in shown.top
        await shown.press("right_curly_bracket")
        assert shown.app.state is State.LIVE or "REPLAY 12:04:4" in shown.top
        for _ in range(20):
            await shown.press("left_curly_bracket")
        assert "REPLAY 11:49:42" in shown.top

    on_dashboard(test, _engine())


def test_the_past_closes_the_stream_and_every_pane_tells_of_it(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        live = shown.text
        await shown.press("left_curly_bracket")
        assert ("pause", None) in shown.feed.said
        assert shown.text != live
        page = shown.page
        assert isinstance(page, OverviewPage)
        assert shown.app.moment is not None
        assert shown.app.moment.report.at == NOW - timedelta(seconds=59)
        newest = page.events.objects[0]
        assert newest.at <= shown.app.moment.report.at  # type: ignore[attr-defined]

    on_dashboard(test, _engine())


def test_enter_on_an_event_moves_the_screen_to_that_moment(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        page = shown.page
        assert isinstance(page, OverviewPage)
        page.events.focus()
        await shown.press("j", "enter")
        event = next(e for e in shown.engine.now.events if e.kind == "breaker_opened")
        assert shown.app.moment is not None
        assert shown.app.moment.report.at >= event.at
        assert shown.app.moment.report.at - event.at <= timedelta(seconds=1)
        assert "REPLAY" in shown.top

    on_dashboard(test, _engine())


def test_l_and_escape_come_back_to_now(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        for key in ("L", "escape", "space"):
            await shown.press("left_curly_bracket")
            assert "REPLAY" in shown.top
            await shown.press(key)
            assert "LIVE" in shown.top
        assert shown.app.crumbs == ("overview",)

    on_dashboard(test, _engine())


def test_what_is_not_kept_says_so_in_the_past(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("left_curly_bracket")
        assert "nothing of limits is kept of the past" in shown.text

    on_dashboard(test, _engine(), settings=Settings(screen="limits"))


def test_what_the_engine_says_of_now_is_not_shown_of_the_past(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert "latency ms, last 60 s" in shown.text
        await shown.press("left_curly_bracket")
        assert "latency ms, last 60 s" not in shown.text
        assert "upstreams" in shown.text
        await shown.press("L")
        assert "latency ms, last 60 s" in shown.text

    on_dashboard(test, _engine(), size=(160, 50))


def test_the_future_is_not_shown(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("full_stop")
        assert "this is now" in shown.foot
        assert "LIVE" in shown.top

    on_dashboard(test, _engine())


def test_without_a_past_it_says_so(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("comma")
        assert "no report as old as" in shown.foot
        assert "LIVE" in shown.top

    on_dashboard(test, CannedEngine())


def test_nothing_is_done_to_the_engine_from_the_past(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("left_curly_bracket")
        shown.page.panes[1].focus()
        await shown.press("r")
        assert "not now" in shown.foot
        assert not shown.engine.called("reset_breaker")

    on_dashboard(test, _engine(), settings=Settings(screen="gateway"))


def test_out_of_focus_it_refreshes_every_five_seconds(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        shown.app.app_focus = False
        await shown.settle()
        assert shown.feed.said[-1] == ("interval", 5.0)
        await shown.tell()
        assert "LIVE 5 s" in shown.top
        shown.app.app_focus = True
        await shown.settle()
        assert shown.feed.said[-1] == ("interval", 1.0)

    on_dashboard(test, _engine())


def test_an_engine_that_is_lost_in_the_past_is_not_asked_for_ever(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        shown.feed.lose(ConnectionLost("the engine closed the connection"))
        await shown.settle()
        await shown.press("space", "space")
        assert "LIVE" in shown.top

    on_dashboard(test, _engine())
