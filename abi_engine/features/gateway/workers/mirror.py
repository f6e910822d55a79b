"""A breaker as one of several processes uses it: it follows the one that counts, elsewhere.

Answers at once, from what it was told last. Pure, and of one thread; refuses to let a call through
in a half-open breaker without a trial that was given to this process.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Protocol

from abi_engine.core.clock import Clock
from abi_engine.runtime.breaker import BreakerReport, BreakerSettings, BreakerState, Standing


class Owner(Protocol):
    """What is told to the process that owns the breakers."""

    def result(self, upstream: str, permit: int, ok: bool) -> None:
        """A call ended."""
        ...

    def returned(self, upstream: str, permit: int) -> None:
        """A trial told nothing, or was not made."""
        ...

    def refused(self, upstream: str) -> None:
        """A call found no permit."""
        ...


class Mirror:
    """See the module. Closed, until it is told otherwise.

    Args:
        upstream: whose breaker it is.
        settings: of every breaker.
        clock: the owner's, or one that reads the same.
        owner: is told.
    """

    def __init__(
        self, upstream: str, settings: BreakerSettings, clock: Clock, owner: Owner
    ) -> None:
        self._upstream = upstream
        self.reconfigure(settings)
        self._clock = clock
        self._owner = owner
        self._standing = Standing(BreakerState.CLOSED, 1, True, -inf, False)
        self._permit = 1
        self._calm_permit = 1
        self._since = clock.monotonic()
        self._trials: deque[tuple[int, float]] = deque()  # permits, and when they were given
        self._running: set[int] = set()  # trials that are under way

    @property
    def state(self) -> BreakerState:
        """As it was told last, or as time has changed it."""
        standing = self._standing
        if standing.state is BreakerState.OPEN and self._clock.monotonic() >= standing.reopens_at:
            return BreakerState.HALF_OPEN
        return standing.state

    def allow(self) -> int:
        """A permit for one call, to be given back by `record` or `cancel`; 0 when refused."""
        if self._permit:
            return self._permit
        if self._trials:
            permit, _ = self._trials.popleft()
            self._running.add(permit)
            return permit
        self._owner.refused(self._upstream)
        return 0

    def record(self, ok: bool, latency: float = 0.0, *, permit: int | None = None) -> None:
        """The result of a call that took `latency` seconds."""
        ok = ok and latency <= self._slow
        if permit is None or (ok and permit == self._calm_permit):
            return
        self._running.discard(permit)
        self._owner.result(self._upstream, permit, ok)

    def cancel(self, permit: int) -> None:
        """The call ended without telling anything: frees a trial's place."""
        if permit in self._running:
            self._running.discard(permit)
            self._owner.returned(self._upstream, permit)

    def report(self) -> BreakerReport:
        """What is known of it here: the state, and when it is over."""
        standing, now = self._standing, self._clock.monotonic()
        waiting = self.state is BreakerState.OPEN and not standing.forced
        return BreakerReport(
            state=self.state,
            forced=standing.forced,
            in_state_s=max(now - self._since, 0.0),
            failures=0,
            failure_threshold=self._settings.failure_threshold,
            window_failures=0,
            window_calls=0,
            refused_total=0,
            trips_total=0,
            trials_in_flight=len(self._running),
            trials_left=len(self._trials),
            next_try_in_s=standing.reopens_at - now if waiting else None,
            last=None,
        )

    def reconfigure(self, settings: BreakerSettings) -> None:
        """Go by other settings from now on."""
        self._settings = settings
        self._slow = inf if settings.slow_call is None else settings.slow_call

    def follow(self, standing: Standing) -> None:
        """Stand as the owner says."""
        if standing[:2] != self._standing[:2]:
            self._trials.clear()
            self._running.clear()
            self._since = self._clock.monotonic()
        self._standing = standing
        self._permit = standing.permit
        self._calm_permit = standing.permit if standing.calm else 0

    def take_trial(self, permit: int) -> None:
        """A trial that the owner gives; for the next call."""
        self._trials.append((permit, self._clock.monotonic()))

    def give_back(self, *, older_than: float = 0.0) -> None:
        """Return the trials that wait for a call, those that are at least so many seconds old."""
        latest = self._clock.monotonic() - older_than
        while self._trials and self._trials[0][1] <= latest:
            permit, _ = self._trials.popleft()
            self._owner.returned(self._upstream, permit)
