"""Counts of one process that another one tells of."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.features.gateway.admission import Cause
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.features.gateway.workers.counting import ReportedCounts, add_delta
from abi_engine.features.gateway.workers.messages import Delta
from tests.scale import scaled

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin")),
        st.tuples(st.just("finish"), st.sampled_from([0, 200, 404, 499, 503]), st.floats(0, 40)),
        st.tuples(st.just("refuse"), st.sampled_from([404, 503]), st.floats(0, 1)),
        st.tuples(st.just("limit"), st.just(429)),
        st.tuples(st.just("retry")),
        st.tuples(st.just("note_cause"), st.sampled_from(Cause)),
        st.tuples(st.just("add_bytes"), st.integers(0, 99), st.integers(0, 99)),
        st.tuples(st.just("take")),
    ),
    max_size=120,
)


@settings(max_examples=scaled(300, 10_000), deadline=None)
@given(STEPS, STEPS)
def test_what_two_processes_count_is_told_as_if_one_had_counted_it(ours: Any, others: Any) -> None:
    clock = ManualClock()
    changed: set[ReportedCounts] = set()
    apart = ReportedCounts(clock, changed), ReportedCounts(clock, changed)
    together, alone = TrafficCounts(clock), TrafficCounts(clock)
    for counts, steps in zip(apart, (ours, others)):
        begun = 0
        for name, *values in steps:
            if name == "take":
                carry(changed, together)
                continue
            begun += (name == "begin") - (name == "finish")
            if begun < 0:
                begun = 0
                continue
            for one in (counts, alone):
                getattr(one, name)(*values)
    carry(changed, together)
    assert not changed
    seen, expected = together.snapshot(), alone.snapshot()
    assert seen == expected
    assert together.totals()._replace(duration=0.0) == alone.totals()._replace(duration=0.0)


def carry(changed: set[ReportedCounts], to: TrafficCounts) -> None:
    """As over the link."""
    for counts in tuple(changed):
        data = msgspec.msgpack.encode(counts.take())
        add_delta(to, msgspec.msgpack.decode(data, type=Delta))


def test_counts_that_nothing_happened_to_are_not_reported() -> None:
    changed: set[Any] = set()
    counts = ReportedCounts(ManualClock(), changed)
    counts.begin()
    counts.take()
    assert not changed
    counts.leave()
    assert changed == {counts}
    assert counts.take().in_flight == -1
