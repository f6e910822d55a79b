"""What one process may let through of a limit that several share.

Refuses to count anything: `ledger.py` knows what is left, `allowance.py` spends it.
"""

from __future__ import annotations

from math import ceil
from typing import Final

import msgspec

from abi_engine.runtime.limiter import LimitKind, LimitSettings
from abi_engine.runtime.limits.exact import as_written

OTHERS: Final = "\0"
"""Stands for all keys that found no place of their own; no address, header or name is like it."""

_FEW: Final = 8
_HEARING: Final = 0.05
"""Seconds in which a process hears from the owner, amply."""


class Terms(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a process may do with a key until it hears again. Moments are of the monotonic clock.

    Attributes:
        free: so many requests it may let through.
        opens_at: where nothing is free: when to begin again; else 0.
        first: so many it may let through then, before it hears again: 0 or 1.
        whole_at: from then on the key is like new, and may be forgotten.
    """

    free: int
    opens_at: float
    first: int
    whole_at: float


def capacity(settings: LimitSettings) -> int:
    """The most that a limit lets through at once."""
    if settings.kind is LimitKind.TOKEN_BUCKET:
        return settings.burst
    return max(int(as_written(settings.rate) * as_written(settings.window)), 1)


def lease(settings: LimitSettings, workers: int) -> int:
    """The most that one process lets through of a key before it hears of the others.

    A quarter of its share of the limit, so that all together are never far beyond that; but enough
    for a page with its pictures, and for what the rate lets pass until it hears. Never more than
    its share, so that a limit that is whole is never passed.
    """
    share = -(-capacity(settings) // workers)
    while_waiting = ceil(settings.rate * _HEARING / workers)
    return min(share, max(_FEW, -(-share // 4), while_waiting))


def seconds_until_whole(settings: LimitSettings, used: int) -> float:
    """How long, at most, until a limit of which so much is used is like new."""
    if settings.kind is LimitKind.TOKEN_BUCKET:
        return used / settings.rate
    windows = -(-used // capacity(settings))
    if settings.kind is LimitKind.SLIDING_WINDOW and windows:
        windows += 1
    return windows * settings.window
