"""The log is followed while somebody looks, to its end or wherever one stopped to read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from abi_engine.core.stream import Stream
from abi_engine.system import LogLine
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.feed import Arrived
from abi_tui.dashboard.paint import Ink
from abi_tui.dashboard.screens.logs import KEPT, LogsPage, LogsPane
from abi_tui.dashboard.screens.modal import HelpScreen
from abi_tui.dashboard.tail import GATHER_S, LINES, Logged, Tail
from tests.tui.dashboard.canned import NOW, CannedEngine, CannedSystem, past, report
from tests.tui.dashboard.still import Still
from tests.tui.dashboard.test_feed import Reader, following

pytestmark = pytest.mark.slow

Run = Callable[..., None]
LOGS = Settings(screen="logs")


def line(number: int, level: str = "info", message: str = "") -> LogLine:
    return LogLine(
        NOW + timedelta(seconds=number), level, "abi_engine.gateway", message or f"line {number}"
    )


def _pane(shown: Still) -> LogsPane:
    assert isinstance(shown.page, LogsPage)
    return shown.page.logs


def _rows(shown: Still) -> list[str]:
    return [row.strip("│┃ ") for row in shown.text.splitlines() if "line " in row]


async def _write(shown: Still, *lines: LogLine, lost: int = 0) -> None:
    shown.feed.log(*lines, lost=lost)
    await shown.settle()


def test_new_lines_come_at_the_end_and_the_end_is_in_sight(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert "upstream refused the connection" in shown.text
        await _write(shown, *map(line, range(1, 60)))
        assert "line 59" in shown.text
        assert "listening on" not in shown.text
        assert "following" in shown.text

    on_dashboard(test, settings=LOGS, size=(80, 24))


def test_who_looks_back_stands_still_while_lines_go_on_to_come(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await _write(shown, *map(line, range(1, 60)))
        await shown.press("pageup", "pageup")
        before = _rows(shown)
        await _write(shown, *map(line, range(60, 90)))
        assert "stands still" in shown.text
        assert _rows(shown) == before
        await shown.press("f")
        assert "line 89" in shown.text
        await shown.press("k")
        assert "stands still" in shown.text
        await shown.press("end")
        assert "following" in shown.text

    on_dashboard(test, settings=LOGS, size=(80, 24))


def test_what_is_read_stays_in_sight_though_older_lines_are_dropped(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await _write(shown, *map(line, range(1, KEPT)))
        await shown.press("pageup")
        chosen = _pane(shown).chosen
        assert chosen is not None
        await _write(shown, *map(line, range(KEPT, KEPT + 500)))
        assert _pane(shown).chosen == chosen
        assert _pane(shown).table.total == KEPT
        read = _pane(shown).object
        assert isinstance(read, LogLine)
        assert any(row.endswith(f" {read.message}") for row in _rows(shown))

    on_dashboard(test, settings=LOGS, size=(80, 24))


def test_v_leaves_out_what_is_not_bad_enough(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await _write(shown, line(1, "debug"), line(2, "warning"), line(3, "critical"))
        assert _pane(shown).table.total == 6
        for level, words in (
            (5, "info and worse"), (4, "warning and worse"), (2, "error and worse"),
        ):  # fmt: skip
            await shown.press("v")
            assert (_pane(shown).table.total, words in shown.text) == (level, True)
        await shown.press("v")
        assert _pane(shown).table.total == 6

    on_dashboard(test, settings=LOGS)


def test_the_filter_holds_for_lines_to_come(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"!breaker", "enter")
        await _write(shown, line(1, message="breaker opened again"), line(2, message="else"))
        assert "breaker opened" not in shown.text.replace("breaker open ", "")
        assert "else" in shown.text

    on_dashboard(test, settings=LOGS)


def test_enter_shows_a_line_whole(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await _write(shown, line(1, "error", "begin " + "long " * 60 + "finish"))
        await shown.press("enter")
        assert isinstance(shown.app.screen, HelpScreen)
        assert "2026-11-22 12:04:42.000 UTC" in shown.text
        assert "abi_engine.gateway" in shown.text
        assert "finish" in shown.text

    on_dashboard(test, settings=LOGS, size=(80, 24))


def test_lines_that_were_lost_are_counted(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await _write(shown, line(1), lost=7)
        await _write(shown, line(2), lost=5)
        assert "12 lines lost" in shown.text

    on_dashboard(test, settings=LOGS)


def test_only_the_word_for_the_level_is_coloured(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        pane = _pane(shown)
        row = next(row for row in pane.lines if any("error" in piece.text for piece in row))
        coloured = [piece.text.strip() for piece in row if piece.ink is Ink.BAD]
        assert coloured == ["error"]

    on_dashboard(test, settings=LOGS)


def test_while_it_is_paused_lines_wait(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("space")
        await _write(shown, line(1))
        assert "line 1" not in shown.text

    on_dashboard(test, settings=LOGS)


def test_of_the_past_the_lines_of_then_are_shown(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("left_curly_bracket")
        assert "listening on" in shown.text
        assert "upstream refused the connection" not in shown.text
        await shown.press("L")
        assert "upstream refused the connection" in shown.text

    on_dashboard(test, CannedEngine(kept=past(300)), settings=LOGS)


def test_the_log_is_read_only_while_it_is_looked_at(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert not shown.feed.tailing
        await shown.press("g", "l")
        assert shown.feed.tailing
        await shown.press("question_mark", "escape")
        assert shown.feed.tailing
        await shown.press("escape")
        assert not shown.feed.tailing

    on_dashboard(test)


# the tail


def _next_lines(engine: CannedEngine, reader: Reader) -> Logged:
    """The next lines; those that came too soon after others come with one of the next reports."""
    for number in range(901, 10_000):
        engine.send(report(number))
        while not isinstance(news := reader.news.get(timeout=10.0), Arrived):
            if isinstance(news, Logged):
                return news
    raise AssertionError("no lines came")


def test_a_feed_follows_the_log_and_tells_each_line_once() -> None:
    engine = CannedEngine()
    with following(engine) as (feed, reader):
        reader.next(Arrived)
        feed.tail(True)
        kept = reader.next(Logged)
        assert kept.lines == CannedSystem(engine).logs()
        engine.log.send(kept.lines[-1])  # was among those that were kept
        engine.log.send(line(1))
        assert _next_lines(engine, reader) == Logged((line(1),), 0)
        feed.pause()
        feed.tail(False)
    assert len(engine.called("watch_logs")) == 1


def test_after_a_pause_only_what_was_missed_is_told() -> None:
    engine = CannedEngine()
    with following(engine) as (feed, reader):
        reader.next(Arrived)
        feed.tail(True)
        assert len(reader.next(Logged).lines) == 3
        feed.pause()
        feed.resume()
        assert reader.next(Logged).lines == ()
    assert len(engine.called("watch_logs")) == 2


class _Flood(CannedSystem):
    """Lines without end, and some of them lost."""

    def __init__(self, engine: CannedEngine, count: int) -> None:
        super().__init__(engine)
        self._count = count

    def watch_logs(self) -> Stream[LogLine]:
        return Stream(map(line, range(1, self._count)), lambda: None, lambda: 3)


def test_a_flood_is_told_in_handfuls_and_what_is_too_much_is_counted() -> None:
    engine = CannedEngine()
    engine.system = _Flood(engine, 3 * LINES)
    told: list[Logged] = []
    clock = [0.0]
    tail = Tail(told.append, now=lambda: clock[0])
    clock[0] = 10.0
    tail._engine = engine  # type: ignore[assignment]
    tail._run(engine)  # type: ignore[arg-type]
    assert len(told) == 1  # what was kept; no time has passed since
    tail.flush()
    assert len(told) == 2
    assert len(told[1].lines) == LINES
    assert told[1].lines[-1] == line(3 * LINES - 1)
    assert told[1].lost == 3 + 2 * LINES - 1


def test_a_single_line_is_told_at_once() -> None:
    engine = CannedEngine()
    told: list[Logged] = []
    clock = [0.0]
    tail = Tail(told.append, now=lambda: clock[0])
    tail._engine = engine  # type: ignore[assignment]
    tail._take(engine, (line(1),))  # type: ignore[arg-type]
    assert told == []
    clock[0] += GATHER_S
    tail._take(engine, (line(2),))  # type: ignore[arg-type]
    assert told == [Logged((line(1), line(2)), 0)]
