"""Windows one after another, each with a count for each key.

Refuses to look back: what passed at the end of one window does not count in the next.
"""

from __future__ import annotations

from threading import Lock

from abi_engine.core.clock import Clock
from abi_engine.runtime.limiter import RateDecision
from abi_engine.runtime.limits.exact import Grid, as_written, seconds_between
from abi_engine.runtime.limits.keys import SHARED


class FixedWindow:
    """At most `rate * window` in each window; windows begin at multiples of their length.

    The counts of one window are one dict, thrown away whole. A window ends when the clock says so,
    by exact arithmetic; a clock that jumps back counts in the window that is under way.

    Args:
        rate: requests a second, taken as written in decimal.
        window: seconds, likewise.
        clock: time.
        max_keys: how many keys are counted on their own in one window.
    """

    def __init__(self, rate: float, window: float, clock: Clock, max_keys: int) -> None:
        self._limit = max(int(as_written(rate) * as_written(window)), 1)
        self._grid = Grid(as_written(window))
        self._monotonic = clock.monotonic
        self._max_keys = max_keys
        self._lock = Lock()
        self._turn(clock.monotonic())

    def check(self, key: str) -> RateDecision:
        """Count one request of `key`, unless its window is full."""
        self._lock.acquire()  # faster than `with`
        try:
            reading = self._monotonic()
            if reading >= self._ends:
                self._turn(reading)
            counts = self._counts
            place: str | None = key
            if key not in counts and len(counts) > self._max_keys:
                place = SHARED
            count = counts.get(place, 0) + 1
            remaining = self._limit - count
            if remaining >= 0:
                counts[place] = count
            ends = self._ends
        finally:
            self._lock.release()
        if remaining > 0:
            return RateDecision(True, remaining, 0.0)
        return RateDecision(remaining == 0, 0, seconds_between(reading, ends))

    def peek(self, key: str) -> RateDecision:
        """What `check` would say, counting nothing."""
        with self._lock:
            reading = self._monotonic()
            if reading >= self._ends:
                self._turn(reading)
            counts = self._counts
            full = key not in counts and len(counts) > self._max_keys
            remaining = self._limit - counts.get(SHARED if full else key, 0) - 1
            ends = self._ends
        if remaining > 0:
            return RateDecision(True, remaining, 0.0)
        return RateDecision(remaining == 0, 0, seconds_between(reading, ends))

    def charge(self, key: str, count: int) -> int:
        """Count requests of `key`, as many as fit into the window; tell how many do not."""
        with self._lock:
            reading = self._monotonic()
            if reading >= self._ends:
                self._turn(reading)
            counts = self._counts
            full = key not in counts and len(counts) > self._max_keys
            place = SHARED if full else key
            before = counts.get(place, 0)
            counts[place] = after = min(before + count, self._limit)
        return before + count - after

    def keys(self) -> int:
        """How many keys are remembered."""
        return len(self._counts) - 1

    def _turn(self, reading: float) -> None:
        """Begin the window that a reading of the clock is in."""
        self._ends = self._grid.begins(self._grid.part(reading) + 1)
        self._counts: dict[str | None, int] = {SHARED: 0}
