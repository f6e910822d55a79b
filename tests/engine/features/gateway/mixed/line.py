"""A client's connection to the gateway that reads answers strictly, on asyncio."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

NAME = "gateway.test"


class Answer(NamedTuple):
    """An answer as it came; names of fields are lower case, `body` is without its framing."""

    status: int
    fields: dict[str, str]
    body: bytes


class Place(NamedTuple):
    """Where the gateway is, and how to believe it; None where it speaks plainly."""

    host: str
    port: int
    trust: ssl.SSLContext | None

    @asynccontextmanager
    async def connect(self, *, source: str = "", buffer: int = 1 << 16) -> AsyncIterator[Line]:
        """A connection; `source` is an address of its own, `buffer` how much is read ahead."""
        reader, writer = await asyncio.open_connection(
            self.host,
            self.port,
            ssl=self.trust,
            server_hostname=NAME if self.trust else None,
            local_addr=(source, 0) if source else None,
            limit=buffer,
        )
        try:
            yield Line(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class Line:
    """A connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.interim: list[int] = []

    def send(self, method: str, target: str, *fields: str, body: bytes = b"") -> None:
        """Send a request; its length is in `fields` or there is no body."""
        head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: h", *fields, "", ""])
        self.writer.write(head.encode() + body)

    async def ask(self, method: str, target: str, *fields: str, body: bytes = b"") -> Answer:
        length = (f"Content-Length: {len(body)}",) if body else ()
        self.send(method, target, *fields, *length, body=body)
        return await self.answer(to_head=method == "HEAD")

    async def answer(self, *, to_head: bool = False, pause: float = 0.0) -> Answer:
        """The next answer that is not interim."""
        while True:
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            version, code = line.split(" ", 2)[:2]
            assert version == "HTTP/1.1", head
            if int(code) >= 200:
                break
            self.interim.append(int(code))
        fields: dict[str, str] = {}
        for name, _, value in (one.partition(":") for one in lines):
            assert name.lower() not in fields, head
            fields[name.lower()] = value.strip()
        empty = to_head or int(code) in (204, 304)
        return Answer(int(code), fields, b"" if empty else await self._body(fields, pause))

    async def _body(self, fields: dict[str, str], pause: float) -> bytes:
        if "content-length" in fields:
            assert "transfer-encoding" not in fields
            return await self._exactly(int(fields["content-length"]), pause)
        assert fields["transfer-encoding"] == "chunked"
        pieces = []
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            pieces.append(await self._exactly(size, pause))
            assert await self.reader.readexactly(2) == b"\r\n"
        assert await self.reader.readexactly(2) == b"\r\n"
        return b"".join(pieces)

    async def _exactly(self, size: int, pause: float) -> bytes:
        pieces = []
        while size:
            pieces.append(await self.reader.readexactly(min(size, 1 << 16)))
            size -= len(pieces[-1])
            if pause:
                await asyncio.sleep(pause)
        return b"".join(pieces)

    async def until_closed(self) -> bytes:
        """What still comes."""
        return await self.reader.read()

    def reset(self) -> None:
        """Vanish, unless the other end was quicker."""
        if (sock := self.writer.get_extra_info("socket")) is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()
