"""One HTTP/1.1 connection of the admin endpoint: a question of a few bytes, and its answer.

Refuses bodies, methods that change anything, heads above 8 KiB, and clients that are slow.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import NamedTuple, cast

import httptools

HEAD_SIZE = 8 << 10
HEAD_TIMEOUT = 5.0
IDLE_TIMEOUT = 5.0
ANSWER_TIMEOUT = 15.0
PIPELINE = 8


class Request(NamedTuple):
    """What was asked: the method, the path without its query, and the `Authorization` header."""

    method: str
    path: str
    authorization: str
    keep_alive: bool = True


class Answer(NamedTuple):
    """What is answered."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Request], Awaitable[Answer]]


def said(status: HTTPStatus, text: str = "", **headers: str) -> Answer:
    """An answer of one line; `www_authenticate="Bearer"` adds that header."""
    pairs = tuple((name.replace("_", "-").title(), value) for name, value in headers.items())
    return Answer(status, f"{text or status.phrase}\n".encode(), headers=pairs)


class _Refused(Exception):
    """The request is answered so, and the connection closed."""

    def __init__(self, status: HTTPStatus, reason: str = "") -> None:
        super().__init__(reason)
        self.answer = said(status, reason)


class AdminProtocol(asyncio.Protocol):
    """Parses requests, has them answered one after another, and keeps the time.

    Args:
        handler: answers a request.
        connections: where the connection counts itself as long as it is open.
        max_connections: one more is answered 503.
    """

    def __init__(
        self, handler: Handler, connections: set[AdminProtocol], max_connections: int
    ) -> None:
        self._handler = handler
        self._connections = connections
        self._max_connections = max_connections
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._requests: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._refused: _Refused | None = None
        self._head_size = 0
        self._in_head = False
        self._is_writable = True
        self._url = b""
        self._authorization = ""

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has come."""
        self._transport = transport = cast(
            "asyncio.Transport", transport
        )  # uvloop's is no subclass
        if len(self._connections) >= self._max_connections:
            self._write_last(said(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections"), None)
            return
        self._connections.add(self)
        self._expect(HEAD_TIMEOUT)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, or of several."""
        if self._refused is not None or self._transport is None:
            return
        self._head_size += len(data)
        if self._head_size > HEAD_SIZE:
            self._refused = _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            try:
                self._feed(data)
            except _Refused as refused:
                self._refused = refused
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        """The client has left."""
        self._connections.discard(self)
        self._transport = None
        self._expect(None)
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The client does not read: it is answered no more until it does."""
        self._is_writable = False

    def resume_writing(self) -> None:
        """It has read."""
        self._is_writable = True
        if self._task is None and self._transport is not None and not self._transport.is_closing():
            self._expect(None)
            self._listen()

    def close(self) -> None:
        """End the connection; an answer that is being made is not waited for."""
        if self._transport is not None:
            self._transport.abort()

    # What the parser calls.

    def on_message_begin(self) -> None:
        self._in_head = True
        self._url, self._authorization = b"", ""
        self._expect(HEAD_TIMEOUT)

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        word = name.lower()
        if word == b"transfer-encoding" or (word == b"content-length" and value.strip() != b"0"):
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "no bodies here")
        if word == b"authorization":
            self._authorization = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._in_head = False

    def on_message_complete(self) -> None:
        if self._parser.get_http_version() not in ("1.0", "1.1"):
            raise _Refused(HTTPStatus.BAD_REQUEST, "HTTP/1.0 or HTTP/1.1")
        if self._parser.should_upgrade():
            raise _Refused(HTTPStatus.BAD_REQUEST, "nothing to upgrade to")
        if len(self._requests) >= PIPELINE:
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS)
        self._head_size = 0
        self._requests.append(
            Request(
                self._parser.get_method().decode("latin-1"),
                self._url.partition(b"?")[0].decode("latin-1"),
                self._authorization,
                self._parser.should_keep_alive(),
            )
        )

    # One after another.

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            if isinstance(error.__context__, _Refused):
                raise error.__context__ from None
            raise
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise _Refused(HTTPStatus.BAD_REQUEST) from error

    def _go_on(self) -> None:
        if self._task is not None or self._transport is None:
            return
        if self._requests:
            self._expect(None)
            self._transport.pause_reading()
            self._task = self._loop.create_task(self._answer(self._requests.popleft()))
        elif self._refused is not None:
            self._write_last(self._refused.answer, None)
        elif self._timer is None:  # one that runs is not set anew: dripping bytes win no time
            self._expect(HEAD_TIMEOUT if self._in_head else IDLE_TIMEOUT)

    async def _answer(self, request: Request) -> None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                answer = await self._handler(request)
        except TimeoutError:
            answer = said(HTTPStatus.SERVICE_UNAVAILABLE, "no answer in time")
        self._task = None
        if self._transport is None:
            return
        if not request.keep_alive:
            self._write_last(answer, request)
            return
        self._transport.write(rendered(answer, request))
        if self._is_writable:
            self._listen()
        else:
            self._expect(IDLE_TIMEOUT)

    def _listen(self) -> None:
        assert self._transport is not None
        self._transport.resume_reading()
        self._go_on()

    def _write_last(self, answer: Answer, request: Request | None) -> None:
        assert self._transport is not None
        self._transport.write(rendered(answer, request))
        self._transport.close()
        self._expect(IDLE_TIMEOUT)  # for a client that does not read it

    def _expect(self, seconds: float | None) -> None:
        """Close the connection unless something comes within `seconds`."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self._loop.call_later(seconds, self.close)


def rendered(answer: Answer, request: Request | None) -> bytes:
    """An answer as bytes; without a request it is the last on its connection."""
    keep_alive = request is not None and request.keep_alive
    lines = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *(f"{name}: {value}" for name, value in answer.headers),
    ]
    head = "\r\n".join((*lines, "", "")).encode("latin-1")
    return head if request is not None and request.method == "HEAD" else head + answer.body
