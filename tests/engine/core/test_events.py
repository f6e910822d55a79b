from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import Severity
from abi_engine.core.events import Event, EventLog
from tests.engine.threads import together
from tests.scale import scaled


def test_an_event_says_when_where_and_what() -> None:
    log = EventLog(ManualClock(1_000.0))
    event = log.add(
        "gateway", "breaker_opened", "opened", subject="up", severity=Severity.WARNING, failures=5
    )
    assert event == Event(
        1,
        datetime.fromtimestamp(1_000, UTC),
        "gateway",
        "breaker_opened",
        "opened",
        "up",
        Severity.WARNING,
        {"failures": 5},
    )
    assert log.latest() == (event,)


@given(
    st.lists(st.sampled_from(["gateway", "engine"]), max_size=30),
    st.integers(1, 10),
    st.integers(0, 12),
    st.sampled_from([None, "gateway", "none"]),
    st.none() | st.integers(0, 35),
)
def test_the_latest_are_those_a_list_of_all_would_give(
    sources: list[str], size: int, limit: int, source: str | None, before: int | None
) -> None:
    log = EventLog(ManualClock(), size)
    every = [log.add(name, "kind", "message") for name in sources]
    expected = [
        event
        for event in every[-size:]
        if source in (None, event.source) and (before is None or event.id < before)
    ]
    assert log.latest(limit, source=source, before=before) == tuple(expected[::-1][:limit])


def test_pages_go_back_to_the_oldest_without_a_gap() -> None:
    log = EventLog(ManualClock())
    for _ in range(25):
        log.add("engine", "kind", "message")
    seen: list[int] = []
    before: int | None = None
    while page := log.latest(10, before=before):
        seen += [event.id for event in page]
        before = page[-1].id
    assert seen == list(range(25, 0, -1))


def test_a_watcher_sees_events_in_the_order_of_their_ids_whatever_thread_adds_them() -> None:
    def work(_: int) -> None:
        for _ in range(100):
            log.add("engine", "kind", "message")

    for _ in range(scaled(10, 100)):
        log = EventLog(ManualClock())
        with log.watch() as stream:
            together(8, work)
            assert [next(stream).id for _ in range(800)] == list(range(1, 801))
            assert stream.lagged == 0
        assert log.latest(1)[0].id == 800


def test_closing_ends_the_watchers_and_keeps_the_events() -> None:
    log = EventLog(ManualClock())
    stream = log.watch()
    log.add("engine", "kind", "message")
    log.close()
    with pytest.raises(StopIteration):
        next(stream)
    log.add("engine", "kind", "message")
    assert [event.id for event in log.latest()] == [2, 1]
