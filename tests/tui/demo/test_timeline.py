"""A time that can be paused, sped up and moved ahead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine import ManualClock
from abi_tui.demo.timeline import FASTEST, SLOWEST, Timeline


def test_time_passes_as_it_does_outside() -> None:
    clock = ManualClock()
    timeline = Timeline(clock)
    clock.advance(2.5)
    assert timeline.now() == pytest.approx(2.5)


def test_no_time_passes_in_a_pause() -> None:
    clock = ManualClock()
    timeline = Timeline(clock)
    clock.advance(1)
    timeline.pause()
    clock.advance(100)
    assert timeline.paused
    assert timeline.now() == pytest.approx(1)
    timeline.resume()
    clock.advance(1)
    assert timeline.now() == pytest.approx(2)


def test_a_speed_counts_from_the_moment_it_is_set() -> None:
    clock = ManualClock()
    timeline = Timeline(clock)
    clock.advance(10)
    timeline.set_speed(2)
    clock.advance(3)
    assert timeline.now() == pytest.approx(16)


def test_speeds_have_bounds() -> None:
    timeline = Timeline(ManualClock())
    timeline.set_speed(1000)
    assert timeline.speed == FASTEST
    timeline.set_speed(0)
    assert timeline.speed == SLOWEST


def test_it_can_be_moved_ahead_and_not_back() -> None:
    timeline = Timeline(ManualClock())
    timeline.skip_to(30)
    assert timeline.now() == 30
    timeline.skip_to(10)
    assert timeline.now() == 30


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("advance"), st.floats(0, 50)),
            st.tuples(st.just("speed"), st.floats(0, 10)),
            st.tuples(st.just("skip"), st.floats(0, 500)),
            st.tuples(st.sampled_from(["pause", "resume"]), st.just(0.0)),
        )
    )
)
def test_it_never_goes_back(steps: list[tuple[str, float]]) -> None:
    clock = ManualClock()
    timeline = Timeline(clock)
    before = timeline.now()
    for step, value in steps:
        if step == "advance":
            clock.advance(value)
        elif step == "speed":
            timeline.set_speed(value)
        elif step == "skip":
            timeline.skip_to(value)
        else:
            getattr(timeline, step)()
        assert timeline.now() >= before
        before = timeline.now()
