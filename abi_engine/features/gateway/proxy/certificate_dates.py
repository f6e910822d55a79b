"""Says which certificates clients refuse for their date, or will soon: at once, then once a day.

Refuses to look at files: what is shown to clients is what counts.
"""

from __future__ import annotations

import asyncio
from typing import Final

from abi_engine.core.clock import Clock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.proxy.tls import ServerTls

DAY: Final = 86_400.0


class CertificateDates:
    """Belongs to the loop's thread.

    Args:
        loop: wakes it.
        clock: what date it is.
        events: where it says so.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, events: EventLog) -> None:
        self._loop = loop
        self._clock = clock
        self._events = events
        self._tls: ServerTls | None = None
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, tls: ServerTls | None) -> None:
        """Look at these from now on, in the place of those before; None has no certificate."""
        self._tls = tls
        self._look()

    def close(self) -> None:
        """Look no more."""
        self.watch(None)

    def _look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._tls is not None:
            self._tls.tell_dates(self._clock.time(), self._events)
            self._timer = self._loop.call_later(DAY, self._look)
