"""Bytes both ways between a client and an upstream that speak another protocol from now on.

Refuses to know what they say. Each side is read only as fast as the other takes it; a side that
ends is passed on as ended, and the other may go on until it ends too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Protocol, cast

from abi_engine.features.gateway.proxy.answers import (
    CLIENT_LEFT,
    IDLE_LATE,
    UPSTREAM_LOST,
    Trouble,
)


class Side(Protocol):
    """The owner of a connection, which gets it back when the tunnel is over."""

    def hand_over(self, end: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """Let `end` have what comes from now on; what had come already comes back."""
        ...

    def connection_lost(self, exc: Exception | None) -> None:
        """Called where the connection is lost meanwhile."""
        ...


class Tunnel:
    """Two connections that are one.

    Args:
        loop: runs it.
        idle: seconds without a byte either way after which it is over.
        client, upstream: the connections' owners.
        over: called once, when nothing passes any more: with what was wrong, or with None where
            both sides had ended.
    """

    __slots__ = ("_idle", "_loop", "_over", "_unsent", "client", "moved", "upstream")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        idle: float,
        client: Side,
        upstream: Side,
        over: Callable[[Trouble | None], None],
    ) -> None:
        self._loop = loop
        self._idle = idle
        self._over: Callable[[Trouble | None], None] | None = over
        self._unsent: float = inf  # what had not left at the last look
        self.moved = loop.time()
        """When a byte last moved."""
        self.client = End(self, client, CLIENT_LEFT)
        self.upstream = End(self, upstream, UPSTREAM_LOST)
        self.client.other, self.upstream.other = self.upstream, self.client

    def begin(self, *, client_is_writable: bool) -> None:
        """Take the connections, and pass on what had come already."""
        ends = (self.client, self.upstream)
        waiting = [end.take() for end in ends]
        for end, data in zip(ends, waiting, strict=True):
            if data:
                end.data_received(data)
        if not client_is_writable:
            self.client.pause_writing()

    def now(self) -> float:
        """The loop's time."""
        return self._loop.time()

    def look(self, now: float) -> float:
        """End the tunnel if nothing has moved for too long; tell when to look again."""
        due = self.moved + self._idle
        if due > now:
            return due
        unsent = self.client.unsent + self.upstream.unsent
        before, self._unsent = self._unsent, unsent
        if 0 < unsent < before:  # slow, but it takes what it is sent
            self.moved = now
            return now + self._idle
        self.close(IDLE_LATE)
        return inf

    def ended(self, end: End) -> None:
        """A side sends no more."""
        if end.other.ended:
            self.close(None)
        else:
            end.other.pass_end()

    def close(self, trouble: Trouble | None) -> None:
        """Give the connections back to their owners, and tell that it is over; once."""
        over, self._over = self._over, None
        if over is not None:
            self.client.give_back()
            self.upstream.give_back()
            over(trouble)


class End(asyncio.Protocol):
    """One side's connection.

    Attributes:
        other: the other side's.
        carried: bytes that came from it.
        ended: it sends no more.
    """

    __slots__ = ("_lost", "_owner", "_transport", "_tunnel", "carried", "ended", "other")

    def __init__(self, tunnel: Tunnel, owner: Side, lost: Trouble) -> None:
        self._tunnel = tunnel
        self._owner = owner
        self._lost = lost
        self._transport = cast("asyncio.Transport", None)
        self.other = self
        self.carried = 0
        self.ended = False

    @property
    def unsent(self) -> int:
        """Bytes written that its side has not taken."""
        return self._transport.get_write_buffer_size()

    def take(self) -> bytes:
        """Take the connection; what had come already comes back."""
        self._transport, waiting = self._owner.hand_over(self)
        return waiting

    def give_back(self) -> None:
        """Let the owner have the connection again."""
        if not self._transport.is_closing():
            self._transport.set_protocol(cast("asyncio.BaseProtocol", self._owner))

    def pass_end(self) -> None:
        """The other side sends no more: say so, or close where that cannot be said."""
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        tunnel = self._tunnel
        tunnel.moved = tunnel.now()
        self.carried += len(data)
        self.other._transport.write(data)

    def pause_writing(self) -> None:
        """Called by the loop: this side takes no more."""
        other = self.other
        if not other.ended and not other._transport.is_closing():
            other._transport.pause_reading()

    def resume_writing(self) -> None:
        """Called by the loop: this side takes more again."""
        other = self.other
        self._tunnel.moved = self._tunnel.now()
        if not other.ended and not other._transport.is_closing():
            other._transport.resume_reading()

    def eof_received(self) -> bool:
        """Called by the loop; where half a connection can be kept, it is."""
        if not self.ended:
            self.ended = True
            self._tunnel.ended(self)
        return self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        clean = exc is None and (self.ended or self.other.ended)
        self._tunnel.close(None if clean else self._lost)
        self._owner.connection_lost(exc)
