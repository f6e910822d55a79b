"""Calls and failures in a sliding window. Refuses to date single calls."""

from __future__ import annotations

from collections import deque
from math import inf

PARTS = 10


class Outcomes:
    """How many calls the last seconds saw, and how many of them failed.

    The window is cut into ten parts: the one under way and the nine before it count, so it is never
    longer than asked for. O(1) a call and ten entries of memory. A clock that jumps back counts in
    the part that is under way. Not thread-safe: the caller's lock.

    Args:
        window: its length in seconds.
    """

    __slots__ = ("_calls", "_failures", "_newest", "_parts", "_width")

    def __init__(self, window: float) -> None:
        self._width = window / PARTS
        self._parts: deque[list[int]] = deque()  # number, calls and failures of each
        self._newest = -inf  # the number of the part under way
        self._calls = 0
        self._failures = 0

    def add(self, now: float, failed: bool) -> None:
        """Count one call."""
        if now // self._width > self._newest:
            self._turn(now)
        part = self._parts[-1]
        part[1] += 1
        self._calls += 1
        if failed:
            part[2] += 1
            self._failures += 1

    def counts(self, now: float) -> tuple[int, int]:
        """Calls and failures in the window."""
        if now // self._width > self._newest:
            self._turn(now)
        return self._calls, self._failures

    def clear(self) -> None:
        """Forget everything."""
        self._parts.clear()
        self._newest = -inf
        self._calls = self._failures = 0

    def _turn(self, now: float) -> None:
        """Begin the part that `now` is in."""
        self._newest = number = int(now // self._width)
        self._parts.append([number, 0, 0])
        while self._parts[0][0] <= number - PARTS:
            _, calls, failures = self._parts.popleft()
            self._calls -= calls
            self._failures -= failures
