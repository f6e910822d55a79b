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


class Slice:
    """What happened in some time. Not thread-safe."""

    __slots__ = ("calls", "errors", "latency", "limited")

    def __init__(self) -> None:
        self.calls = 0
        self.errors = 0
        self.limited = 0
        self.latency = Histogram()

    def add(self, other: Slice) -> None:
        """Add what happened in another."""
        self.calls += other.calls
        self.errors += other.errors
        self.limited += other.limited
        self.latency.merge(other.latency)


class Slices:
    """Slices of ten seconds, the last six of them. Not thread-safe: the caller's lock.

    Every call is told the time; one that is told an earlier time than the last adds to the slice
    that is under way.

    Args:
        now: a reading of the monotonic clock.
    """

    __slots__ = ("_before", "_born", "_current", "_ends", "_finished", "_number")

    def __init__(self, now: float) -> None:
        self._born = now
        self._number = int(now // SLICE)
        self._ends = (self._number + 1) * SLICE
        self._current: Slice | None = None
        self._finished: deque[tuple[int, Slice]] = deque()
        self._before = Slice()

    def at(self, now: float) -> Slice:
        """The slice under way, to count in."""
        if now >= self._ends:
            self._turn(now)
        current = self._current
        if current is None:
            current = self._current = Slice()
        return current

    def ends_after(self, now: float) -> float:
        """When the slice is over that a reading of the clock belongs to."""
        return max((now // SLICE + 1) * SLICE, self._ends)

    def recent(self, now: float) -> tuple[Recent, Histogram]:
        """The slices of the last sixty seconds, but for the latencies of the one under way.

        Those come beside it, for the caller to merge when it has let go of the lock.
        """
        tally = self.tally(now)
        fresh = self._current.latency.copy() if self._current else Histogram()
        return Recent(*tally, self._before.latency.copy()), fresh

    def tally(self, now: float) -> Tally:
        """The counts of the last sixty seconds."""
        if now >= self._ends:
            self._turn(now)
        parts = [part for part in (self._before, self._current) if part]
        first = (self._number - SLICES + 1) * SLICE
        return Tally(
            max(now - max(first, self._born), 1.0),
            sum(part.calls for part in parts),
            sum(part.errors for part in parts),
            sum(part.limited for part in parts),
        )

    def _turn(self, now: float) -> None:
        """Put the slice that is over away, and forget those that are too old."""
        if self._current is not None:
            self._finished.append((self._number, self._current))
            self._current = None
        self._number = int(now // SLICE)
        self._ends = (self._number + 1) * SLICE
        while self._finished and self._finished[0][0] <= self._number - SLICES:
            self._finished.popleft()
        self._before = Slice()
        for _, finished in self._finished:
            self._before.add(finished)


class RecentCounts:
    """Counts calls, errors, refusals and latencies by slices. Thread-safe; `record` is the hot
    path (one lock, one reading of the clock).

    Args:
        clock: time; if it jumps back, what happens then adds to the slice that is under way.
    """

    def __init__(self, clock: Clock) -> None:
        self._monotonic = clock.monotonic
        self._lock = Lock()
        self._slices = Slices(clock.monotonic())

    def record(self, latency: float, *, error: bool = False) -> None:
        """One call that took `latency` seconds."""
        with self._lock:
            current = self._slices.at(self._monotonic())
            current.calls += 1
            current.latency.record(latency)
            if error:
                current.errors += 1

    def limited(self, calls: int = 1) -> None:
        """A call refused by a limit, or several; each counts as a call without a latency."""
        with self._lock:
            current = self._slices.at(self._monotonic())
            current.calls += calls
            current.limited += calls

    def recent(self) -> Recent:
        """The slices of the last sixty seconds, merged.

        Writers wait for two copies; once in ten seconds for the merging of five slices.
        """
        with self._lock:
            recent, fresh = self._slices.recent(self._monotonic())
        recent.latency.merge(fresh)
        return recent

    def tally(self) -> Tally:
        """The counts of `recent` alone: a tenth of its cost, to put many in order."""
        with self._lock:
            return self._slices.tally(self._monotonic())
