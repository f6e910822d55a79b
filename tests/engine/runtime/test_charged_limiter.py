"""Requests that others let through, and a limiter counts afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.runtime.limiter import LimitKind, LimitSettings, build
from tests.scale import scaled

STEPS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.05, 0.3, 1.0, 5.0]), st.integers(0, 12)), max_size=40
)


@pytest.mark.parametrize("kind", LimitKind)
@settings(max_examples=scaled(100, 5_000), deadline=None)
@given(steps=STEPS)
def test_what_fits_is_counted_as_if_it_had_been_asked_for_one_by_one(
    kind: LimitKind, steps: Any
) -> None:
    clock = ManualClock()
    limit = LimitSettings(kind=kind, rate=4.0, burst=6, window=2.0)
    charged, asked = build(limit, clock), build(limit, clock)
    for pause, count in steps:
        clock.advance(pause)
        fits = sum(asked.check("a").allowed for _ in range(count))
        if fits:
            assert charged.charge("a", fits) == 0
        assert charged.peek("a") == asked.peek("a")


@pytest.mark.parametrize("kind", [LimitKind.SLIDING_WINDOW, LimitKind.FIXED_WINDOW])
def test_a_window_says_how_many_find_no_room(kind: LimitKind) -> None:
    clock = ManualClock()
    limiter = build(LimitSettings(kind=kind, rate=5.0, window=1.0), clock)
    assert limiter.charge("a", 3) == 0
    assert limiter.charge("a", 3) == 1
    assert limiter.charge("a", 2) == 2
    assert not limiter.check("a").allowed
    assert limiter.charge("b", 9) == 4, "of each key"


def test_a_bucket_goes_into_debt_and_lets_nothing_through_until_it_is_paid() -> None:
    clock = ManualClock()
    limiter = build(LimitSettings(rate=10.0, burst=5), clock)
    assert limiter.charge("a", 8) == 0
    decision = limiter.peek("a")
    assert not decision.allowed
    assert decision.reset_after == pytest.approx(0.4)
    clock.advance(0.39)
    assert not limiter.check("a").allowed
    clock.advance(0.02)
    assert limiter.check("a").allowed


@pytest.mark.parametrize("kind", LimitKind)
def test_names_beyond_the_bound_are_charged_together(kind: LimitKind) -> None:
    limit = LimitSettings(kind=kind, rate=1e-3, burst=4, window=4_000.0)
    limiter = build(limit, ManualClock(), max_keys=1)
    limiter.check("known")
    for name in "abcd":
        assert limiter.charge(name, 1) == 0
    assert not limiter.check("e").allowed
    assert limiter.keys() == 1
