"""Rate limits as pure state: what they are set to, what they decide, and who builds them.

Refuses to wait: a limiter answers at once, and tells when to ask again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Protocol

import msgspec

from abi_engine.core.clock import Clock


class LimitKind(StrEnum):
    """How requests are counted."""

    TOKEN_BUCKET = "token_bucket"  # noqa: S105 - a kind of limit, not a secret
    SLIDING_WINDOW = "sliding_window"
    FIXED_WINDOW = "fixed_window"


class LimitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is let through.

    Attributes:
        kind: how requests are counted.
        rate: requests a second.
        burst: token bucket: how many at once after a pause.
        window: windows: their length in seconds; each admits `rate * window` requests, at least 1.
        buckets: sliding window: into how many parts it is cut.
    """

    kind: LimitKind = LimitKind.TOKEN_BUCKET
    rate: Annotated[float, msgspec.Meta(ge=1e-9, le=1e9)] = 100.0
    burst: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] = 200
    window: Annotated[float, msgspec.Meta(ge=1e-6, le=86_400)] = 1.0
    buckets: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 7


class RateDecision(msgspec.Struct, frozen=True):
    """Whether one request may pass.

    Attributes:
        allowed: it may.
        remaining: how many more would pass at this moment.
        reset_after: seconds until one passes again; 0 where `remaining` is not 0.
    """

    allowed: bool
    remaining: int
    reset_after: float = msgspec.field(name="reset_after_s")


class Limiter(Protocol):
    """One limit over many keys. Thread-safe; O(1) a request; bounded in memory."""

    def check(self, key: str) -> RateDecision:
        """Count one request of `key` and tell whether it may pass; a refused one costs nothing."""
        ...

    def peek(self, key: str) -> RateDecision:
        """What `check` would say, counting nothing."""
        ...

    def keys(self) -> int:
        """How many keys are remembered."""
        ...


class ChargedLimiter(Limiter, Protocol):
    """A limiter that others may let requests through for, and tell it afterwards."""

    def charge(self, key: str, count: int) -> int:
        """Count requests of `key` that were let through elsewhere already, one at least.

        Returns:
            How many of them found no room, and were not counted. A token bucket counts all: it
            goes into debt, and lets nothing through until that is paid.
        """
        ...


def build(settings: LimitSettings, clock: Clock, *, max_keys: int = 100_000) -> ChargedLimiter:
    """The limiter that `settings` describes.

    Args:
        settings: see `LimitSettings`.
        clock: monotonic time; if it jumps back, nothing more is let through for it.
        max_keys: how many keys are remembered; beyond that new keys share one allowance, so that
            a client with many names gains nothing and costs no memory.
    """
    # The contract above is read by clients and help as well: they need none of the kinds.
    from abi_engine.runtime.limits.fixed_window import FixedWindow
    from abi_engine.runtime.limits.sliding_window import SlidingWindow
    from abi_engine.runtime.limits.token_bucket import TokenBucket

    match settings.kind:
        case LimitKind.TOKEN_BUCKET:
            return TokenBucket(settings.rate, settings.burst, clock, max_keys)
        case LimitKind.FIXED_WINDOW:
            return FixedWindow(settings.rate, settings.window, clock, max_keys)
        case LimitKind.SLIDING_WINDOW:
            buckets = settings.buckets
            return SlidingWindow(settings.rate, settings.window, buckets, clock, max_keys)
