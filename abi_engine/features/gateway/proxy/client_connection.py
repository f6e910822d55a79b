"""The gateway's end of a connection to a client: reads requests, one exchange at a time, in order.

Refuses what is malformed, oversize or slow, and then closes in a way that lets the client read the
answer: it stops writing, and reads on for a short while.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Final, cast

from abi_engine.features.gateway.proxy import answers
from abi_engine.features.gateway.proxy.answers import Trouble
from abi_engine.features.gateway.proxy.body import Body, ChunkedBody, LengthBody
from abi_engine.features.gateway.proxy.client_transport import CLOSED, OPEN, ClientTransport
from abi_engine.features.gateway.proxy.exchange import Exchange
from abi_engine.features.gateway.proxy.head import HEAD_END, BadMessage, RequestHead
from abi_engine.features.gateway.proxy.onward import Onward
from abi_engine.features.gateway.proxy.reception import receive
from abi_engine.features.gateway.proxy.repeats import RequestReader
from abi_engine.features.gateway.proxy.request import Request
from abi_engine.features.gateway.proxy.waiting import Waiting

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.plane import DataPlane

_REQUEST_LINE_REST: Final = 64
"""What a request line may have beside its target."""
_TIMER_GRAIN: Final = 0.001
_CHUNKS: Final = 2000
"""So many at once take long enough for others to have their turn."""
SPARE_CONNECTIONS: Final = 1000
"""How many beyond the limit are told so; further ones are just closed."""


class ClientConnection(ClientTransport):
    """A client's connection.

    Args:
        plane: what all share.
        wire: what carries TLS, whose handshake has counted the connection; None without TLS.
    """

    __slots__ = (
        "_advancing",
        "_body",
        "_buffer",
        "_exchange",
        "_head_since",
        "_interval",
        "_reader",
        "onward",
    )

    def __init__(self, plane: DataPlane, wire: asyncio.Transport | None = None) -> None:
        super().__init__(plane, self._look)
        self._wire = wire
        self._interval = inf  # the exchange's times are looked at this often
        self._reader = RequestReader(plane.limits.url_size, plane.limits.header_count)
        self._buffer = b""
        self._head_since = inf  # when the first byte of the next request came
        self._exchange: Exchange | Waiting | None = None
        self._body: Body | None = None  # of the request being exchanged, until its end is here
        self._advancing = False
        self.onward = Onward(self.address, secure=self.is_secure, pseudonym=plane.pseudonym)
        """Its requests, as they go on."""

    # Called by the loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        plane = self._plane
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        if peer:
            self.address = self.onward.address = peer[0]
        self._be_quiet()
        plane.clients.add(self)
        if self._wire is None:
            plane.admitter.connection_opened()
        beyond = len(plane.clients) - plane.limits.connections
        if beyond > SPARE_CONNECTIONS:
            self.cut()
        elif beyond > 0:
            self._refuse(answers.TOO_MANY_CLIENTS)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """Called by the loop."""
        self._leave_exchange(answers.CLIENT_LEFT)
        self._deadline.close()
        self._buffer = b""
        self._plane.client_gone(self)
        self._plane.admitter.connection_closed()

    def eof_received(self) -> None:
        """Called by the loop, which then closes: who no longer sends is taken to have left."""
        if self._exchange is not None:
            self._leave_exchange(answers.CLIENT_LEFT)
            self.cut()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._phase is OPEN:
            self._advance(self._buffer + data if self._buffer else data)

    def pause_writing(self) -> None:
        """Called by the loop."""
        self.is_writable = False
        if self._exchange is not None:
            self._exchange.hold_response()

    def resume_writing(self) -> None:
        """Called by the loop."""
        self.is_writable = True
        if self._exchange is not None:
            self._exchange.release_response()
        else:
            self._go_on()

    # Used by exchanges.

    def is_last(self) -> bool:
        """Whether no request is taken after this one: the proxy ends, and none waits here."""
        if not self._plane.draining:
            return False
        return not (self._buffer or self._paused or self._advancing)

    def look_within(self, interval: float) -> None:
        """Look at the exchange's times at least this often, in seconds."""
        self._interval = interval
        self._deadline.no_later_than(self._plane.loop.time() + interval)

    def hand_over(self, end: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """Let `end` have what comes from now on; what had come already comes back."""
        waiting, self._buffer = self._buffer, b""
        self.resume_reading()
        self._transport.set_protocol(end)
        return self._transport, waiting

    def turn_came(self, exchange: Exchange, head: RequestHead) -> None:
        """The request that waited for its turn goes on as an exchange."""
        self.resume_reading()
        data, self._buffer = self._buffer, b""
        self._advancing = True
        try:
            data = self._start(exchange, head, data)
        finally:
            self._advancing = False
        if data:
            self._advance(data)

    def exchange_over(self, *, keep_alive: bool, unread: bool = False) -> None:
        """The exchange has written its answer: go on with the next request, or close.

        Args:
            keep_alive: which of both.
            unread: there is a body that was not asked for yet.
        """
        self._exchange = None
        self._interval = inf
        if self._phase is not OPEN:
            return
        if keep_alive:
            self._be_quiet()
            if self._buffer or self._paused:
                self._go_on()
        else:
            more = unread or self._body is not None or bool(self._buffer) or self._paused
            self._close(linger=more or self._plane.draining)

    # Used by the proxy.

    def drain(self) -> None:
        """Answer what has been asked, and what is asked before it has been quiet for `linger`
        seconds; then close.
        """
        self._deadline.no_later_than(self._quiet_since + self._plane.config.linger)

    def end(self) -> None:
        """Close at once, whatever is under way."""
        self._leave_exchange(answers.SHUT_DOWN)
        self.cut()

    # Reading requests.

    def _have_turn(self) -> None:
        """What is left of a body is taken before anything else is read."""
        self._gives_way = False
        if self._buffer:
            self._go_on()
        if not self._gives_way:
            super()._have_turn()

    def _go_on(self) -> None:
        if self._phase is OPEN and not self._advancing:
            self._advance(self._buffer)

    def _advance(self, data: bytes) -> None:
        """Take of `data` what can be taken now, and keep the rest."""
        self._advancing = True
        try:
            self._buffer = self._take(data)
        finally:
            self._advancing = False
        if (self._buffer or self._paused) and self._body is None and self._phase is OPEN:
            self._regulate()

    def _regulate(self) -> None:
        """Read on, unless enough is waiting already."""
        waiting, limits = self._buffer, self._plane.limits
        if len(waiting) >= limits.header_size or waiting.count(HEAD_END) >= limits.pipeline:
            self.pause_reading()
        else:
            self.resume_reading()

    def _take(self, data: bytes) -> bytes:
        turns = self._plane.limits.pipeline
        while self._phase is OPEN:
            if self._body is not None:
                if self._gives_way:
                    return data
                data = self._take_body(self._body, data)
                if self._body is not None:
                    return data
            elif self._exchange is not None or not self.is_writable or not data:
                return data
            elif not turns:
                self._plane.loop.call_soon(self._go_on)  # others have their turn
                return data
            else:
                turns -= 1
                rest = self._take_head(data)
                if rest is None:
                    return data
                data = rest
        return b""

    def _take_body(self, body: Body, data: bytes) -> bytes:
        exchange = self._exchange
        assert isinstance(exchange, Exchange)
        try:
            pieces, rest = body.feed(data)
        except BadMessage as error:
            exchange.body_is_bad(error)
            return b""
        if rest and not body.done:
            self.give_way()
        if body.done:
            self._body = None
        if pieces or body.done:
            exchange.body_received(pieces, done=body.done)
        return rest

    def _take_head(self, data: bytes) -> bytes | None:
        """Begin an exchange; what is behind the head comes back, or None where it is not whole."""
        limits = self._plane.limits
        if data.startswith(b"\r\n"):
            data = data[2:]  # an empty line in front is forgiven once
        if self._head_since == inf:
            self._head_since = self._plane.loop.time()
        end = data.find(HEAD_END, 0, limits.header_size)
        if end < 0:
            self._wait_for_head(data)
            return None
        end += len(HEAD_END)
        try:
            head = self._reader.read(data[:end])
        except BadMessage as error:
            self._refuse(Trouble(error.status, "bad_request", error.reason))
            return b""
        return self._begin(head, data[end:])

    def _wait_for_head(self, data: bytes) -> None:
        limits = self._plane.limits
        one_line = b"\r\n" not in data
        if one_line and len(data) > limits.url_size + _REQUEST_LINE_REST:
            self._refuse(Trouble(414, "bad_request", "the target is too long"))
        elif len(data) >= limits.header_size:
            self._refuse(Trouble(431, "bad_request", "the head is too large"))
        else:
            self._deadline.no_later_than(self._head_since + limits.header_timeout)

    def _begin(self, head: RequestHead, rest: bytes) -> bytes:
        since, self._head_since = self._head_since, inf
        length = head.length or 0
        at_hand = not head.chunked and length <= len(rest)
        plain = not head.upgrade  # else what is behind it may be of another protocol
        last = self._plane.draining and len(rest) <= length
        keep_alive = head.keep_alive and at_hand and plain and not last
        exchange = receive(self._plane, self, head, since, keep_alive=keep_alive)
        if exchange is None:
            self._be_quiet()
            if not keep_alive:
                self._close(linger=True)
            return rest[length:]
        if isinstance(exchange, Waiting):
            self._exchange = exchange
            exchange.begin()
            return rest
        return self._start(exchange, head, rest)

    def _start(self, exchange: Exchange, head: RequestHead, rest: bytes) -> bytes:
        """Begin an exchange with what there is of its body; what is behind that comes back."""
        self._exchange = exchange
        if head.has_body:
            self._body = ChunkedBody(_CHUNKS) if head.chunked else LengthBody(head.length or 0)
            rest = self._take_body(self._body, rest)
        if self._exchange is not None:
            exchange.begin()
        return rest

    # Times, and the end.

    def _refuse(self, trouble: Trouble) -> None:
        since = min(self._head_since, self._plane.loop.time())
        request = Request(self._plane, self, None, since)
        request.turn_away(answers.refusal(trouble), trouble.word, keep_alive=False)
        self._close(linger=True)

    def _leave_exchange(self, trouble: Trouble) -> None:
        self._phase = CLOSED
        if self._exchange is not None:
            self._exchange.abandon(trouble)

    def _look(self) -> None:
        """See what is due."""
        now = self._plane.loop.time() + _TIMER_GRAIN
        if self._exchange is not None:
            due = min(self._exchange.look(now), now + self._interval)
        elif self._phase is CLOSED:
            return
        else:
            due = self._look_between_requests(now)
        if due < inf:
            self._deadline.no_later_than(due)

    def _look_between_requests(self, now: float) -> float:
        limits = self._plane.limits
        if self._phase is OPEN and self._head_since < inf:
            due = self._head_since + limits.header_timeout
            if due <= now:
                self._refuse(answers.SLOW_HEAD)
                return inf
            return due
        return self._look_while_quiet(now)
