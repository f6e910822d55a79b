"""Several processes that share a breaker, with delays, against what one would have let through."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.features.gateway.workers.breakers import SharedBreakers
from abi_engine.features.gateway.workers.mirror import Mirror
from abi_engine.runtime.breaker import Breaker, BreakerSettings, BreakerState, Standing
from tests.scale import scaled

NAME = "http://up:80"


class Shared:
    """Processes that follow a breaker; what they say to each other takes its time."""

    def __init__(self, workers: int, **options: Any) -> None:
        self.clock = ManualClock()
        self.settings = BreakerSettings(**options)
        self.breaker = Breaker(self.settings, self.clock)
        self.alive = list(range(workers))
        self.down: list[deque[tuple[str, Any]]] = [deque() for _ in range(workers)]
        self.up: list[deque[tuple[Any, ...]]] = [deque() for _ in range(workers)]
        self.mirrors = [self._mirror(number) for number in range(workers)]
        self.running: list[list[int]] = [[] for _ in range(workers)]
        upstream: Any = SimpleNamespace(name=NAME, breaker=self.breaker)  # as much as is asked of
        self.shared = SharedBreakers(lambda: (upstream,), self)
        self.shared.review()

    def _mirror(self, number: int) -> Mirror:
        return Mirror(NAME, self.settings, self.clock, _Told(self.up[number]))

    # What the owner says.

    def numbers(self) -> Iterable[int]:
        return self.alive

    def standing(self, number: int, upstream: str, standing: Standing) -> None:
        self.down[number].append(("follow", standing))

    def trial(self, number: int, upstream: str, permit: int) -> None:
        self.down[number].append(("take_trial", permit))

    def recall(self, number: int, upstream: str) -> None:
        self.down[number].append(("give_back", None))

    # What happens.

    def call(self, number: int) -> bool:
        """A request at one process; whether it was let through."""
        permit = self.mirrors[number].allow()
        if permit:
            self.running[number].append(permit)
        return bool(permit)

    def end(self, number: int, ok: bool) -> None:
        """The oldest request of a process is over."""
        if self.running[number]:
            self.mirrors[number].record(ok, permit=self.running[number].pop(0))

    def leave(self, number: int) -> None:
        """The client of the oldest request leaves."""
        if self.running[number]:
            self.mirrors[number].cancel(self.running[number].pop(0))

    def hear(self, number: int) -> None:
        """The owner hears the next word of a process."""
        if self.up[number]:
            word, *values = self.up[number].popleft()
            if word == "results":
                self.shared.results(NAME, values[0], [1 if values[1] else -1])
            elif word == "returned":
                self.shared.returned(NAME, values[0])
            else:
                self.shared.refused(number, NAME, 1)

    def tell(self, number: int) -> None:
        """A process hears the next word of the owner."""
        if self.down[number]:
            word, value = self.down[number].popleft()
            mirror = self.mirrors[number]
            mirror.give_back() if word == "give_back" else getattr(mirror, word)(value)

    def die(self, number: int) -> None:
        """A process is killed, and another serves in its place."""
        self.running[number].clear()
        self.down[number].clear()
        self.up[number].clear()
        self.mirrors[number] = self._mirror(number)
        self.alive.remove(number)
        self.shared.left(number)
        self.shared.joined(number)
        while self.down[number]:  # all of it, before the first request
            self.tell(number)
        self.alive.append(number)
        self.shared.review()

    def settle(self) -> None:
        """Everything that is on its way arrives."""
        while any(self.up) or any(self.down):
            for number in range(len(self.mirrors)):
                self.hear(number)
                self.tell(number)

    def open(self) -> None:
        """Failures open it, and all know."""
        while self.breaker.state is BreakerState.CLOSED:
            self.call(0)
            self.end(0, ok=False)
            self.settle()


class _Told:
    def __init__(self, up: deque[tuple[Any, ...]]) -> None:
        self._up = up

    def result(self, upstream: str, permit: int, ok: bool) -> None:
        self._up.append(("results", permit, ok))

    def returned(self, upstream: str, permit: int) -> None:
        self._up.append(("returned", permit))

    def refused(self, upstream: str) -> None:
        self._up.append(("refused",))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["call", "fail", "succeed", "leave", "hear", "tell", "die", "settle"]),
        st.integers(0, 3),
    ),
    max_size=100,
)


@settings(max_examples=scaled(300, 10_000), deadline=None)
@given(workers=st.integers(1, 4), places=st.integers(1, 4), steps=STEPS)
def test_trials_at_work_are_never_more_than_one_would_make(
    workers: int, places: int, steps: Any
) -> None:
    """While the breaker is half open, whatever is late and whoever dies."""
    shared = Shared(workers, failure_threshold=2, half_open_max=places, reset_timeout=5.0)
    shared.open()
    for running in shared.running:
        running.clear()
    shared.clock.advance(5.0)
    shared.shared.review()
    for what, number in steps:
        worker = number % workers
        if what in ("fail", "succeed"):
            shared.end(worker, ok=what == "succeed")
        elif what == "settle":
            shared.settle()
        else:
            getattr(shared, what)(worker)
        if shared.breaker.state is not BreakerState.HALF_OPEN:
            return
        assert sum(map(len, shared.running)) <= places


@settings(max_examples=scaled(300, 10_000), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=60))
def test_results_that_arrive_one_by_one_are_counted_as_by_one(results: Any) -> None:
    shared = Shared(3, failure_threshold=3, reset_timeout=5.0)
    alone = Breaker(shared.settings, shared.clock)
    for number, ok in results:
        permit = alone.allow()
        assert shared.call(number) == bool(permit)
        if permit:
            alone.record(ok, permit=permit)
            shared.end(number, ok)
        shared.settle()
        assert shared.breaker.state is alone.state
        assert {mirror.state for mirror in shared.mirrors} == {alone.state}


def test_a_trial_that_nobody_makes_goes_to_whoever_has_a_request() -> None:
    shared = Shared(3, half_open_max=1, reset_timeout=5.0)
    shared.open()
    shared.clock.advance(5.0)
    shared.shared.review()
    shared.settle()
    for number in (0, 1, 2):
        if not shared.call(number):  # it is asked for, and here for the next request
            shared.settle()
            assert shared.call(number)
        shared.leave(number)
        shared.settle()


def test_an_old_trial_is_given_back_before_its_owner_takes_it_for_lost() -> None:
    shared = Shared(1, half_open_max=1, trial_timeout=60.0, reset_timeout=5.0)
    shared.open()
    shared.clock.advance(5.0)
    shared.shared.review()
    shared.settle()
    shared.mirrors[0].give_back(older_than=30.0)
    assert not shared.up[0]
    shared.clock.advance(30.0)
    shared.mirrors[0].give_back(older_than=30.0)
    assert len(shared.up[0]) == 1
    shared.settle()
    assert shared.call(0), "and it comes back, fresh"


def test_a_call_that_is_slow_counts_as_a_failure_wherever_it_was_made() -> None:
    shared = Shared(2, failure_threshold=1, slow_call=1.0)
    permit = shared.mirrors[1].allow()
    shared.mirrors[1].record(True, 1.5, permit=permit)
    shared.settle()
    assert shared.breaker.state is BreakerState.OPEN
    assert shared.mirrors[0].state is BreakerState.OPEN
    wait = shared.mirrors[0].report().next_try_in_s
    assert wait is not None
    assert 29.0 < wait <= 30.0


def test_successes_cost_nothing_while_nothing_fails() -> None:
    shared = Shared(2)
    for _ in range(100):
        shared.call(0)
        shared.end(0, ok=True)
    assert not any(shared.up)


def test_refused_calls_are_counted_by_the_breaker() -> None:
    shared = Shared(2, reset_timeout=5.0)
    shared.open()
    for number in (0, 1, 1):
        assert not shared.call(number)
    shared.settle()
    assert shared.breaker.report().refused_total == 3


def test_giving_out_trials_is_counted_as_no_refused_call() -> None:
    shared = Shared(2, half_open_max=2, reset_timeout=5.0)
    shared.open()
    shared.clock.advance(5.0)
    for _ in range(20):
        shared.shared.review(troubled_only=True)
        shared.settle()
    assert shared.breaker.report().trials_in_flight == 2
    assert shared.breaker.report().refused_total == 0


def test_a_breaker_that_opens_again_takes_back_the_trials_it_gave() -> None:
    shared = Shared(2, half_open_max=2, reset_timeout=5.0)
    shared.open()
    shared.clock.advance(5.0)
    shared.shared.review()
    shared.settle()
    number = next(number for number in (0, 1) if shared.call(number))
    shared.end(number, ok=False)
    shared.settle()
    assert shared.breaker.state is BreakerState.OPEN
    assert not any(shared.call(number) for number in (0, 1))


def test_the_trial_of_a_process_that_dies_goes_to_another() -> None:
    shared = Shared(2, half_open_max=1, reset_timeout=5.0)
    shared.open()
    shared.clock.advance(5.0)
    shared.shared.review()
    shared.settle()
    number = next(number for number in (0, 1) if shared.call(number))
    shared.die(number)
    shared.settle()
    assert sum(shared.call(number) for number in (0, 1)) == 1
