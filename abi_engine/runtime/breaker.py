"""A circuit breaker as a pure state machine.

Refuses to measure, wait or call: it is told the results of calls and answers whether to make one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from math import inf
from random import Random
from threading import Lock

from abi_engine.core.clock import Clock
from abi_engine.core.errors import InvalidArguments
from abi_engine.runtime.announcer import Announcer
from abi_engine.runtime.breaker_contract import (
    BreakerReport,
    BreakerSettings,
    BreakerState,
    Standing,
    Transition,
)
from abi_engine.runtime.outcomes import Outcomes

__all__ = [
    "Breaker",
    "BreakerReport",
    "BreakerSettings",
    "BreakerState",
    "Standing",
    "Transition",
]

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


class Breaker:
    """Closed, open, half open, closed. Thread-safe; never sleeps, never calls out under its lock.

    An open breaker whose reset time is over *is* half open: `state` and `report` say so at once.
    The transition is recorded, and `on_transition` told, when the next call asks or a result comes.

    Args:
        settings: see `BreakerSettings`.
        clock: time; if it jumps back, an open breaker stays open for longer.
        random: jitter.
        on_transition: called after each transition, in order and outside the lock, by one of the
            threads that use the breaker; none waits for another's call. What it raises comes out
            of the call that made the transition.
    """

    def __init__(
        self,
        settings: BreakerSettings,
        clock: Clock,
        *,
        random: Random | None = None,
        on_transition: Callable[[Transition], None] | None = None,
    ) -> None:
        self._settings = settings
        self._slow = inf if settings.slow_call is None else settings.slow_call
        self._clock = clock
        self._monotonic = clock.monotonic
        self._random = random or Random()  # noqa: S311 - jitter is no secret
        self._announcer = Announcer(on_transition or _nobody)
        self._lock = Lock()
        self._state = CLOSED
        self._since = clock.monotonic()
        self._forced = False
        self._last: Transition | None = None
        self._refused = self._trips = 0
        self._failures = 0  # in a row
        self._outcomes = Outcomes(settings.window)  # counted where a ratio is watched
        self._reset_time = settings.reset_timeout
        self._reset_at = -inf  # open until then; inf while it is held open
        self._trials: dict[int, float] = {}  # permit and start, oldest first
        self._successes = 0  # of trials
        self._serial = 0  # of the permit given last
        self._permit = 0  # what every call gets while the breaker is closed, else 0
        self._calm_permit = 0  # that permit, while a success would change nothing
        self._renew_permit()

    @property
    def state(self) -> BreakerState:
        """The state now (an open breaker whose reset time is over is half open)."""
        with self._lock:
            return self._state_at(self._monotonic())

    def allow(self) -> int:
        """A permit for one call, to be given back by `record` or `cancel`; 0 when refused."""
        # One load, without the lock: a transition changes it by a single store.
        return self._permit or self._ask()

    def record(self, ok: bool, latency: float = 0.0, *, permit: int | None = None) -> None:
        """The result of a call that took `latency` seconds.

        A permit from before the last transition is ignored: it tells nothing of the present; so is
        that of a trial that has outlived its time-out. Without a permit the result counts in
        whatever state the breaker is in; in an open one it changes the counts alone.
        """
        if ok and permit == self._calm_permit and latency <= self._slow:
            return  # one load, without the lock, as in `allow`
        with self._lock:
            now = self._monotonic()
            self._settle(now)
            if permit is None or self._redeem(permit):
                self._count(now, failed=not ok or latency > self._slow)
        self._announcer.announce()

    def cancel(self, permit: int) -> None:
        """The call ended without telling anything (the client left): frees a trial's place."""
        with self._lock:
            self._trials.pop(permit, None)

    def reset(self) -> None:
        """Closed, with all counts forgotten and nothing forced."""
        with self._lock:
            if self._forced or self._state is not CLOSED:
                self._change(self._monotonic(), CLOSED, "reset", by_person=True)
            self._forget()
        self._announcer.announce()

    def force(self, state: BreakerState | None) -> None:
        """Hold it open or closed until released; None releases it into closed.

        While it is held, results are counted and change nothing. None does nothing in a breaker
        that nobody holds.

        Raises:
            InvalidArguments: it cannot be held half open.
        """
        if state is HALF_OPEN:
            raise InvalidArguments(
                "a breaker cannot be held half open", hint="open, closed, or None to release it"
            )
        with self._lock:
            now = self._monotonic()
            if state is None and self._forced:
                self._change(now, CLOSED, "released", by_person=True)
                self._forget()
            elif state is not None and not (self._forced and self._state is state):
                self._change(now, state, f"held {state.value}", by_person=True)
                self._forced = True
                self._reset_at = inf if state is OPEN else -inf
        self._announcer.announce()

    def reconfigure(self, settings: BreakerSettings) -> None:
        """Go on with other settings, in the same state and with the same counts.

        An open breaker stays open for as long as it was to. Where the window or its ratio has
        changed, what was counted in it is forgotten.
        """
        with self._lock:
            before, self._settings = self._settings, settings
            self._slow = inf if settings.slow_call is None else settings.slow_call
            if (before.window, before.failure_ratio) != (settings.window, settings.failure_ratio):
                self._outcomes = Outcomes(settings.window)
            self._notice_calm()

    def report(self) -> BreakerReport:
        """What a person wants to know of it."""
        with self._lock:
            now = self._monotonic()
            self._expire(now)
            state = self._state_at(now)
            calls, failures = self._outcomes.counts(now)
            since = self._since if state is self._state else self._reset_at
            places = self._settings.half_open_max if state is HALF_OPEN else 0
            waiting = state is OPEN and not self._forced
            return BreakerReport(
                state=state,
                forced=self._forced,
                in_state_s=max(now - since, 0.0),
                failures=self._failures,
                failure_threshold=self._settings.failure_threshold,
                window_failures=failures,
                window_calls=calls,
                refused_total=self._refused,
                trips_total=self._trips,
                trials_in_flight=len(self._trials),
                trials_left=places - len(self._trials),
                next_try_in_s=self._reset_at - now if waiting else None,
                last=self._last,
            )

    def standing(self) -> Standing:
        """What another process must know to let calls through."""
        with self._lock:
            state = self._state_at(self._monotonic())
            reopens_at = self._reset_at if state is OPEN else -inf
            return Standing(state, self._permit, bool(self._calm_permit), reopens_at, self._forced)

    def note_refused(self, calls: int) -> None:
        """Count calls that were refused elsewhere, in its name."""
        with self._lock:
            self._refused += calls

    def _state_at(self, now: float) -> BreakerState:
        return HALF_OPEN if self._state is OPEN and now >= self._reset_at else self._state

    def _settle(self, now: float) -> None:
        """Record what time alone has changed."""
        if self._state_at(now) is not self._state:
            self._change(now, HALF_OPEN, f"reset after {self._reset_at - self._since:.3g} s")
        self._expire(now)

    def _expire(self, now: float) -> None:
        """Free the places of trials that have outlived their time-out."""
        while self._trials:
            permit, started = next(iter(self._trials.items()))
            if now < started + self._settings.trial_timeout:
                return
            del self._trials[permit]

    def _ask(self) -> int:
        """A permit from a breaker that was not closed a moment ago."""
        with self._lock:
            now = self._monotonic()
            if now < self._reset_at:
                self._refused += 1
                return 0
            self._settle(now)
            permit = self._permit or self._trial(now)
            if not permit:
                self._refused += 1
        self._announcer.announce()
        return permit

    def _trial(self, now: float) -> int:
        """A permit for a trial, 0 where no place is free."""
        if len(self._trials) >= self._settings.half_open_max:
            return 0
        self._serial += 1
        self._trials[self._serial] = now
        return self._serial

    def _redeem(self, permit: int) -> bool:
        """Whether a permit is of the present; a trial's gives its place back."""
        if self._state is CLOSED:
            return permit == self._permit
        return self._trials.pop(permit, None) is not None

    def _count(self, now: float, *, failed: bool) -> None:
        """A result, and what follows from it."""
        if self._settings.failure_ratio is not None:
            self._outcomes.add(now, failed)
        self._failures = self._failures + 1 if failed else 0
        self._notice_calm()
        if self._forced:
            return
        if self._state is CLOSED:
            if trouble := self._trouble(now):
                self._open(now, self._settings.reset_timeout, trouble)
        elif self._state is HALF_OPEN:
            if failed:
                self._open(now, self._reset_time * self._settings.reset_growth, "a trial failed")
            else:
                self._trial_succeeded(now)

    def _trouble(self, now: float) -> str:
        """Why a closed breaker must open; empty where it need not."""
        settings = self._settings
        if self._failures >= settings.failure_threshold:
            return _number(self._failures, "consecutive failure")
        if settings.failure_ratio is None:
            return ""
        calls, failures = self._outcomes.counts(now)
        if calls < settings.minimum_calls or failures / calls < settings.failure_ratio:
            return ""
        return f"{failures} of {_number(calls, 'call')} failed in {settings.window:g} s"

    def _open(self, now: float, reset_time: float, cause: str) -> None:
        settings = self._settings
        # A base above the maximum is what was asked for; only growth stops there.
        self._reset_time = min(reset_time, max(settings.reset_timeout, settings.reset_timeout_max))
        self._trips += 1
        self._change(now, OPEN, cause)
        self._reset_at = now + self._reset_time * (
            1 + settings.jitter * self._random.uniform(-1, 1)
        )

    def _trial_succeeded(self, now: float) -> None:
        self._successes += 1
        if self._successes >= self._settings.half_open_max:
            self._change(now, CLOSED, f"{_number(self._successes, 'trial')} succeeded")
            self._forget()

    def _change(
        self, now: float, after: BreakerState, cause: str, *, by_person: bool = False
    ) -> None:
        """Make a transition; it voids every permit given so far and ends every hold."""
        at = datetime.fromtimestamp(self._clock.time(), UTC)
        calls, _ = self._outcomes.counts(now)
        self._last = Transition(at, self._state, after, cause, self._failures, calls, by_person)
        self._announcer.put(self._last)
        self._state = after
        self._since = now
        self._forced = False
        self._reset_at = -inf
        self._trials.clear()
        self._successes = 0
        self._renew_permit()

    def _forget(self) -> None:
        """Begin anew, as a closed breaker to which nothing has happened."""
        self._failures = 0
        self._outcomes.clear()
        self._renew_permit()

    def _renew_permit(self) -> None:
        self._serial += 1
        self._permit = self._serial if self._state is CLOSED else 0
        self._notice_calm()

    def _notice_calm(self) -> None:
        calm = not self._failures and self._settings.failure_ratio is None
        self._calm_permit = self._permit if calm else 0


def _number(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _nobody(transition: Transition) -> None:
    """Takes the transitions that nobody asked for."""
