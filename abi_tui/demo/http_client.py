"""A small HTTP/1.1 client: one request at a time on a connection, kept alive between them.

Refuses to keep what it reads: of an answer only the status is told.
"""

from __future__ import annotations

import asyncio
from typing import Self, cast

import httptools


class Unanswered(Exception):
    """No whole answer came; the message says why."""


class ClientConnection(asyncio.Protocol):
    """A connection to a server; `exchange` for one request after another.

    Attributes:
        reusable: whether it may carry another request.
    """

    def __init__(self) -> None:
        self.reusable = False
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._parser = httptools.HttpResponseParser(self)

    @classmethod
    async def open(cls, host: str, port: int, source: str | None) -> Self:
        """Connect, from the address `source` where one is given.

        Raises:
            Unanswered: nobody accepts.
        """
        local = None if source is None else (source, 0)
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(cls, host, port, local_addr=local)
        except OSError as error:
            raise Unanswered(f"connect: {error.strerror or error}") from error
        return connection

    async def exchange(self, request: bytes) -> int:
        """Send a request, read its answer to the end, tell its status.

        Raises:
            Unanswered: the connection ended first, or what came is not HTTP.
        """
        if self._transport is None:
            raise Unanswered("closed before the request")
        self.reusable = False
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            return await self._answer
        finally:
            self._answer = None

    def close(self) -> None:
        """End it at once."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._transport = None
        self.reusable = False
        self._fail("closed before the answer was complete")

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail("the answer is not HTTP")
            self.close()

    def on_message_complete(self) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # an answer to nothing
            return
        self.reusable = self._parser.should_keep_alive()
        self._answer.set_result(self._parser.get_status_code())
        if not self.reusable:
            self.close()

    def _fail(self, reason: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Unanswered(reason))
