"""A bucket of tokens for each key, by the generic cell rate algorithm (ITU-T I.371).

Refuses to add up fractions: what it keeps are whole numbers, and no error grows.
"""

from __future__ import annotations

from math import inf, nextafter
from threading import Lock

from abi_engine.core.clock import Clock
from abi_engine.runtime.limiter import RateDecision
from abi_engine.runtime.limits.exact import seconds_between
from abi_engine.runtime.limits.keys import Keys

BITS = 30
TOKEN = 1 << BITS


class TokenBucket:
    """At most `burst` at once, and `burst + rate * t` in any stretch of `t` seconds.

    Of each key one integer is kept: the moment at which its bucket will be full. Moments are
    counted in units of which a token is 2³⁰ and a second `rate * 2³⁰`. Only the reading of the
    clock is ever rounded, when it is multiplied and cut to whole units: by less than a billionth
    of a token and the last place of the reading. Everything after that is exact.

    A reading below the highest so far counts as the highest: time stands still until the clock has
    caught up.

    Args:
        rate: tokens a second.
        burst: how many a full bucket holds.
        clock: time.
        max_keys: how many keys have a bucket of their own.
    """

    def __init__(self, rate: float, burst: int, clock: Clock, max_keys: int) -> None:
        self._second = rate * TOKEN
        self._capacity = burst * TOKEN
        self._monotonic = clock.monotonic
        self._now = int(clock.monotonic() * self._second)
        self._keys: Keys[int] = Keys(max_keys, self._is_full)
        self._full_at = self._keys.entries
        self._lock = Lock()

    def check(self, key: str) -> RateDecision:
        """Take a token of `key`, if there is one."""
        self._lock.acquire()  # faster than `with`
        try:
            reading = self._monotonic()
            now = int(reading * self._second)
            if now < self._now:
                now = self._now
            self._now = now
            place: str | None = key
            full_at = self._full_at.get(key)
            if full_at is None:
                place = self._keys.learn(key, now)
                full_at = self._full_at[place]
            if full_at < now:
                full_at = now
            full_at += TOKEN
            left = self._capacity - full_at + now
            if left >= 0:
                self._full_at[place] = full_at
        finally:
            self._lock.release()
        if left >= TOKEN:
            return RateDecision(True, left >> BITS, 0.0)
        return self._last(reading, now, left)

    def peek(self, key: str) -> RateDecision:
        """What `check` would say, taking nothing."""
        with self._lock:
            reading = self._monotonic()
            self._now = now = max(int(reading * self._second), self._now)
            full_at = self._full_at.get(key)
            if full_at is None:
                full_at = self._full_at.get(self._keys.place(key), now)
        left = self._capacity - TOKEN - max(full_at - now, 0)
        if left >= TOKEN:
            return RateDecision(True, left >> BITS, 0.0)
        return self._last(reading, now, left)

    def charge(self, key: str, count: int) -> int:
        """Take tokens of `key`, whether they are there or not."""
        with self._lock:
            self._now = now = max(int(self._monotonic() * self._second), self._now)
            place: str | None = key
            if key not in self._full_at:
                place = self._keys.learn(key, now)
            self._full_at[place] = max(self._full_at[place], now) + count * TOKEN
        return 0

    def keys(self) -> int:
        """How many keys are remembered."""
        return len(self._keys)

    def _last(self, reading: float, now: int, left: int) -> RateDecision:
        """What a request is told that leaves less than a token, or lacks some of one."""
        allowed = left >= 0
        enough = now + (TOKEN - left if allowed else -left)
        moment = enough / self._second
        while int(moment * self._second) < enough:  # at most a few units in the last place
            moment = nextafter(moment, inf)
        return RateDecision(allowed, 0, seconds_between(reading, moment))

    def _is_full(self, full_at: int) -> bool:
        return full_at <= self._now
