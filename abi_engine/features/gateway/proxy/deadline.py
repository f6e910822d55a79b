"""A timer that is cheap to move: it may fire early, and its owner then looks at the time.

Moments that things are due mostly move away while bytes flow. Nothing is done then: the timer fires
at the old moment, the owner works out the new one and asks again. A request on a busy connection
costs no timer at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf


class Deadline:
    """Calls `look` at the moment asked for, or before.

    Args:
        loop: whose time it is.
        look: works out what is due now and when to look again.
    """

    __slots__ = ("_at", "_handle", "_look", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, look: Callable[[], None]) -> None:
        self._loop = loop
        self._look = look
        self._at = inf
        self._handle: asyncio.TimerHandle | None = None

    def no_later_than(self, at: float) -> None:
        """Look at `at` in the loop's time, if not before."""
        if at < self._at:
            if self._handle is not None:
                self._handle.cancel()
            self._at = at
            self._handle = self._loop.call_at(at, self._fire)

    def close(self) -> None:
        """Look no more; and forget the owner, so that nothing keeps it."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._at = -inf
        self._look = _nothing

    def _fire(self) -> None:
        self._at = inf
        self._handle = None
        self._look()


def _nothing() -> None:
    pass
