"""A time that can be paused, sped up and moved ahead. Refuses to go back."""

from __future__ import annotations

from abi_engine import Clock

SLOWEST = 0.25
FASTEST = 4.0


class Timeline:
    """Seconds since its start, as its owner lets them pass. Not thread-safe.

    Args:
        clock: the time that really passes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = clock.monotonic()
        self._passed = 0.0
        self._speed = 1.0
        self._paused = False

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._paused

    @property
    def speed(self) -> float:
        """How many of its seconds pass in one."""
        return self._speed

    def now(self) -> float:
        """The seconds that have passed on it."""
        real = max(self._clock.monotonic() - self._since, 0.0)
        return self._passed + (0.0 if self._paused else real * self._speed)

    def pause(self) -> None:
        """Stand still."""
        self._hold()
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._hold()
        self._paused = False

    def set_speed(self, speed: float) -> None:
        """Let time pass so many times as fast, within a quarter and four times."""
        self._hold()
        self._speed = min(max(speed, SLOWEST), FASTEST)

    def skip_to(self, time: float) -> None:
        """Be at `time` at once; does nothing where that has passed."""
        self._hold()
        self._passed = max(self._passed, time)

    def _hold(self) -> None:
        self._passed = self.now()
        self._since = self._clock.monotonic()
