"""The ring of reports keeps its bounds and finds the moment it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest

from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import NotFound
from abi_engine.engine import Engine
from abi_engine.recorder import Recorder
from abi_engine.system import Report


@pytest.fixture(scope="module")
def template() -> Report:
    with Engine() as engine:
        return engine.system.report()


def at(template: Report, number: int, padding: str = "") -> Report:
    features = {"x": msgspec.Raw(msgspec.msgpack.encode(padding))}
    moment = datetime.fromtimestamp(1_000 + number, UTC)
    return msgspec.structs.replace(template, number=number, at=moment, features=features)


def never() -> Report:
    raise AssertionError("not started")


def test_what_is_recorded_comes_back_in_order(template: Report) -> None:
    recorder = Recorder(never, seconds=900, size=1 << 20)
    for number in range(1, 11):
        recorder.add(at(template, number))
    assert [report.number for report in recorder.since(4, 3)] == [5, 6, 7]
    assert next(recorder.since(0, 1)) == at(template, 1)


def test_reports_older_than_the_history_go(template: Report) -> None:
    recorder = Recorder(never, seconds=10, size=1 << 20)
    for number in range(1, 101):
        recorder.add(at(template, number))
    assert [report.number for report in recorder.since(0, 1000)] == list(range(91, 101))


def test_memory_is_bounded_and_the_oldest_are_thinned_first(template: Report) -> None:
    recorder = Recorder(never, seconds=10_000, size=40_000)
    for number in range(1, 2001):
        recorder.add(at(template, number))
        assert recorder.size_bytes <= 40_000
    numbers = [report.number for report in recorder.since(0, 10_000)]
    assert numbers == sorted(numbers)
    assert numbers[-10:] == list(range(1991, 2001))
    gaps = [b - a for a, b in pairwise(numbers)]
    assert gaps[0] > gaps[-1] == 1


def test_the_moment_asked_for_is_the_newest_not_younger(template: Report) -> None:
    recorder = Recorder(never, seconds=900, size=1 << 20)
    for number in (1, 5, 9):
        recorder.add(at(template, number))
    found = recorder.before(1_008.0)
    assert found is not None
    assert found.number == 5
    assert recorder.before(1_000.0) is None


def test_an_engine_answers_for_a_moment_it_has_recorded() -> None:
    clock = ManualClock()
    with Engine(clock=clock) as engine:
        engine.system.recorder.add(engine.system.report())
        clock.advance(60)
        engine.events.add("engine", "later", "later")
        assert engine.system.report(at=-60).events[0].kind == "started"
        assert engine.system.report(at=-1).number == 1
        with pytest.raises(NotFound, match="no report as old as"):
            engine.system.report(at=-61)


def test_recorded_reports_are_streamed_until_closed() -> None:
    with Engine() as engine:
        for _ in range(3):
            engine.system.recorder.add(engine.system.report())
        stream = engine.system.reports(since=1)
        assert next(stream).number == 2
        stream.close()
        assert list(stream) == []
