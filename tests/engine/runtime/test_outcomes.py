from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from abi_engine.runtime.outcomes import Outcomes

steps = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.0, 0.25, 1.0, 3.75, 9.0, 10.0, 500.0])),
    max_size=100,
)


@given(steps, st.sampled_from([0.0, 1_000.0, 1_000.5]))
def test_it_counts_what_a_log_counts_in_the_part_under_way_and_the_nine_before(
    steps: list[tuple[bool, float]], now: float
) -> None:
    outcomes = Outcomes(10.0)
    log: list[tuple[float, bool]] = []
    for failed, pause in steps:
        now += pause
        outcomes.add(now, failed)
        log.append((now // 1.0, failed))
        within = [failed for part, failed in log if part > now // 1.0 - 10]
        assert outcomes.counts(now) == (len(within), sum(within))


def test_it_looks_back_no_longer_than_the_window() -> None:
    outcomes = Outcomes(60.0)
    outcomes.add(1_000.0, True)
    assert outcomes.counts(1_053.9) == (1, 1)
    assert outcomes.counts(1_060.0) == (0, 0)


def test_a_clock_that_jumps_back_counts_in_the_part_under_way() -> None:
    outcomes = Outcomes(10.0)
    outcomes.add(1_000.0, True)
    outcomes.add(500.0, False)
    assert outcomes.counts(1_000.0) == (2, 1)


def test_memory_is_bounded_whatever_the_pauses() -> None:
    outcomes = Outcomes(0.1)
    for number in range(10_000):
        outcomes.add(number * 0.003, False)
    assert len(outcomes._parts) <= 10


def test_a_clock_that_jumps_to_and_fro_costs_no_memory() -> None:
    outcomes = Outcomes(10.0)
    for number in range(1_000):
        outcomes.add(1_000.0 - 50.0 * (number % 2), False)
    assert outcomes.counts(1_000.0) == (1_000, 0)
    assert len(outcomes._parts) == 1


def test_cleared_it_begins_anew() -> None:
    outcomes = Outcomes(10.0)
    outcomes.add(1_000.0, True)
    outcomes.clear()
    assert outcomes.counts(1_000.0) == (0, 0)
    outcomes.add(1_000.0, False)
    assert outcomes.counts(1_000.0) == (1, 0)
