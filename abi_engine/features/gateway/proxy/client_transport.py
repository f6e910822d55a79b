"""The bytes to and from a client: written and read under control, and ended with care.

Refuses to reset a connection whose answer is on its way, and to wait for ever for a client that
takes nothing.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from enum import Enum, auto
from math import inf
from typing import TYPE_CHECKING, Final, cast

from abi_engine.features.gateway.proxy.deadline import Deadline

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.plane import DataPlane

_RESET: Final = struct.pack("ii", 1, 0)


class Phase(Enum):
    """Whether requests are still taken."""

    OPEN = auto()
    CLOSING = auto()
    """Nothing more is written; what comes is thrown away until the client closes."""
    CLOSED = auto()


OPEN, CLOSING, CLOSED = Phase.OPEN, Phase.CLOSING, Phase.CLOSED
"""Looked up once: enums are slow."""


class ClientTransport(asyncio.Protocol):
    """A client's connection, apart from what is said on it.

    Args:
        plane: what all share.
        look: sees what is due, and when to look again.
    """

    __slots__ = (
        "_deadline",
        "_gives_way",
        "_paused",
        "_phase",
        "_plane",
        "_quiet_since",
        "_transport",
        "_unsent",
        "_wire",
        "address",
        "is_writable",
    )

    def __init__(self, plane: DataPlane, look: Callable[[], None]) -> None:
        self._plane = plane
        self._transport = cast("asyncio.Transport", None)
        self._wire: asyncio.Transport | None = None  # what carries TLS
        self._phase = OPEN
        self._paused = False
        self._gives_way = False
        self._deadline = Deadline(plane.loop, look)
        self._quiet_since = 0.0  # when the connection was opened, or the last exchange was over
        self._unsent = inf  # what had not left at the last look
        self.address = "unknown"
        self.is_writable = True
        """Whether the client takes what is written."""

    def write(self, data: list[bytes]) -> None:
        """Send the client something."""
        if data and self._phase is OPEN:
            self._transport.write(data[0] if len(data) == 1 else b"".join(data))

    @property
    def unsent(self) -> int:
        """Bytes written that the client's end has not taken."""
        size = self._transport.get_write_buffer_size()
        return size if self._wire is None else size + self._wire.get_write_buffer_size()

    @property
    def is_secure(self) -> bool:
        """Whether the client speaks TLS."""
        return self._wire is not None

    def pause_reading(self) -> None:
        """Take nothing more from the client."""
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            if not self._gives_way:
                self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more again."""
        if self._paused and not self._transport.is_closing():
            self._paused = False
            if not self._gives_way:
                self._transport.resume_reading()

    def give_way(self) -> None:
        """Take nothing more in this pass of the loop, which else reads on while there is more."""
        if not self._gives_way and not self._transport.is_closing():
            self._gives_way = True
            if not self._paused:
                self._transport.pause_reading()
            self._plane.loop.call_soon(self._have_turn)

    def _have_turn(self) -> None:
        self._gives_way = False
        if not self._paused and not self._transport.is_closing():
            self._transport.resume_reading()

    def cut(self) -> None:
        """Close at once in a way that no client takes for the end of an answer."""
        self._phase = CLOSED
        connection = self._transport.get_extra_info("socket")
        if connection is not None and not self._transport.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def _be_quiet(self) -> None:
        self._quiet_since = self._plane.loop.time()
        self._unsent = inf
        plane = self._plane
        patience = plane.config.linger if plane.draining else plane.limits.keepalive_timeout
        self._deadline.no_later_than(self._quiet_since + patience)

    def _close(self, *, linger: bool) -> None:
        """Write no more.

        With `linger`, read on for a while, so that what the client still sends does not destroy
        the answer on its way.
        """
        if self._phase is not OPEN or self._transport.is_closing():
            return
        self._phase = CLOSING
        self.resume_reading()
        if linger and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()  # TLS then reads on by itself until the client has closed
        self._quiet_since = self._plane.loop.time()
        self._unsent = inf
        self._deadline.no_later_than(self._quiet_since + self._plane.config.linger)

    def _look_while_quiet(self, now: float) -> float:
        """Close if nothing has been asked, or taken, for too long; tell when to look again."""
        plane = self._plane
        closing = (self._phase is CLOSING or plane.draining) and not self.unsent
        patience = plane.config.linger if closing else plane.limits.keepalive_timeout
        due = self._quiet_since + patience
        if due > now:
            return due
        if 0 < self.unsent < self._unsent:
            self._unsent = self.unsent  # slow, but it takes what it is sent
            self._quiet_since = now
            return self._look_while_quiet(now)
        if self._phase is OPEN and not self.unsent:
            self._close(linger=plane.draining)
        else:
            self._phase = CLOSED
            self._transport.abort()
        return inf
