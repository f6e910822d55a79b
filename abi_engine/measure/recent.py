"""The last sixty seconds of what happened, in six slices of ten seconds.

Refuses to remember more, so that trouble that is over looks over.
"""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import NamedTuple

from abi_engine.core.clock import Clock
from abi_engine.measure.histogram import Histogram

SLICE = 10.0
SLICES = 6


class Recent(NamedTuple):
    """The last sixty seconds (less, when it has not lived so long).

    Attributes:
        seconds: how long that is: the slice under way and the five before it, so 50 to 60, or the
            whole life where that is shorter; at least 1.
        calls, errors, limited: how many.
        latency: in seconds.
    """

    seconds: float
    calls: int
    errors: int
    limited: int
    latency: Histogram


class Tally(NamedTuple):
    """`Recent` without its latencies."""

    seconds: float
    calls: int
    errors: int
    limited: int


class _Slice:
    """What happened in some time."""

    __slots__ = ("calls", "errors", "latency", "limited")

    def __init__(self) -> None:
        self.calls = 0
        self.errors = 0
        self.limited = 0
        self.latency = Histogram()

    def add(self, other: _Slice) -> None:
        self.calls += other.calls
        self.errors += other.errors
        self.limited += other.limited
        self.latency.merge(other.latency)


class RecentCounts:
    """Counts calls, errors, refusals and latencies by slices. Thread-safe; `record` is the hot
    path (one lock, one reading of the clock).

    A clock that jumps back adds to the slice that is under way.

    Args:
        clock: time.
    """

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._lock = Lock()
        self._born = clock.monotonic()
        self._number = int(self._born // SLICE)
        self._ends = (self._number + 1) * SLICE
        self._current: _Slice | None = None
        self._finished: deque[tuple[int, _Slice]] = deque()
        self._before = _Slice()

    def record(self, latency: float, *, error: bool = False) -> None:
        """One call that took `latency` seconds."""
        with self._lock:
            current = self._slice()
            current.calls += 1
            current.latency.record(latency)
            if error:
                current.errors += 1

    def limited(self) -> None:
        """One call refused by a limit; counts as a call without a latency."""
        with self._lock:
            current = self._slice()
            current.calls += 1
            current.limited += 1

    def recent(self) -> Recent:
        """The slices of the last sixty seconds, merged.

        Writers wait for two copies; once in ten seconds for the merging of five slices.
        """
        with self._lock:
            now = self._turn()
            latency = self._before.latency.copy()
            before = self._before
            current = self._current or _Slice()
            calls = before.calls + current.calls
            errors = before.errors + current.errors
            limited = before.limited + current.limited
            fresh = current.latency.copy()
            first = (self._number - SLICES + 1) * SLICE
        latency.merge(fresh)
        seconds = max(now - max(first, self._born), 1.0)
        return Recent(seconds, calls, errors, limited, latency)

    def tally(self) -> Tally:
        """The counts of `recent` alone: a tenth of its cost, to put many in order."""
        with self._lock:
            now = self._turn()
            parts = [part for part in (self._before, self._current) if part]
            first = (self._number - SLICES + 1) * SLICE
            return Tally(
                max(now - max(first, self._born), 1.0),
                sum(part.calls for part in parts),
                sum(part.errors for part in parts),
                sum(part.limited for part in parts),
            )

    def _slice(self) -> _Slice:
        """The slice under way; under the lock."""
        self._turn()
        if self._current is None:
            self._current = _Slice()
        return self._current

    def _turn(self) -> float:
        """The time now, with the slice that is over put away; under the lock."""
        now = self._monotonic()
        if now < self._ends:
            return now
        if self._current is not None:
            self._finished.append((self._number, self._current))
            self._current = None
        self._number = int(now // SLICE)
        self._ends = (self._number + 1) * SLICE
        while self._finished and self._finished[0][0] <= self._number - SLICES:
            self._finished.popleft()
        self._before = _Slice()
        for _, finished in self._finished:
            self._before.add(finished)
        return now
