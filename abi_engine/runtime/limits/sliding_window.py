"""A window that moves along in steps, its buckets.

Refuses to interpolate: the bucket that is partly out of the window counts in full, so that no
window of that length ever holds more than the limit.
"""

from __future__ import annotations

from threading import Lock

from abi_engine.core.clock import Clock
from abi_engine.runtime.limiter import RateDecision
from abi_engine.runtime.limits.exact import Grid, as_written, seconds_between
from abi_engine.runtime.limits.keys import Keys

Passed = list[int]
"""What one key was let through: the sum, then bucket and count of each bucket, oldest first."""

SUM, OLDEST, NEWEST, NEWEST_COUNT = 0, 1, -2, -1


class SlidingWindow:
    """At most `rate * window` in any stretch of `window` seconds.

    What passed in a bucket counts until the whole bucket has left the window; so a request may be
    refused for at most one bucket (`window / buckets` seconds) longer than it had to be. Of each
    key only buckets in which something passed are kept. A bucket ends when the clock says so, by
    exact arithmetic; a clock that jumps back counts in the bucket that is under way.

    Args:
        rate: requests a second, taken as written in decimal.
        window: seconds, likewise.
        buckets: into how many the window is cut.
        clock: time.
        max_keys: how many keys are counted on their own.
    """

    def __init__(
        self, rate: float, window: float, buckets: int, clock: Clock, max_keys: int
    ) -> None:
        self._limit = max(int(as_written(rate) * as_written(window)), 1)
        self._grid = Grid(as_written(window) / buckets)
        self._buckets = buckets
        self._monotonic = clock.monotonic
        self._keys: Keys[Passed] = Keys(max_keys, self._is_spent)
        self._passed = self._keys.entries
        self._lock = Lock()
        self._turn(clock.monotonic())

    def check(self, key: str) -> RateDecision:
        """Count one request of `key`, unless its window is full."""
        self._lock.acquire()  # faster than `with`
        try:
            reading = self._monotonic()
            if reading >= self._ends:
                self._turn(reading)
            bucket = self._bucket
            passed = self._passed.get(key)
            if passed is None:
                place = self._keys.learn(key, [0, bucket, 0])
                passed = self._passed[place]
            if passed[NEWEST] != bucket:
                self._forget(passed)
            remaining = self._limit - passed[SUM] - 1
            if remaining >= 0:
                passed[SUM] += 1
                if passed[NEWEST] == bucket:
                    passed[NEWEST_COUNT] += 1
                else:
                    passed += (bucket, 1)
            oldest = passed[OLDEST]
        finally:
            self._lock.release()
        if remaining > 0:
            return RateDecision(True, remaining, 0.0)
        return self._last(reading, remaining, oldest)

    def peek(self, key: str) -> RateDecision:
        """What `check` would say, counting nothing."""
        with self._lock:
            reading = self._monotonic()
            if reading >= self._ends:
                self._turn(reading)
            passed = self._passed.get(key) or self._passed.get(self._keys.place(key))
            passed = passed.copy() if passed else [0, self._bucket, 0]
            self._forget(passed)
            remaining = self._limit - passed[SUM] - 1
            oldest = passed[OLDEST]
        if remaining > 0:
            return RateDecision(True, remaining, 0.0)
        return self._last(reading, remaining, oldest)

    def charge(self, key: str, count: int) -> int:
        """Count requests of `key`, as many as fit into the window; tell how many do not."""
        with self._lock:
            reading = self._monotonic()
            if reading >= self._ends:
                self._turn(reading)
            bucket = self._bucket
            passed = self._passed.get(key)
            if passed is None:
                passed = self._passed[self._keys.learn(key, [0, bucket, 0])]
            self._forget(passed)
            fits = min(count, self._limit - passed[SUM])
            passed[SUM] += fits
            if passed[NEWEST] == bucket:
                passed[NEWEST_COUNT] += fits
            elif fits:
                passed += (bucket, fits)
        return count - fits

    def keys(self) -> int:
        """How many keys are remembered."""
        return len(self._keys)

    def _turn(self, reading: float) -> None:
        """Go on to the bucket that a reading of the clock is in."""
        self._bucket = self._grid.part(reading)
        self._ends = self._grid.begins(self._bucket + 1)

    def _forget(self, passed: Passed) -> None:
        """Drop the buckets that have left the window."""
        first = self._bucket - self._buckets
        end = OLDEST
        while end < len(passed) and passed[end] < first:
            passed[SUM] -= passed[end + 1]
            end += 2
        del passed[OLDEST:end]
        if len(passed) == OLDEST:
            passed += (self._bucket, 0)

    def _last(self, reading: float, remaining: int, oldest: int) -> RateDecision:
        """What a request is told that fills its window, or finds it full."""
        opens = self._grid.begins(oldest + self._buckets + 1)
        return RateDecision(remaining == 0, 0, seconds_between(reading, opens))

    def _is_spent(self, passed: Passed) -> bool:
        return passed[NEWEST] < self._bucket - self._buckets
