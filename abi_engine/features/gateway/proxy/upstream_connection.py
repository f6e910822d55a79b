"""The gateway's end of a connection to an upstream: reads responses for one exchange at a time.

Refuses responses that are ambiguous, oversize, or that nobody asked for.
"""

from __future__ import annotations

import asyncio
from select import POLLIN, poll
from ssl import SSLError
from typing import TYPE_CHECKING, Final, Protocol, cast

from abi_engine.features.gateway.proxy.answers import BAD_RESPONSE, UPSTREAM_LOST, Trouble
from abi_engine.features.gateway.proxy.body import Body, ChunkedBody, EndlessBody, LengthBody
from abi_engine.features.gateway.proxy.head import HEAD_END, BadMessage, ResponseHead
from abi_engine.features.gateway.upstream_tls import tls_words

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.pool import Shelf

_HEAD_SIZE: Final = 64 << 10
_INTERIM: Final = 16
_BODILESS: Final = frozenset((204, 205, 304))
_LENGTHLESS: Final = frozenset((204, 205))


class Reader(Protocol):
    """Who a response is for. Exactly one of `response_ended` and `upstream_failed` is the last."""

    def interim_response(self, head: ResponseHead) -> None:
        """A 1xx response that is not the answer yet."""
        ...

    def switched(self, head: ResponseHead) -> None:
        """The upstream changes to another protocol: take the connection with `hand_over`.

        Raises:
            BadMessage: that was not asked for.
        """
        ...

    def response_began(self, head: ResponseHead, *, has_body: bool) -> None:
        """The head is here; one of the following comes at once."""
        ...

    def response_received(self, pieces: list[bytes]) -> None:
        """Some of the body, or nothing yet."""
        ...

    def response_ended(self, pieces: list[bytes], *, reusable: bool) -> None:
        """The last of the body. The connection is the reader's no more than it is `reusable`."""
        ...

    def upstream_failed(self, trouble: Trouble, *, silent: bool) -> None:
        """The connection is gone; `silent` where not a byte of a response had come."""
        ...

    def hold_request(self) -> None:
        """The upstream takes no more just now."""
        ...

    def release_request(self) -> None:
        """It takes more again."""
        ...


