"""A limit that several processes share, as the one that owns it sees it.

Each process lets requests through on its own and says so afterwards; here they are counted by the
limiter that one process alone would have used. What does not fit is owed, and paid before anything
else is let through: so in the long run no more passes than the limit, and at any moment no more
than that and the leases that are out. Pure; refuses to give out more than a share of what is left.
"""

from __future__ import annotations

from math import inf
from typing import Final, NamedTuple

from abi_engine.core.clock import Clock
from abi_engine.features.gateway.workers.terms import (
    Terms,
    capacity,
    lease,
    seconds_until_whole,
)
from abi_engine.runtime.limiter import ChargedLimiter, LimitSettings

MAX_TOLD: Final = 100_000
"""Keys of which it is remembered what was told; without it, others are told once more."""


MAX_OWED: Final = 100_000
"""Keys that may owe something; of more, the oldest debt is let go of."""


class Settlement(NamedTuple):
    """What a report leads to.

    Attributes:
        terms: for the process that reported.
        for_all: whether the others must hear them as well: much less is left than they think.
    """

    terms: Terms
    for_all: bool


class Ledger:
    """The limit of one route. Of one thread; the limiter may have other users.

    Args:
        settings: the limit.
        limiter: counts.
        clock: the limiter's.
        workers: how many processes share it.
    """

    def __init__(
        self, settings: LimitSettings, limiter: ChargedLimiter, clock: Clock, workers: int
    ) -> None:
        self._settings = settings
        self._limiter = limiter
        self._clock = clock
        self._workers = workers
        self._capacity = capacity(settings)
        self._lease = lease(settings, workers)
        self._owed: dict[str, int] = {}
        self._told: dict[str, _Told] = {}  # of keys of which less than a lease is free

    def settle(self, key: str, spent: int) -> Settlement:
        """Count what a process let through, and tell what it may do now. O(1)."""
        owed = self._owed.pop(key, 0) + spent
        if owed:
            owed = self._limiter.charge(key, owed)
        if owed:
            if len(self._owed) >= MAX_OWED:
                del self._owed[next(iter(self._owed))]
            self._owed[key] = owed
        terms = self._terms(key, owed)
        return Settlement(terms, self._is_news(key, terms))

    def owed(self, key: str) -> int:
        """What was let through beyond the limit, and is not paid yet."""
        return self._owed.get(key, 0)

    def _terms(self, key: str, owed: int) -> Terms:
        decision = self._limiter.peek(key)
        now = self._clock.monotonic()
        if decision.allowed:
            left = decision.remaining + 1
            whole_at = now + seconds_until_whole(self._settings, self._capacity - left)
            return Terms(min(self._lease, max(left // self._workers, 1)), 0.0, 0, whole_at)
        opens_at = now + decision.reset_after
        whole_at = opens_at + seconds_until_whole(self._settings, self._capacity + owed)
        return Terms(0, opens_at, 0 if owed else 1, whole_at)

    def _is_news(self, key: str, terms: Terms) -> bool:
        """Whether less than half is free of what the others think, who forget it after a while."""
        free = terms.free
        before = self._told.pop(key, None) or _Told(self._lease, inf)
        fallen = free < before.free and free * 2 <= before.free
        forgotten = before.until <= self._clock.monotonic() and free * 2 <= self._lease
        if free < self._lease:
            if len(self._told) >= MAX_TOLD:
                self._told.clear()
            until = terms.whole_at if fallen or forgotten else before.until
            self._told[key] = _Told(free, until)
        return fallen or forgotten


class _Told(NamedTuple):
    """What was free at the last settlement, and until when all know that it is little."""

    free: int
    until: float
