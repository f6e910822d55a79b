"""What a worker has to say to the owner: gathered, and sent when it is worth it.

Belongs to the loop's thread. Never waits: what the link does not take stays, and nothing more is
gathered meanwhile, so that it grows no larger than what there is to count.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from abi_engine.features.gateway.workers.messages import (
    FromWorker,
    Refused,
    Results,
    Returned,
    framed,
)

DELAY: Final = 0.005
"""Seconds in which what is not urgent is gathered."""


class Outbox:
    """See the module. Also what the breakers of a worker tell their owner by.

    Args:
        link: a stream socket; only ever sent to without waiting.
    """

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._unsent = b""
        self._messages: list[FromWorker] = []
        self._results: dict[tuple[str, int], list[int]] = {}
        self._refused: dict[str, int] = {}
        self._timer: asyncio.Handle | None = None
        self._urgent = False
        self.gather: Callable[[], list[FromWorker]] = list
        """Gives what others have put aside; called just before something is sent."""

    def say(self, message: FromWorker, *, urgent: bool = True) -> None:
        """Have a message sent."""
        self._messages.append(message)
        self.soon(urgent)

    def result(self, upstream: str, permit: int, ok: bool) -> None:
        """A call to an upstream ended."""
        runs = self._results.setdefault((upstream, permit), [])
        if runs and (runs[-1] > 0) == ok:
            runs[-1] += 1 if ok else -1
        else:
            runs.append(1 if ok else -1)
        self.soon(not ok)

    def returned(self, upstream: str, permit: int) -> None:
        """A trial told nothing, or was not made."""
        self.say(Returned(upstream, permit))

    def refused(self, upstream: str) -> None:
        """A call found no permit."""
        self._refused[upstream] = self._refused.get(upstream, 0) + 1
        self.soon(False)

    def soon(self, urgent: bool) -> None:
        """Send in this pass of the loop, or within a few milliseconds."""
        if self._timer is not None:
            if self._urgent or not urgent:
                return
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._urgent = urgent
        self._timer = loop.call_soon(self.send) if urgent else loop.call_later(DELAY, self.send)

    def send(self) -> None:
        """Send everything there is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._unsent:
            messages = self._take()
            if not messages:
                return
            self._unsent = framed(messages)
        if not self._push():
            self.soon(False)

    def say_now(self, *messages: FromWorker) -> None:
        """Send these after everything else, and wait until it is sent. While no loop runs."""
        self._messages += messages
        self._link.sendall(self._unsent)
        self._unsent = b""
        self._link.sendall(framed(self._take()))

    def _take(self) -> list[FromWorker]:
        results, self._results = self._results, {}
        refused, self._refused = self._refused, {}
        messages, self._messages = self._messages, []
        return [
            *messages,
            *(Results(*key, tuple(runs)) for key, runs in results.items()),
            *(Refused(*pair) for pair in refused.items()),
            *self.gather(),
        ]

    def _push(self) -> bool:
        """Tell whether nothing is left; the end of the link is seen by who reads it."""
        try:
            sent = self._link.send(self._unsent, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            self._unsent = b""
            return True
        self._unsent = self._unsent[sent:]
        return not self._unsent
