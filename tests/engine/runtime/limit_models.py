"""What the limiters promise, written as rules over a log of everything that passed."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from abi_engine.runtime.limiter import LimitKind, LimitSettings


class Log:
    """A limiter that remembers every request it let through. Time never runs back in it."""

    def __init__(self, settings: LimitSettings, reading: float) -> None:
        self.settings = settings
        self.passed: dict[str, list[Fraction]] = {}
        self.latest = self.moment(reading)
        self.limit = max(int(written(settings.rate) * written(settings.window)), 1)

    def moment(self, reading: float) -> Fraction:
        """The reading, exactly."""
        return Fraction(reading)

    def check(self, key: str, reading: float) -> bool:
        """Whether the request passes; if so, it is written down."""
        self.latest = max(self.latest, self.moment(reading))
        log = self.passed.setdefault(key, [])
        if not self.fits(log, self.latest):
            return False
        log.append(self.latest)
        return True

    def remaining(self, key: str) -> int:
        """How many more would pass at this moment."""
        log = list(self.passed.get(key, []))
        count = 0
        while self.fits(log, self.latest):
            log.append(self.latest)
            count += 1
        return count

    def fits(self, log: list[Fraction], now: Fraction) -> bool:
        raise NotImplementedError


class TokenLog(Log):
    """No stretch of time holds more than `burst` and what the rate brings in it.

    Moments are tokens: the reading times the rate, cut to 2^-30 of one, as the limiter says.
    """

    def moment(self, reading: float) -> Fraction:
        return Fraction(floor(reading * (self.settings.rate * 2**30)), 2**30)

    def fits(self, log: list[Fraction], now: Fraction) -> bool:
        count = len(log) + 1
        return all(
            count - place <= self.settings.burst + now - then for place, then in enumerate(log)
        )


class FixedLog(Log):
    """No window, counted from zero, holds more than the limit."""

    def fits(self, log: list[Fraction], now: Fraction) -> bool:
        window = written(self.settings.window)
        return sum(then // window == now // window for then in log) < self.limit


class SlidingLog(Log):
    """The bucket under way and as many as a window has before it hold no more than the limit."""

    def fits(self, log: list[Fraction], now: Fraction) -> bool:
        bucket = written(self.settings.window) / self.settings.buckets
        first = now // bucket - self.settings.buckets
        return sum(then // bucket >= first for then in log) < self.limit


def log_of(settings: LimitSettings, reading: float = 0.0) -> Log:
    """The log for a kind of limit, begun at a reading of the clock."""
    kinds = {
        LimitKind.TOKEN_BUCKET: TokenLog,
        LimitKind.FIXED_WINDOW: FixedLog,
        LimitKind.SLIDING_WINDOW: SlidingLog,
    }
    return kinds[settings.kind](settings, reading)


def written(number: float) -> Fraction:
    return Fraction(str(number))