class UpstreamConnection(asyncio.Protocol):
    """A connection; busy while it has a reader.

    Args:
        shelf: where it is kept while it is idle.
    """

    __slots__ = (
        "_body",
        "_for_head",
        "_interim",
        "_keep_alive",
        "_partial",
        "_paused",
        "_poll",
        "_reader",
        "_silent",
        "_transport",
        "idle_until",
        "left",
        "peer",
        "reused",
        "shelf",
    )

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.idle_until = 0.0
        """When it is closed, in the loop's time, if nobody takes it before."""
        self.reused = False
        self.left = False
        """The shelf counts it no more."""
        self.peer = ""
        """The IP address it goes to, where the upstream is a name."""
        self._transport: asyncio.Transport | None = None
        self._poll = poll()  # its socket alone
        self._reader: Reader | None = None
        self._body: Body | None = None
        self._partial = b""
        self._paused = False
        self._for_head = False
        self._keep_alive = False
        self._silent = True
        self._interim = 0

    def is_quiet(self) -> bool:
        """Whether requests can be sent, and not a byte or an end waits that nobody asked for.

        The loop would see those too, but only after what it has before it now; and an answer that
        was there before the question must never be taken for one to it.
        """
        return self._is_open() and not self._poll.poll(0)

    def unsent(self) -> int:
        """Bytes written that the upstream's end has not taken."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def send(self, reader: Reader, request: bytes, *, for_head: bool) -> None:
        """Begin a request; its response goes to `reader`. `for_head`: the method is HEAD."""
        self._reader = reader
        self._body = None
        self._for_head = for_head
        self._silent = True
        self._interim = 0
        if self._transport is not None:
            self._transport.write(request)

    def write(self, data: list[bytes]) -> None:
        """Send more of the request."""
        if data and self._transport is not None:
            self._transport.write(b"".join(data))

    def pause_reading(self) -> None:
        """Take no more of the response."""
        if self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more again."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def hand_over(self, end: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """Let `end` have what comes from now on; what had come already comes back."""
        assert self._transport is not None
        waiting, self._partial = self._partial, b""
        self._reader = None
        self._transport.set_protocol(end)
        return self._transport, waiting

    def close(self) -> None:
        """Close it when what was written has left."""
        self._reader = None
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close it at once. The reader is not told."""
        self._reader = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._transport = None
        self.shelf.leave(self)
        self._fail(_lost(exc))

    def eof_received(self) -> None:
        """Called by the loop, which then closes the connection; TLS says goodbye like that."""
        if type(self._body) is EndlessBody:
            self._end([], reusable=False)
        else:
            self._fail(UPSTREAM_LOST)

    def pause_writing(self) -> None:
        """Called by the loop."""
        if self._reader is not None:
            self._reader.hold_request()

    def resume_writing(self) -> None:
        """Called by the loop."""
        if self._reader is not None:
            self._reader.release_request()

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        if self._reader is None:
            self.abort()  # nobody asked
            return
        self._silent = False
        try:
            if self._body is None:
                data = self._read_head(self._partial + data)
            if self._body is not None:
                self._read_body(self._body, data)
        except BadMessage:
            self._fail(BAD_RESPONSE)

    def _read_head(self, data: bytes) -> bytes:
        """Read heads up to that of the answer; what is behind it comes back."""
        while (end := data.find(HEAD_END, 0, _HEAD_SIZE)) >= 0:
            end += len(HEAD_END)
            head = self.shelf.reader.read(data[:end])
            data = data[end:]
            if head.status >= 200:
                self._partial = b""
                self._answer(head)
                return data
            if head.status == 101:
                self._partial = data
                self._switch(head)
                return b""
            self._pass_interim(head)
        if len(data) >= _HEAD_SIZE:
            raise BadMessage(502, "the head of the response is too large")
        self._partial = data
        return b""

    def _pass_interim(self, head: ResponseHead) -> None:
        self._interim += 1
        if head.has_body or self._interim > _INTERIM:
            raise BadMessage(502, "an interim response with a body, or no end of them")
        if self._reader is not None:
            self._reader.interim_response(head)

    def _switch(self, head: ResponseHead) -> None:
        if self._reader is not None:
            self._reader.switched(head)

    def _answer(self, head: ResponseHead) -> None:
        self._keep_alive = head.keep_alive
        if self._for_head or head.status in _BODILESS:
            self._body = LengthBody(0)
            if head.chunked or (head.has_body and head.status in _LENGTHLESS):
                self._keep_alive = False  # a body may follow that there cannot be
        elif head.chunked:
            self._body = ChunkedBody()
        elif head.length is not None:
            self._body = LengthBody(head.length)
        else:
            self._body = EndlessBody()
            self._keep_alive = False
        if self._reader is not None:
            self._reader.response_began(head, has_body=not self._body.done)

    def _read_body(self, body: Body, data: bytes) -> None:
        pieces: list[bytes] = []
        if not body.done and data:
            pieces, data = body.feed(data)
        if body.done:
            self._end(pieces, reusable=self._keep_alive and not data)
        elif self._reader is not None:
            self._reader.response_received(pieces)

    def _end(self, pieces: list[bytes], *, reusable: bool) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.response_ended(pieces, reusable=reusable and self._is_open())

    def _is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def _fail(self, trouble: Trouble) -> None:
        reader = self._reader
        self._partial = b""
        self.abort()
        if reader is not None:
            reader.upstream_failed(trouble, silent=self._silent)


def _lost(error: Exception | None) -> Trouble:
    """What it means that a connection was lost before its end was said."""
    if isinstance(error, SSLError):
        return Trouble(502, "tls_failed", tls_words(error))
    return UPSTREAM_LOST
