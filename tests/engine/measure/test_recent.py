from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.measure.recent import RecentCounts
from tests.engine.threads import YieldingClock, together
from tests.scale import scaled

steps = st.lists(
    st.tuples(
        st.sampled_from(["call", "error", "limited"]),
        st.sampled_from([0.0, 0.1, 3.0, 9.9, 10.0, 25.0, 61.0, 1000.0]),
    ),
    max_size=60,
)


@given(steps, st.sampled_from([1000.0, 1003.5]))
def test_it_counts_what_a_log_of_the_last_six_slices_counts(
    steps: list[tuple[str, float]], start: float
) -> None:
    clock = ManualClock(start)
    counts = RecentCounts(clock)
    log: list[tuple[float, str]] = []
    for kind, pause in steps:
        clock.advance(pause)
        log.append((clock.monotonic() // 10, kind))
        if kind == "limited":
            counts.limited()
        else:
            counts.record(0.02, error=kind == "error")
        newest = clock.monotonic() // 10
        expected = Counter(kind for number, kind in log if number > newest - 6)
        recent = counts.recent()
        assert recent.calls == expected.total()
        assert (recent.errors, recent.limited) == (expected["error"], expected["limited"])
        assert recent.latency.count == expected["call"] + expected["error"]
        begun = max(start, (newest - 5) * 10)
        assert recent.seconds == max(clock.monotonic() - begun, 1.0)
        assert counts.tally() == recent[:4]


def test_trouble_that_is_over_looks_over() -> None:
    clock = ManualClock()
    counts = RecentCounts(clock)
    for _ in range(5):
        counts.record(9.0, error=True)
    clock.advance(59.0)
    counts.record(0.01)
    assert counts.recent().errors == 5
    clock.advance(1.0)
    recent = counts.recent()
    assert (recent.calls, recent.errors) == (1, 0)
    assert recent.latency.percentile(100) == pytest.approx(0.01, rel=0.01)


def test_the_time_it_speaks_of_is_never_more_than_sixty_seconds_nor_less_than_one() -> None:
    clock = ManualClock()
    counts = RecentCounts(clock)
    assert counts.recent().seconds == 1.0
    clock.advance(7.5)
    assert counts.recent().seconds == 7.5
    clock.advance(1_000.0)
    assert 50.0 <= counts.recent().seconds <= 60.0


def test_a_clock_that_jumps_back_loses_nothing() -> None:
    clock = ManualClock()
    counts = RecentCounts(clock)
    counts.record(0.1)
    clock.advance(-500.0)
    counts.record(0.1)
    recent = counts.recent()
    assert (recent.calls, recent.seconds) == (2, 1.0)


def test_what_it_returned_does_not_change_later() -> None:
    clock = ManualClock()
    counts = RecentCounts(clock)
    counts.record(0.1)
    clock.advance(10.0)
    before = counts.recent()
    counts.record(0.1)
    assert before.latency.count == 1
    assert counts.recent().latency.count == 2


@pytest.mark.slow
def test_no_call_is_lost_among_sixty_four_threads() -> None:
    for _ in range(scaled(12, 300)):
        count_together(RecentCounts(YieldingClock(step=0.01)))


def count_together(counts: RecentCounts) -> None:
    def work(_: int) -> None:
        for number in range(20):
            counts.record(0.001, error=number % 4 == 0)
            counts.limited()
        counts.recent()

    together(64, work)
    recent = counts.recent()
    assert (recent.calls, recent.errors, recent.limited) == (2_560, 320, 1_280)
    assert recent.latency.count == 1_280
