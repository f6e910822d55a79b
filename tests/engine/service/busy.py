"""Sixty-four connections in continuous use, and what became of every request on them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from threading import Event, Thread
from types import TracebackType
from typing import Self

CONNECTIONS = 64
PATIENCE = 20.0
PIPELINED = 4
LARGE = 200_000

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Use = Callable[[Reader, Writer], Awaitable[tuple[int, bool]]]


class Closed(Exception):
    """The gateway closed, or reset, in place of an answer."""


class Crowd:
    """Clients that ask as fast as they are answered, from `with` until its end.

    Args:
        address: of the gateway.

    Attributes:
        counts: how many requests were `answered`, how many `cut` (sent on an open connection and
            not answered completely with 200), and how many connections were `refused`.
        cuts: what each cut one was.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._over = Event()
        self._warm = Event()
        self.counts: Counter[str] = Counter()
        self.cuts: list[str] = []
        self._thread = Thread(target=lambda: asyncio.run(self._main()), name="crowd")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._warm.wait(PATIENCE), "nobody is answered"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(2 * PATIENCE)
        assert not self._thread.is_alive()

    def more(self, count: int) -> None:
        """Wait until so many further requests have been answered."""
        goal, pause = self.counts["answered"] + count, Event()
        for _ in range(int(PATIENCE * 100)):
            if self.counts["answered"] >= goal:
                return
            pause.wait(0.01)
        raise AssertionError(f"it came to a halt: {self.counts}, {self.cuts[:3]}")

    async def _main(self) -> None:
        uses = (get, get, upload, pipeline, download, once)
        clients = (self._client(uses[number % len(uses)]) for number in range(CONNECTIONS))
        await asyncio.gather(*clients)

    async def _client(self, use: Use) -> None:
        while not self._over.is_set():
            try:
                reader, writer = await asyncio.open_connection(*self._address)
            except OSError:
                self.counts["refused"] += 1
                await asyncio.sleep(0.01)
                continue
            try:
                await self._visit(use, reader, writer)
            finally:
                await closed(writer)

    async def _visit(self, use: Use, reader: Reader, writer: Writer) -> None:
        keep_alive = True
        while keep_alive and not self._over.is_set():
            try:
                answered, keep_alive = await asyncio.wait_for(use(reader, writer), PATIENCE)
            except (OSError, EOFError, Closed, TimeoutError) as error:
                self.counts["cut"] += 1
                self.cuts.append(f"{use.__name__}: {error!r}")  # type: ignore[attr-defined]
                return
            self.counts["answered"] += answered
            if self.counts["answered"] > 2 * CONNECTIONS:
                self._warm.set()


async def get(reader: Reader, writer: Writer) -> tuple[int, bool]:
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    return 1, await answer(reader)


async def upload(reader: Reader, writer: Writer) -> tuple[int, bool]:
    """A body that comes in pieces."""
    writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\n")
    for _ in range(3):
        writer.write(b"body")
        await writer.drain()
        await asyncio.sleep(0.01)
    return 1, await answer(reader)


async def pipeline(reader: Reader, writer: Writer) -> tuple[int, bool]:
    """Several requests at once: all that were received are answered, the last may be told so."""
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * PIPELINED)
    keep_alive = True
    for number in range(PIPELINED):
        keep_alive = await answer(reader)
        if not keep_alive and number < PIPELINED - 1:
            raise Closed(f"{PIPELINED - 1 - number} behind it were not answered")
    return PIPELINED, keep_alive


async def download(reader: Reader, writer: Writer) -> tuple[int, bool]:
    """A large answer, read slowly."""
    writer.write(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
    return 1, await answer(reader, pause=0.002)


async def once(reader: Reader, writer: Writer) -> tuple[int, bool]:
    """A connection for a single request."""
    writer.write(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    await answer(reader)
    return 1, False


async def answer(reader: Reader, pause: float = 0.0) -> bool:
    """Read one answer to its end; whether the connection lives on."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise Closed(repr(head[:80]))
    left = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    while left:
        piece = await reader.readexactly(min(left, 32_768))
        left -= len(piece)
        if pause:
            await asyncio.sleep(pause)
    return b"connection: close" not in head


async def closed(writer: Writer) -> None:
    """Close a connection, whatever the other end makes of it."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def upstream(reader: Reader, writer: Writer) -> None:
    """Answers what the crowd asks."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if b"content-length: " in head:
                size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(size)
            body = b"x" * (LARGE if b"/large" in head else 5)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
    except (OSError, EOFError):
        pass  # it left
    finally:
        await closed(writer)


class Upstream:
    """A server for the crowd's requests, in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="upstream")
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        made = asyncio.start_server(upstream, "127.0.0.1", 0, backlog=512)
        self._server = asyncio.run_coroutine_threadsafe(made, self._loop).result(10)
        self.url = "http://{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        async def end() -> None:
            self._server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
