from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import InvalidArguments
from abi_engine.runtime.breaker import Breaker, BreakerSettings, BreakerState, Transition
from tests.engine.runtime.breaker_model import Model, Permit
from tests.engine.threads import together
from tests.scale import scaled

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


def draw_settings(random: Random) -> BreakerSettings:
    return BreakerSettings(
        failure_threshold=random.choice([1, 2, 3, 1000]),
        reset_timeout=random.choice([1.0, 4.0, 32.0]),
        half_open_max=random.choice([1, 2, 3]),
        failure_ratio=random.choice([None, None, 0.5, 0.25, 1.0]),
        window=10.0,
        minimum_calls=random.choice([1, 4, 8]),
        slow_call=random.choice([None, 0.5]),
        trial_timeout=random.choice([2.0, 8.0]),
        reset_growth=random.choice([1.0, 2.0, 3.0]),
        reset_timeout_max=random.choice([1.0, 8.0, 300.0]),
    )


class Pair:
    """The breaker and its model, treated alike; every answer must agree."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.clock = ManualClock(1_024.0)
        self.told: list[tuple[BreakerState, BreakerState, bool]] = []
        settings = draw_settings(random)
        self.breaker = Breaker(settings, self.clock, on_transition=self.tell)
        self.model = Model(settings, self.clock)
        self.permits: list[tuple[int, Permit]] = []

    def tell(self, transition: Transition) -> None:
        self.told.append((transition.before, transition.after, transition.forced))

    def step(self) -> None:
        acts = [self.allow, self.record, self.record_alone, self.cancel, self.wait, self.hold]
        self.random.choices(acts, [35, 35, 8, 6, 15, 1])[0]()
        self.compare()

    def allow(self) -> None:
        permit, expected = self.breaker.allow(), self.model.allow()
        assert bool(permit) == (expected is not None)
        if expected is not None:
            self.permits.append((permit, expected))

    def record(self) -> None:
        if not self.permits:
            return
        number = self.random.randrange(len(self.permits))
        # Sometimes the same permit is given back twice, or long after its time.
        permit, expected = (
            self.permits[number] if self.random.random() < 0.1 else self.permits.pop(number)
        )
        ok, latency = self.outcome()
        self.breaker.record(ok, latency, permit=permit)
        self.model.record(ok, latency, expected)

    def record_alone(self) -> None:
        ok, latency = self.outcome()
        self.breaker.record(ok, latency)
        self.model.record(ok, latency, None)

    def outcome(self) -> tuple[bool, float]:
        return self.random.random() < 0.6, self.random.choice([0.0, 0.5, 0.51])

    def cancel(self) -> None:
        if self.permits:
            permit, expected = self.permits.pop(self.random.randrange(len(self.permits)))
            self.breaker.cancel(permit)
            self.model.cancel(expected)

    def wait(self) -> None:
        self.clock.advance(self.random.choice([0.25, 0.5, 1.0, 1.0, 2.0, 4.0, 8.0, 32.0]))

    def hold(self) -> None:
        act = self.random.randrange(5)
        if act == 0:
            self.breaker.reset()
            self.model.reset()
        else:
            state = [OPEN, CLOSED, None, None][act - 1]
            self.breaker.force(state)
            self.model.force(state)

    def compare(self) -> None:
        model, report = self.model, self.breaker.report()
        state = model.state()
        assert self.breaker.state is report.state is state
        assert report.forced == model.held
        assert (report.failures, report.refused_total) == (model.in_a_row, model.refused)
        assert (report.window_calls, report.window_failures) == model.window()
        assert report.trips_total == model.trips
        trials = len(model.in_flight())
        places = model.settings.half_open_max if state is HALF_OPEN else 0
        assert (report.trials_in_flight, report.trials_left) == (trials, places - trials)
        if state is OPEN and not model.held:
            assert report.next_try_in_s == model.opened_at + model.reset_time() - model.now
        else:
            assert report.next_try_in_s is None
        assert self.told == model.transitions


@given(st.integers(0, 2**32), st.integers(1, 150))
def test_it_does_what_the_rules_say_whatever_happens(seed: int, steps: int) -> None:
    pair = Pair(Random(seed))
    for _ in range(steps):
        pair.step()


def test_it_agrees_with_the_rules_over_many_seeded_lives() -> None:
    states = set()
    for seed in range(scaled(100, 10_000)):
        pair = Pair(Random(seed))
        for _ in range(100):
            pair.step()
        states |= {(before, after) for before, after, _ in pair.told}
    assert {(CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, OPEN), (HALF_OPEN, CLOSED)} <= states


def made(**settings: Any) -> tuple[Breaker, ManualClock, list[Transition]]:
    clock = ManualClock()
    told: list[Transition] = []
    return Breaker(BreakerSettings(**settings), clock, on_transition=told.append), clock, told


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.record(False, permit=breaker.allow())


def test_a_life_from_closed_to_closed_again_is_told_in_words() -> None:
    breaker, clock, told = made(failure_threshold=5, reset_timeout=30.0, half_open_max=3)
    fail(breaker, 5)
    clock.advance(30.0)
    for _ in range(3):
        breaker.record(True, permit=breaker.allow())
    assert [(one.before, one.after, one.cause, one.failures) for one in told] == [
        (CLOSED, OPEN, "5 consecutive failures", 5),
        (OPEN, HALF_OPEN, "reset after 30 s", 5),
        (HALF_OPEN, CLOSED, "3 trials succeeded", 0),
    ]
    assert [one.at.timestamp() for one in told] == [1_000.0, 1_030.0, 1_030.0]
    assert breaker.report().last == told[-1]


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker, _, told = made(failure_threshold=3)
    for _ in range(10):
        fail(breaker, 2)
        breaker.record(True, permit=breaker.allow())
    assert (breaker.state, told) == (CLOSED, [])


def test_the_ratio_opens_it_from_the_minimum_of_calls_on() -> None:
    breaker, _, told = made(failure_threshold=1000, failure_ratio=0.5, minimum_calls=10)
    for number in range(9):
        breaker.record(number % 2 == 0, permit=breaker.allow())
    assert breaker.state is CLOSED
    fail(breaker, 1)
    assert [(one.cause, one.calls) for one in told] == [("5 of 10 calls failed in 60 s", 10)]


def test_failures_that_left_the_window_do_not_count() -> None:
    breaker, clock, _ = made(
        failure_threshold=1000, failure_ratio=0.5, minimum_calls=4, window=10.0
    )
    fail(breaker, 3)
    clock.advance(10.0)
    breaker.record(True, permit=breaker.allow())
    assert breaker.state is CLOSED
    assert (breaker.report().window_calls, breaker.report().window_failures) == (1, 0)


def test_a_slow_call_is_a_failure() -> None:
    breaker, _, _ = made(failure_threshold=2, slow_call=1.0)
    breaker.record(True, 1.0, permit=breaker.allow())
    assert breaker.report().failures == 0
    for _ in range(2):
        breaker.record(True, 1.001, permit=breaker.allow())
    assert breaker.state is OPEN


def test_an_open_breaker_says_it_is_half_open_as_soon_as_its_time_is_over() -> None:
    breaker, clock, told = made(failure_threshold=1, reset_timeout=30.0, half_open_max=2)
    fail(breaker, 1)
    clock.advance(29.5)
    assert (breaker.state, breaker.report().next_try_in_s, breaker.allow()) == (OPEN, 0.5, 0)
    clock.advance(2.5)
    report = breaker.report()
    assert (report.state, report.in_state_s, report.trials_left) == (HALF_OPEN, 2.0, 2)
    assert report.next_try_in_s is None
    assert len(told) == 1  # looking changes nothing
    assert breaker.allow()
    assert [one.after for one in told] == [OPEN, HALF_OPEN]
    assert breaker.report().trials_left == 1


def test_a_late_result_of_an_older_state_is_ignored() -> None:
    breaker, clock, _ = made(failure_threshold=1, half_open_max=1)
    early = [breaker.allow() for _ in range(3)]
    fail(breaker, 1)
    clock.advance(30.0)
    trial = breaker.allow()
    breaker.record(True, permit=early[0])
    breaker.record(False, permit=early[1])
    assert (breaker.state, breaker.report().trials_in_flight) == (HALF_OPEN, 1)
    breaker.record(True, permit=trial)
    breaker.record(False, permit=early[2])
    breaker.record(False, permit=trial)
    assert (breaker.state, breaker.report().failures) == (CLOSED, 0)


def test_a_cancelled_trial_frees_its_place_and_counts_as_neither() -> None:
    breaker, clock, _ = made(failure_threshold=1, half_open_max=1)
    fail(breaker, 1)
    clock.advance(30.0)
    trial = breaker.allow()
    assert breaker.allow() == 0
    breaker.cancel(trial)
    breaker.record(True, permit=trial)
    assert (breaker.state, breaker.report().trials_left) == (HALF_OPEN, 1)
    assert breaker.allow()


def test_a_trial_that_outlives_its_time_frees_its_place_and_counts_as_neither() -> None:
    breaker, clock, _ = made(failure_threshold=1, half_open_max=1, trial_timeout=5.0)
    fail(breaker, 1)
    clock.advance(30.0)
    trial = breaker.allow()
    clock.advance(4.9)
    assert breaker.allow() == 0
    clock.advance(0.1)
    assert breaker.report().trials_in_flight == 0
    breaker.record(False, permit=trial)
    assert breaker.state is HALF_OPEN
    second = breaker.allow()
    breaker.record(True, permit=second)
    assert breaker.state is CLOSED


def test_the_reset_time_grows_up_to_its_maximum_and_starts_over_after_a_close() -> None:
    breaker, clock, _ = made(
        failure_threshold=1, reset_timeout=10.0, reset_growth=2.0, reset_timeout_max=35.0
    )
    fail(breaker, 1)
    waits = []
    for _ in range(4):
        wait = breaker.report().next_try_in_s
        assert wait is not None
        waits.append(wait)
        clock.advance(wait)
        fail(breaker, 1)
    assert waits == [10.0, 20.0, 35.0, 35.0]
    clock.advance(35.0)
    for _ in range(3):
        breaker.record(True, permit=breaker.allow())
    fail(breaker, 1)
    assert breaker.report().next_try_in_s == 10.0


def test_a_reset_time_above_the_maximum_of_growth_is_kept() -> None:
    breaker, _, _ = made(failure_threshold=1, reset_timeout=600.0, reset_timeout_max=300.0)
    fail(breaker, 1)
    assert breaker.report().next_try_in_s == 600.0


@given(st.integers(0, 2**32), st.sampled_from([0.1, 0.5, 1.0]))
def test_jitter_draws_the_reset_time_from_its_share_around_it(seed: int, jitter: float) -> None:
    settings = BreakerSettings(failure_threshold=1, reset_timeout=100.0, jitter=jitter)
    breaker = Breaker(settings, ManualClock(), random=Random(seed))
    fail(breaker, 1)
    wait = breaker.report().next_try_in_s
    assert wait is not None
    assert wait == pytest.approx(100 * (1 + jitter * Random(seed).uniform(-1, 1)))


def test_jitter_differs_from_one_opening_to_the_next() -> None:
    breaker, clock, _ = made(failure_threshold=1, reset_timeout=100.0, jitter=0.5)
    waits = set()
    for _ in range(20):
        clock.advance(1_000.0)
        fail(breaker, 1)
        waits.add(breaker.report().next_try_in_s)
    assert len(waits) == 20


def test_held_open_it_stays_so_whatever_time_and_results_say() -> None:
    breaker, clock, told = made()
    breaker.force(OPEN)
    clock.advance(1e6)
    breaker.record(True)
    assert (breaker.state, breaker.allow()) == (OPEN, 0)
    assert breaker.report().forced
    assert breaker.report().next_try_in_s is None
    assert breaker.report().trips_total == 0
    breaker.force(None)
    assert (breaker.state, breaker.report().forced) == (CLOSED, False)
    assert [(one.after, one.cause, one.forced) for one in told] == [
        (OPEN, "held open", True),
        (CLOSED, "released", True),
    ]


def test_held_closed_it_stays_so_and_begins_anew_when_released() -> None:
    breaker, _, told = made(failure_threshold=2)
    breaker.force(CLOSED)
    fail(breaker, 10)
    assert (breaker.state, breaker.report().failures) == (CLOSED, 10)
    breaker.force(None)
    fail(breaker, 1)
    assert (breaker.state, breaker.report().failures) == (CLOSED, 1)
    assert [one.cause for one in told] == ["held closed", "released"]


def test_releasing_a_breaker_that_nobody_holds_does_nothing() -> None:
    breaker, _, told = made(failure_threshold=1)
    fail(breaker, 1)
    breaker.force(None)
    assert (breaker.state, len(told)) == (OPEN, 1)


def test_it_cannot_be_held_half_open() -> None:
    breaker, _, _ = made()
    with pytest.raises(InvalidArguments, match="half open"):
        breaker.force(HALF_OPEN)


def test_reset_forgets_everything_and_says_so_once() -> None:
    breaker, _, told = made(failure_threshold=2, failure_ratio=0.9)
    late = breaker.allow()
    fail(breaker, 1)
    breaker.reset()
    breaker.record(False, permit=late)
    report = breaker.report()
    assert (report.failures, report.window_calls, told) == (0, 0, [])
    fail(breaker, 2)
    breaker.reset()
    assert [(one.after, one.cause, one.forced) for one in told][1:] == [(CLOSED, "reset", True)]


def test_a_clock_that_jumps_back_never_opens_the_gate() -> None:
    breaker, clock, _ = made(failure_threshold=1, half_open_max=1)
    fail(breaker, 1)
    clock.advance(-1_000.0)
    assert (breaker.state, breaker.allow()) == (OPEN, 0)
    clock.advance(1_030.0)
    assert breaker.allow()
    clock.advance(-500.0)
    assert breaker.allow() == 0
    assert breaker.report().in_state_s == 0.0


def test_it_can_be_looked_at_and_used_from_its_own_announcement() -> None:
    clock = ManualClock()
    told: list[BreakerState] = []

    def look(transition: Transition) -> None:
        told.append(transition.after)
        assert breaker.report().last is not None
        if transition.after is OPEN:
            breaker.reset()
            assert told == [OPEN]  # the next one waits until this one is told

    breaker = Breaker(BreakerSettings(failure_threshold=1), clock, on_transition=look)
    fail(breaker, 1)
    assert told == [OPEN, CLOSED]


def test_what_the_listener_raises_comes_out_and_leaves_the_breaker_whole() -> None:
    def refuse(transition: Transition) -> None:
        raise ValueError(transition.cause)

    breaker = Breaker(BreakerSettings(failure_threshold=1), ManualClock(), on_transition=refuse)
    with pytest.raises(ValueError, match=r"^1 consecutive failure$"):
        fail(breaker, 1)
    assert (breaker.state, breaker.allow()) == (OPEN, 0)


@pytest.mark.parametrize("places", [1, 3, 17])
def test_exactly_as_many_trials_as_there_are_places_pass_among_sixty_four_threads(
    places: int,
) -> None:
    breaker, clock, told = made(failure_threshold=1, half_open_max=places)
    for _ in range(scaled(10, 200)):
        fail(breaker, 1)
        clock.advance(30.0)

        def work(number: int) -> list[int]:
            return [permit for permit in (breaker.allow() for _ in range(20)) if permit]

        permits = [permit for granted in together(64, work) for permit in granted]
        assert len(permits) == len(set(permits)) == places
        assert breaker.report().trials_in_flight == places
        for permit in permits:
            breaker.record(True, permit=permit)
        assert breaker.state is CLOSED
    assert breaker.report().refused_total == scaled(10, 200) * (64 * 20 - places)
    assert len(told) == 3 * scaled(10, 200)


def test_no_failure_is_lost_among_sixty_four_threads() -> None:
    breaker, _, told = made(failure_threshold=64 * 100, failure_ratio=1.0, minimum_calls=100_000)

    def work(number: int) -> None:
        for _ in range(100):
            breaker.record(False, permit=breaker.allow())

    together(64, work)
    report = breaker.report()
    assert (report.failures, report.window_calls, report.window_failures) == (6_400,) * 3
    assert [one.cause for one in told] == ["6400 consecutive failures"]


def test_transitions_are_told_in_order_whoever_makes_them() -> None:
    breaker, clock, told = made(failure_threshold=1, reset_timeout=0.001, half_open_max=1)

    def work(number: int) -> None:
        random = Random(number)
        for _ in range(scaled(100, 2_000)):
            permit = breaker.allow()
            clock.advance(0.001)
            if permit:
                breaker.record(random.random() < 0.5, permit=permit)

    together(16, work)
    breaker.reset()
    assert len(told) > 100
    assert all(one.after is next_.before for one, next_ in pairwise(told))
    assert breaker.report().last == told[-1]
    assert sum(one.after is OPEN for one in told) == breaker.report().trips_total


@pytest.mark.parametrize(
    "bad",
    [
        {"failure_threshold": 0}, {"reset_timeout": 0}, {"half_open_max": 0},
        {"failure_ratio": 0}, {"failure_ratio": 1.1}, {"jitter": 2}, {"reset_growth": 0.5},
        {"unknown": 1},
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused_where_they_are_read(bad: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, BreakerSettings)


def test_other_settings_hold_in_the_state_it_is_in() -> None:
    clock = ManualClock()
    breaker = Breaker(BreakerSettings(failure_threshold=5, reset_timeout=10.0), clock)
    for _ in range(3):
        breaker.record(ok=False)
    breaker.reconfigure(BreakerSettings(failure_threshold=4, reset_timeout=1.0))
    assert (breaker.state, breaker.report().failures) == (CLOSED, 3)
    breaker.record(ok=False)
    assert breaker.state is OPEN
    breaker.reconfigure(BreakerSettings(reset_timeout=100.0, half_open_max=1))
    clock.advance(1.0)
    assert breaker.state is HALF_OPEN, "an open one stays open for as long as it was to"
    permit = breaker.allow()
    breaker.record(ok=True, permit=permit)
    assert breaker.state is CLOSED, "one trial is enough now"


def test_a_ratio_is_watched_from_the_moment_that_it_is_set() -> None:
    breaker = Breaker(BreakerSettings(failure_threshold=100), ManualClock())
    for _ in range(10):
        breaker.record(ok=False)
    breaker.record(ok=True)
    permit = breaker.allow()
    settings = BreakerSettings(failure_threshold=100, failure_ratio=0.5, minimum_calls=2)
    breaker.reconfigure(settings)
    breaker.record(ok=True, permit=permit)
    assert breaker.report().window_calls == 1, "permits go on to count"
    breaker.record(ok=False, permit=permit)
    assert breaker.state is OPEN
