"""What is counted of requests, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.features.gateway.api import Latency, Traffic
from abi_engine.features.gateway.latencies import latency_bars
from abi_engine.features.gateway.traffic import (
    DURATIONS,
    TrafficCounts,
    finish_both,
)
from tests.engine.features.gateway.made_gateway import together


def test_before_the_first_request_there_is_nothing() -> None:
    counts = TrafficCounts(ManualClock())
    assert counts.snapshot() == Traffic()
    assert counts.recent() is None
    assert latency_bars(counts.recent()) == ()


def test_requests_are_counted_by_class_and_by_what_became_of_them() -> None:
    clock = ManualClock(1_000)
    counts = TrafficCounts(clock)
    for status in (200, 204, 301, 404, 500):
        counts.begin()
        counts.finish(status, 0.1, error=status >= 500, bytes_in=1, bytes_out=10)
    counts.begin()
    counts.finish(499, 0.1, cancelled=True)
    counts.refuse(503, 0.0, bytes_out=100)
    counts.limit(429, bytes_out=1000)
    counts.begin()
    clock.advance(2)
    assert counts.snapshot() == Traffic(
        requests_total=8,
        status_2xx_total=2,
        status_3xx_total=1,
        status_4xx_total=2,
        status_5xx_total=2,
        in_flight=1,
        limited_total=1,
        errors_total=2,
        cancelled_total=1,
        bytes_in_total=5,
        bytes_out_total=1150,
        rate_per_s=4.0,
        error_percent=25.0,
        limited_per_s=0.5,
        latency=counts.snapshot().latency,
        last_hit_at=datetime.fromtimestamp(1_000, UTC),
    )


def test_trouble_that_is_over_looks_over() -> None:
    clock = ManualClock()
    counts = TrafficCounts(clock)
    for _ in range(10):
        counts.begin()
        counts.finish(500, 3.0, error=True)
    clock.advance(60)
    traffic = counts.snapshot()
    assert (traffic.errors_total, traffic.error_percent, traffic.rate_per_s) == (10, 0.0, 0.0)
    assert traffic.latency == Latency()


def test_latencies_are_told_in_milliseconds() -> None:
    counts = TrafficCounts(ManualClock())
    for number in range(1, 1001):
        counts.begin()
        counts.finish(200, number / 1000)
    latency = counts.snapshot().latency
    for told, exact in (
        (latency.p50_ms, 500),
        (latency.p90_ms, 900),
        (latency.p99_ms, 990),
        (latency.p999_ms, 999),
    ):
        assert told == pytest.approx(exact, rel=0.02)


def test_a_refused_request_has_no_latency() -> None:
    counts = TrafficCounts(ManualClock())
    counts.limit(429)
    assert counts.snapshot().latency == Latency()


@given(st.lists(st.floats(1e-5, 10), min_size=1, max_size=50))
def test_the_bars_hold_every_latency_once(latencies: list[float]) -> None:
    counts = TrafficCounts(ManualClock())
    for latency in latencies:
        counts.begin()
        counts.finish(200, latency)
    bars = latency_bars(counts.recent())
    assert [bar.up_to_ms for bar in bars] == [1.0, 5.0, 25.0, 100.0, None]
    assert sum(bar.requests for bar in bars) == len(latencies)
    assert sum(bar.percent for bar in bars) == pytest.approx(100)
    slow = sum(latency > 0.102 for latency in latencies)
    assert slow <= bars[-1].requests <= sum(latency >= 0.1 for latency in latencies)


def test_threads_count_together() -> None:
    counts = TrafficCounts(ManualClock())

    def work(number: int) -> None:
        for _ in range(500):
            counts.begin()
            counts.finish(200, 0.01, bytes_in=1, bytes_out=2)
            counts.limit(429)
            counts.retry()

    together(16, work)
    traffic = counts.snapshot()
    assert (traffic.requests_total, traffic.status_2xx_total, traffic.status_4xx_total) == (
        16_000,
        8_000,
        8_000,
    )
    assert (traffic.in_flight, traffic.retries_total, traffic.bytes_out_total) == (0, 8_000, 16_000)
    tally = counts.tally()
    assert (tally.calls, tally.limited) == (16_000, 8_000)


@given(st.lists(st.sampled_from(["ok", "bad", "limited", "pause"]), max_size=40))
def test_a_tally_says_what_the_whole_says(steps: list[str]) -> None:
    clock = ManualClock()
    counts = TrafficCounts(clock)
    for step in steps:
        if step == "pause":
            clock.advance(7)
        elif step == "limited":
            counts.limit(429)
        else:
            counts.begin()
            counts.finish(200, 0.01, error=step == "bad")
    recent = counts.recent()
    tally = counts.tally()
    if recent is None:
        assert tally.calls == 0
    else:
        assert tuple(tally) == recent[:4]


requests = st.tuples(
    st.sampled_from([0, 101, 200, 204, 302, 404, 499, 500, 503]),
    st.one_of(st.floats(0, 100), st.sampled_from(DURATIONS)),
    st.booleans(),
    st.integers(0, 10),
    st.integers(0, 10),
    st.booleans(),
)


@given(
    st.lists(st.tuples(requests, st.sampled_from([0.0, 0.0, 0.0, 4.0, 11.0, 70.0])), max_size=150),
    st.randoms(use_true_random=False),
)
def test_totals_are_what_a_log_of_every_request_says(log: list[Any], random: Random) -> None:
    clock = ManualClock()
    counts, other = TrafficCounts(clock), TrafficCounts(clock)
    seen: list[tuple[float, Any]] = []
    for request, pause in log:
        clock.advance(pause)
        status, duration, error, bytes_in, bytes_out, cancelled = request
        for one in (counts, other):
            one.begin()
        finish_both(
            counts,
            other,
            status,
            duration,
            error=error,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            cancelled=cancelled,
        )
        seen.append((clock.monotonic() // 10, request))
        if random.random() < 0.05:
            assert counts.totals().requests == len(seen)
    totals = counts.totals()
    assert totals._replace(duration=0) == other.totals()._replace(duration=0)
    assert totals.requests == len(log) == sum(totals.statuses) == sum(totals.durations)
    assert totals.statuses[2] == sum(request[0] in (200, 204) for _, request in seen)
    assert totals.errors == sum(request[2] for _, request in seen)
    assert totals.bytes_in == sum(request[3] for _, request in seen)
    assert totals.bytes_out == sum(request[4] for _, request in seen)
    assert totals.cancelled == sum(request[5] for _, request in seen)
    assert totals.duration == pytest.approx(sum(request[1] for _, request in seen))
    for place, edge in enumerate(DURATIONS):
        up_to = sum(request[1] <= edge for _, request in seen)
        assert sum(totals.durations[: place + 1]) == up_to
    newest = clock.monotonic() // 10
    recent = [request for number, request in seen if number > newest - 6]
    assert counts.tally()[1:] == (len(recent), sum(request[2] for request in recent), 0)
    assert counts.count_in_flight() == 0


def test_the_last_request_is_dated_when_it_was_over_whenever_it_is_asked_for() -> None:
    clock = ManualClock(5_000)
    counts = TrafficCounts(clock)
    counts.begin()
    counts.finish(200, 0.1)
    clock.advance(33)
    assert counts.last_hit == 5_000
