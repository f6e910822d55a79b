"""When the failing upstream fails, and how much traffic there is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_tui.demo.routes import RESET_TIMEOUT
from abi_tui.demo.schedule import (
    BASE_RATE,
    BURST_EVERY,
    CYCLE,
    STORY,
    Phase,
    bursting,
    next_start,
    parts_of,
    phase_at,
    rate_at,
)

times = st.floats(0, 100_000)
seeds = st.integers(0, 1000)


def test_the_first_minute_is_as_written() -> None:
    start = 0.0
    for part in STORY:
        assert phase_at(start) is part.phase
        assert phase_at(start + part.length - 0.01) is part.phase
        start += part.length
    assert start == CYCLE


def test_a_first_trial_meets_refused_connections_and_a_second_one_an_upstream_that_recovers() -> (
    None
):
    opened = next_start(Phase.ERRORING, 0.0)
    assert phase_at(opened + RESET_TIMEOUT + 0.5) is Phase.REFUSING
    assert phase_at(opened + 2 * (RESET_TIMEOUT + 0.5)) is Phase.RECOVERING


def test_a_trial_after_the_requests_that_hung_meets_an_upstream_that_recovers() -> None:
    hangs = next_start(Phase.HANGING, 0.0)
    slowest_opening = hangs + 3.0  # the gateway's patience, and a moment for five requests
    assert phase_at(slowest_opening) is Phase.HANGING
    assert phase_at(slowest_opening + RESET_TIMEOUT) is Phase.RECOVERING


@given(cycle=st.integers(0, 10_000), seed=seeds)
def test_every_minute_tells_the_whole_story_in_its_order(cycle: int, seed: int) -> None:
    parts = tuple(parts_of(cycle, seed))
    assert [part.phase for part in parts] == [part.phase for part in STORY]
    assert all(part.length > 0 for part in parts)
    assert sum(part.length for part in parts) == pytest.approx(CYCLE)


@given(time=times, seed=seeds)
def test_a_time_and_a_seed_always_have_the_same_phase(time: float, seed: int) -> None:
    assert phase_at(time, seed) is phase_at(time, seed)
    cycle, within = divmod(time, CYCLE)
    edges = [0.0]
    for part in parts_of(int(cycle), seed):
        edges.append(edges[-1] + part.length)
        if edges[-2] < within < edges[-1]:
            assert phase_at(time, seed) is part.phase


def test_another_seed_has_other_lengths_after_the_first_minute() -> None:
    assert tuple(parts_of(3, 1)) != tuple(parts_of(3, 2))
    assert tuple(parts_of(3, 1)) != tuple(parts_of(4, 1))


@given(after=times, seed=seeds, phase=st.sampled_from(tuple(Phase)))
def test_the_next_start_of_a_phase_is_later_and_within_two_minutes(
    after: float, seed: int, phase: Phase
) -> None:
    start = next_start(phase, after, seed)
    assert after < start < after + 2 * CYCLE
    assert phase_at(start, seed) is phase


def test_a_burst_comes_in_the_first_five_seconds_and_again_and_again() -> None:
    moments = [number / 10 for number in range(1200)]
    starts = [late for early, late in pairwise(moments) if bursting(late) and not bursting(early)]
    assert starts[0] < 5
    assert all(late - early == pytest.approx(BURST_EVERY) for early, late in pairwise(starts))


@given(time=times)
def test_the_rate_stays_within_reason(time: float) -> None:
    assert 0.5 * BASE_RATE < rate_at(time) < 1.5 * BASE_RATE
