"""Servers behind the gateway in a process of their own: `python upstreams.py PORT…`.

Each port answers everything, 0 takes a free one; one more that speaks WebSocket is opened behind
them. Says all ports as JSON. What is done with a request is told by the first word of its path,
the second is a nonce that the answer carries and is made of.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed

PAUSE = 0.02
EVENTS = 20
GOOD, BAD = 40, 20

_turns = count()


class Asked(NamedTuple):
    """A request."""

    method: str
    kind: str
    nonce: str
    size: int
    fields: dict[str, str]
    body: bytes


class Stream(NamedTuple):
    """A connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def reset(self) -> None:
        """Vanish."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def filling(nonce: str, size: int) -> bytes:
    """The body that belongs to a nonce."""
    word = nonce.encode() + b" "
    return (word * (size // len(word) + 1))[:size]


def events(nonce: str) -> list[bytes]:
    """The events that belong to a nonce."""
    return [f"data: {nonce} {number}\n\n".encode() for number in range(EVENTS)]


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


async def read_request(reader: asyncio.StreamReader) -> Asked:
    """The next request with its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    fields = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    parts = urlsplit(target)
    kind, _, nonce = parts.path[1:].partition("/")
    size = int(parse_qs(parts.query).get("size", ["0"])[0])
    return Asked(method, kind, nonce, size, fields, await _body(reader, fields))


async def _body(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    if fields.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(fields.get("content-length", "0")))
    chunks = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(chunks)


def head_of(asked: Asked, status: str, *more: str) -> bytes:
    """The head of an answer, which tells what was seen of the request."""
    lines = [
        f"HTTP/1.1 {status}",
        f"X-Nonce: {asked.nonce}",
        f"X-Digest: {digest(asked.body)}",
        f"X-Trace: {asked.fields.get('traceparent', '')}",
        f"X-Saw-Key: {'x-api-key' in asked.fields or 'authorization' in asked.fields}",
    ]
    return "\r\n".join([*lines, *more, "", ""]).encode()


async def plain(asked: Asked, stream: Stream, status: str = "200 OK") -> None:
    body = filling(asked.nonce, asked.size)
    stream.writer.write(head_of(asked, status, f"Content-Length: {len(body)}"))
    if asked.method != "HEAD":
        stream.writer.write(body)


async def slow(asked: Asked, stream: Stream) -> None:
    await asyncio.sleep(PAUSE)
    await plain(asked, stream)


async def chunked(asked: Asked, stream: Stream) -> None:
    body = filling(asked.nonce, asked.size)
    stream.writer.write(head_of(asked, "200 OK", "Transfer-Encoding: chunked"))
    for start in range(0, len(body), 5000):
        piece = body[start : start + 5000]
        stream.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        await stream.writer.drain()
    stream.writer.write(b"0\r\n\r\n")


async def event_stream(asked: Asked, stream: Stream) -> None:
    kind = "Content-Type: text/event-stream"
    stream.writer.write(head_of(asked, "200 OK", kind, "Transfer-Encoding: chunked"))
    for event in events(asked.nonce):
        stream.writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await asyncio.sleep(PAUSE / 2)
    stream.writer.write(b"0\r\n\r\n")


async def failing(asked: Asked, stream: Stream) -> None:
    """Well for a while, then ill for a while."""
    turn = next(_turns) % (GOOD + BAD)
    await plain(asked, stream, "200 OK" if turn < GOOD else f"50{turn % 2 * 3} No")


async def resetting(asked: Asked, stream: Stream) -> None:
    """Every second time it is gone before the answer, in its head, or in its body."""
    turn = next(_turns) % 6
    if turn % 2 == 0:
        await plain(asked, stream)
        return
    body = filling(asked.nonce, asked.size)
    whole = head_of(asked, "200 OK", f"Content-Length: {len(body)}") + body
    stream.writer.write(whole[: (0, 40, len(whole) - 1)[turn // 2]])
    with suppress(ConnectionError):
        await stream.writer.drain()
    stream.reset()


Act = Callable[[Asked, Stream], Awaitable[None]]
ACTS: dict[str, Act] = {
    "slow": slow,
    "queued": slow,
    "chunked": chunked,
    "events": event_stream,
    "failing": failing,
    "resetting": resetting,
}


async def visit(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    stream = Stream(reader, writer)
    try:
        while not writer.is_closing():
            asked = await read_request(reader)
            await ACTS.get(asked.kind, plain)(asked, stream)
            await writer.drain()
    except (OSError, EOFError):
        pass  # the gateway left
    finally:
        writer.close()


async def echo(connection: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        async for message in connection:
            await connection.send(message)


async def main(ports: list[int]) -> None:
    servers = [
        await asyncio.start_server(visit, "127.0.0.1", port, backlog=512, limit=1 << 20)
        for port in ports
    ]
    async with serve_websocket(echo, "127.0.0.1", 0) as websocket:
        listening = [server.sockets[0] for server in servers] + list(websocket.sockets)
        print(json.dumps([one.getsockname()[1] for one in listening]), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main([int(port) for port in sys.argv[1:]]))
