"""Time as a collaborator: the system's, or one that a test moves by hand. Refuses to sleep."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where everything that depends on time reads it. Any thread may call it."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back while the machine is up."""
        ...

    def time(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z; may jump when the machine's clock is set."""
        ...


class SystemClock:
    """The machine's clocks, unwrapped: reading one costs a single call."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)


class ManualClock:
    """A clock that stands still until told.

    Args:
        start: the first value of both clocks, in seconds.
    """

    def __init__(self, start: float = 1_000.0) -> None:
        self._monotonic = start
        self._time = start

    def monotonic(self) -> float:
        """The seconds it was moved to."""
        return self._monotonic

    def time(self) -> float:
        """The seconds since the epoch it was moved to."""
        return self._time

    def advance(self, seconds: float) -> None:
        """Move both clocks by `seconds`; a negative number plays a clock that jumps back."""
        self._monotonic += seconds
        self._time += seconds
