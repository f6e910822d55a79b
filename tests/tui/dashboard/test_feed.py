"""The feed reads one stream, says at once when it ends, and does nothing while it is paused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from queue import Empty, Queue
from typing import Any, TypeVar

import pytest

from abi_engine.core.errors import EngineNotRunning, NotFound
from abi_tui.dashboard.feed import (
    Answered,
    Arrived,
    Failed,
    Feed,
    Lost,
    News,
    Remembered,
    first_after,
    past,
)
from tests.tui.dashboard.canned import NOW, CannedEngine, report
from tests.tui.dashboard.canned import past as kept_reports

T = TypeVar("T")
DEADLINE = 10.0


class Reader:
    """What a feed tells, in order."""

    def __init__(self) -> None:
        self.news: Queue[News] = Queue()

    def next(self, kind: type[T]) -> T:
        """The next news of a kind; what comes before it is dropped."""
        while True:
            found = self.news.get(timeout=DEADLINE)
            if isinstance(found, kind):
                return found


@contextmanager
def following(engine: CannedEngine, **facts: Any) -> Iterator[tuple[Feed, Reader]]:
    """A feed that has begun."""
    feed, reader = Feed(engine.open, retry=0.01, **facts), Reader()
    feed.start(reader.news.put)
    try:
        yield feed, reader
    finally:
        feed.close()
    assert not feed._thread.is_alive()


def test_reports_arrive_as_the_engine_makes_them() -> None:
    engine = CannedEngine()
    with following(engine) as (_, reader):
        assert reader.next(Arrived).report.number == 900
        engine.send(report(901))
        assert reader.next(Arrived).report.number == 901
    assert engine.called("watch") == [(1.0,)]


def test_the_answer_to_the_query_of_the_page_comes_along() -> None:
    engine = CannedEngine()
    with following(engine) as (feed, reader):
        reader.next(Arrived)
        feed.set_query(lambda engine: engine.gateway.stats_of_a_test())  # type: ignore[attr-defined]
        engine.send(report(901))
        assert reader.next(Arrived).answer is None
        assert engine.called("stats_of_a_test") == [()]


def test_a_query_about_what_is_gone_does_not_stop_the_reports() -> None:
    engine = CannedEngine()

    def gone(_: object) -> object:
        raise NotFound("no such route")

    with following(engine) as (feed, reader):
        reader.next(Arrived)
        feed.set_query(gone)
        engine.send(report(901))
        assert reader.next(Arrived).report.number == 901


def test_a_paused_feed_closes_its_stream_and_asks_nothing() -> None:
    engine = CannedEngine()
    with following(engine) as (feed, reader):
        reader.next(Arrived)
        feed.pause()
        engine.wait_until_closed()
        calls = list(engine.calls)
        engine.send(report(901))
        with pytest.raises(Empty):
            while True:  # the news of before the pause may still be in the queue
                assert not isinstance(reader.news.get(timeout=0.2), Arrived)
        assert engine.calls == calls
        engine.now = report(902)
        feed.resume()
        assert reader.next(Arrived).report.number == 902


def test_a_lost_engine_is_said_and_reached_again() -> None:
    engine = CannedEngine()
    with following(engine) as (_, reader):
        reader.next(Arrived)
        engine.end()
        assert reader.next(Lost).error.code == "connection_lost"
        assert reader.next(Arrived).report.number == 900
    assert engine.opened == 2


def test_an_engine_that_is_not_there_is_tried_again_until_it_is() -> None:
    engine = CannedEngine()
    engine.lost = EngineNotRunning("no engine runs on /tmp/data", hint="abi serve")
    with following(engine) as (_, reader):
        assert reader.next(Lost).error is engine.lost
        assert reader.next(Lost).error is engine.lost
        engine.lost = None
        assert reader.next(Arrived).report.number == 900


def test_a_defect_is_said_rather_than_ending_the_feed() -> None:
    engine = CannedEngine()
    engine.now = None  # type: ignore[assignment]
    with following(engine) as (_, reader):
        assert "AttributeError" in reader.next(Lost).error.message
        engine.now = report()
        assert reader.next(Arrived)


def test_another_interval_opens_another_stream() -> None:
    engine = CannedEngine()
    with following(engine) as (feed, reader):
        reader.next(Arrived)
        feed.set_interval(5.0)
        reader.next(Arrived)
    assert engine.called("watch") == [(1.0,), (5.0,)]


def test_the_traces_begin_with_the_past() -> None:
    engine = CannedEngine(kept=kept_reports(900))
    with following(engine) as (_, reader):
        reader.next(Arrived)
        times: list[float] = []
        while not times or times[-1] < NOW.timestamp():
            times += [point.at for point in reader.next(Remembered).points]
    assert times == sorted(times)
    assert times[0] == NOW.timestamp() - 239  # four minutes, and no more: that is what traces show


def test_what_was_missed_during_a_pause_is_asked_for() -> None:
    engine = CannedEngine(kept=kept_reports(10))
    with following(engine) as (feed, reader):
        reader.next(Arrived)
        feed.pause()
        engine.wait_until_closed()
        later = tuple(report(900 + n, NOW + timedelta(seconds=n)) for n in range(1, 31))
        engine.kept += later
        engine.now = report(930, NOW + timedelta(seconds=30))
        feed.resume()
        while (news := reader.next(Remembered)).points[-1].at < engine.now.at.timestamp():
            pass
        assert news.points[0].at > NOW.timestamp()


def _ask(call: Callable[[Any], object], engine: CannedEngine) -> News:
    with following(engine) as (feed, reader):
        reader.next(Arrived)
        feed.ask(call, lambda _: None)
        return reader.next((Answered, Failed))  # type: ignore[arg-type]


def test_a_call_is_answered() -> None:
    found = _ask(lambda engine: engine.system.logs()[0].level, CannedEngine())
    assert isinstance(found, Answered)
    assert found.value == "info"


def test_a_call_that_fails_says_why() -> None:
    found = _ask(lambda engine: engine.system.report(at=0.0), CannedEngine())
    assert isinstance(found, Failed)
    assert found.error.code == "not_found"


def test_a_call_without_an_engine_says_so() -> None:
    feed, reader = Feed(CannedEngine().open), Reader()
    feed._sink = reader.news.put
    feed.ask(lambda engine: engine, lambda _: None)
    assert reader.next(Failed).error.code == "connection_lost"
    feed.close()


def test_the_first_report_after_a_moment_has_what_happened_then() -> None:
    engine = CannedEngine(kept=kept_reports(20))
    moment = NOW - timedelta(seconds=4.5)
    found = first_after(engine, moment.timestamp())  # type: ignore[arg-type]
    assert found is not None
    assert found.at == NOW - timedelta(seconds=4)
    assert first_after(engine, NOW.timestamp() + 1) is None  # type: ignore[arg-type]


def test_the_past_comes_a_few_points_at_a_time() -> None:
    engine = CannedEngine(kept=kept_reports(100))
    since = (NOW - timedelta(seconds=70)).timestamp()
    chunks = list(past(engine, since, NOW.timestamp()))  # type: ignore[arg-type]
    assert [len(chunk) for chunk in chunks] == [30, 30, 10]
