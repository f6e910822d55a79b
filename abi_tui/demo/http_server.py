"""A small HTTP/1.1 server for upstreams on loopback: keep-alive, chunked answers, delays.

Refuses heads above 16 KiB. It can stop listening and still hold its port, so that connections are
refused by the kernel, as they are when a program has died.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter, deque
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, cast

import httptools

HEAD_SIZE = 16 << 10
BACKLOG = 256
CHUNK_SIZE = 16 << 10


class Request(NamedTuple):
    """What was asked; of the body only its size is kept."""

    method: str
    path: str
    body_size: int


class Reply(NamedTuple):
    """An answer.

    Attributes:
        status: of the answer.
        body: all of it.
        delay: seconds to wait before it is sent.
        chunked: send the body in chunks instead of with its length.
        content_type: of the body.
    """

    status: HTTPStatus = HTTPStatus.OK
    body: bytes = b""
    delay: float = 0.0
    chunked: bool = False
    content_type: str = "application/json"


Handler = Callable[[Request], Reply | None]  # None: never answered


class Tally:
    """What a server counts: requests read whole, and answers sent, by status."""

    def __init__(self) -> None:
        self.received = 0
        self.replied: Counter[int] = Counter()


class Server:
    """An HTTP server on a free port of 127.0.0.1. All calls in its event loop.

    Args:
        handler: answers a request.
    """

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.tally = Tally()
        self.connections: set[_Connection] = set()
        self._holder = _bound(0)
        self._listener: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it is, whether or not it listens."""
        port: int = self._holder.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Accept connections. Does nothing in a server that does."""
        if self._listener is None:
            self._listener = await asyncio.get_running_loop().create_server(
                lambda: _Connection(self), sock=_bound(self.port), backlog=BACKLOG
            )

    def refuse(self) -> None:
        """End every connection and accept none; the port stays held."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in tuple(self.connections):
            connection.end()

    def close(self) -> None:
        """Refuse, and give the port back."""
        self.refuse()
        self._holder.close()


def _bound(port: int) -> socket.socket:
    """A bound socket; several may hold one port, and those that listen get the connections."""
    found = socket.socket()
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind(("127.0.0.1", port))
    except OSError:
        found.close()
        raise
    return found


class _Connection(asyncio.Protocol):
    """One connection: requests are answered in the order in which they came."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._answering = False
        self._head_size = 0
        self._url = b""
        self._body_size = 0

    def end(self) -> None:
        """Close the connection; an answer that is being made is never sent, one that was is."""
        if self._transport is not None and self._answering:
            self._transport.abort()
        elif self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._server.connections.discard(self)
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            assert self._transport is not None
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._url, self._head_size, self._body_size = b"", 0, 0

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._grow(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._grow(len(name) + len(value))

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)

    def on_message_complete(self) -> None:
        self._server.tally.received += 1
        method = self._parser.get_method().decode("latin-1")
        request = Request(method, self._url.decode("latin-1"), self._body_size)
        self._waiting.append((request, self._parser.should_keep_alive()))
        self._next()

    def _grow(self, size: int) -> None:
        self._head_size += size
        if self._head_size > HEAD_SIZE:
            raise ValueError(f"a head above {HEAD_SIZE} bytes")  # the parser's caller aborts

    def _next(self) -> None:
        if self._answering or not self._waiting:
            return
        self._answering = True
        request, keep_alive = self._waiting.popleft()
        reply = self._server.handler(request)
        if reply is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(reply.delay, self._send, request, reply, keep_alive)

    def _send(self, request: Request, reply: Reply, keep_alive: bool) -> None:
        assert self._transport is not None  # the timer is cancelled with the connection
        self._transport.write(rendered(reply, keep_alive, with_body=request.method != "HEAD"))
        self._server.tally.replied[reply.status.value] += 1
        self._answering = False
        if keep_alive:
            self._next()
        else:
            self._transport.close()


def rendered(reply: Reply, keep_alive: bool = True, *, with_body: bool = True) -> bytes:
    """An answer as bytes."""
    length = "Transfer-Encoding: chunked" if reply.chunked else f"Content-Length: {len(reply.body)}"
    head = (
        f"HTTP/1.1 {reply.status.value} {reply.status.phrase}\r\n"
        f"Content-Type: {reply.content_type}\r\n{length}\r\n"
        f"Connection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    ).encode("latin-1")
    if not with_body:
        return head
    return head + (_chunks(reply.body) if reply.chunked else reply.body)


def _chunks(body: bytes) -> bytes:
    parts: list[bytes] = []
    for start in range(0, len(body), CHUNK_SIZE):
        chunk = body[start : start + CHUNK_SIZE]
        parts += (b"%x\r\n" % len(chunk), chunk, b"\r\n")
    return b"".join((*parts, b"0\r\n\r\n"))
