"""Whatever a client sends, an upstream sees at most the requests that were meant, each well formed.

Each client has a loopback address of its own, by which the upstream tells whose requests it sees.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from abi_engine.core.clock import SystemClock
from abi_engine.core.events import EventLog
from abi_engine.core.feature import Context
from abi_engine.features.gateway.api import Route
from abi_engine.features.gateway.config import GatewayConfig, Limits
from abi_engine.features.gateway.gateway import Gateway
from abi_engine.features.gateway.paths import BadTarget, normalise, split_target
from tests.engine.features.gateway.proxy.mutations import mutation, pieces
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.strict_reader import Asked, read_head, read_requests
from tests.scale import scaled

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs all of 127.0.0.0/8")

SEED = 7_230
TOGETHER = 64
PATIENCE = 30.0
QUICK = Limits(header_timeout=0.3, keepalive_timeout=0.3, body_grace=0.3, body_rate=1 << 20)
WRITTEN_ONCE = (b"host", b"via", b"x-forwarded-for", b"x-forwarded-proto", b"forwarded")
UPGRADING = (b"connection", b"upgrade")
HOP_BY_HOP = (b"connection", b"keep-alive", b"te", b"trailer", b"upgrade", b"http2-settings")


class Recorder:
    """An upstream that reads strictly, and remembers what each client's address asked."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Asked]] = {}
        self.faults: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await self._head(reader):
                await self._answer(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the gateway gave up: what had come is remembered
        finally:
            writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> bytes:
        try:
            return await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                self.faults.append(f"half a head: {error.partial!r}")
            return b""

    async def _answer(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        found = read_head(head[:-4])
        fault = "no request" if found is None else _fault(found[0])
        if fault or found is None:
            self.faults.append(f"{fault}: {head!r}")
            raise ConnectionResetError
        asked = found[0]
        client = asked.values(b"x-forwarded-for")[0]
        seen = self.seen.setdefault(client.decode(), [])
        seen.append(asked)
        async for piece in self._body(asked, reader):
            asked = seen[-1] = asked._replace(body=asked.body + piece)
        seen[-1] = asked._replace(whole=True)
        writer.write(b"HTTP/1.1 200 OK\r\nX-For: %b\r\nContent-Length: 4\r\n\r\n" % client)
        if asked.method != b"HEAD":
            writer.write(b"done")
        await writer.drain()

    async def _body(self, asked: Asked, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        if not asked.values(b"transfer-encoding"):
            left = int((asked.values(b"content-length") or [b"0"])[0])
            while left:
                piece = await reader.read(left)
                if not piece:
                    raise asyncio.IncompleteReadError(b"", left)
                left -= len(piece)
                yield piece
            return
        while size := await self._size(reader):
            yield await reader.readexactly(size)
            await self._expect(reader, b"\r\n")
        await self._expect(reader, b"\r\n")

    async def _size(self, reader: asyncio.StreamReader) -> int:
        line = await reader.readuntil(b"\r\n")
        if line.strip(b"0123456789abcdef") != b"\r\n" or len(line) < 3:
            self.faults.append(f"a chunk line: {line!r}")
            raise ConnectionResetError
        return int(line, 16)

    async def _expect(self, reader: asyncio.StreamReader, mark: bytes) -> None:
        if (found := await reader.readexactly(len(mark))) != mark:
            self.faults.append(f"{found!r} where {mark!r} belongs")
            raise ConnectionResetError


def _fault(asked: Asked) -> str:
    """What a request has that no gateway may send."""
    for name in WRITTEN_ONCE:
        if len(asked.values(name)) != 1:
            return f"{name.decode()} is not there once"
    for name in HOP_BY_HOP:
        if asked.values(name) and not (name in UPGRADING and _is_upgrade(asked)):
            return f"{name.decode()} went through"
    named = [name for name, _ in asked.fields if b"_" in name]
    if any(name.replace(b"_", b"-") in (*WRITTEN_ONCE, b"content-length") for name in named):
        return "a name that passes for another"
    return ""


def _is_upgrade(asked: Asked) -> bool:
    """Whether it is the one kind of upgrade that may pass, and a whole request by its head."""
    names = (*UPGRADING, b"content-length", b"transfer-encoding")
    values = [asked.values(name) for name in names]
    return asked.method == b"GET" and values == [[b"Upgrade"], [b"websocket"], [], []]


def _meant(data: bytes) -> list[Asked]:
    """What a client that sends `data` has asked, with targets as the gateway sends them on."""
    meant = []
    for asked in read_requests(data):
        path, query = split_target(asked.target.decode())
        with suppress(BadTarget):  # which the gateway refuses itself
            meant.append(asked._replace(target=(normalise(path) + query).encode()))
    return meant


def _is_part(seen: list[Asked], meant: list[Asked]) -> bool:
    """Whether all that was seen was meant, in that order."""
    rest: Iterator[Asked] = iter(meant)
    return all(any(_fits(one, other) for other in rest) for one in seen)


def _fits(seen: Asked, meant: Asked) -> bool:
    same = (seen.method, seen.target) == (meant.method, meant.target)
    if seen.whole:
        return same and meant.whole and seen.body == meant.body
    return same and meant.body.startswith(seen.body)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    clock = SystemClock()
    context = Context(clock, EventLog(clock), tmp_path, listening=True)
    gateway = Gateway(GatewayConfig(port=0, linger=0.3, limits=QUICK, access_log=""), context)
    gateway.start()
    yield gateway
    gateway.stop(5.0)


async def _send(place: tuple[str, int], client: str, parts: list[bytes]) -> bytes:
    """Everything that comes back until the gateway closes."""
    reader, writer = await asyncio.open_connection(*place, local_addr=(client, 0))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def _attack(gateway: Gateway, count: int) -> tuple[Recorder, dict[str, bytes], list[bytes]]:
    recorder, sent, answers = Recorder(), {}, []
    upstream = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
    port = upstream.sockets[0].getsockname()[1]
    await asyncio.to_thread(
        gateway.add_route, Route("/*", (f"http://127.0.0.1:{port}",), limit=None)
    )
    host, _, own = gateway.report().listening.removeprefix("http://").rpartition(":")
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            random = Random(SEED + number)
            client = f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
            sent[client] = data = mutation(random)
            asking = _send((host, int(own)), client, pieces(data, random))
            answer = await asyncio.wait_for(asking, PATIENCE)
            foreign = answer.count(b"X-For: ") - answer.count(f"X-For: {client}\r\n".encode())
            assert not foreign, f"another client's answer: {answer!r} to {data!r}"
            answers.append(answer)

    try:
        await asyncio.gather(*(work() for _ in range(TOGETHER)))
        await asyncio.to_thread(until, lambda: gateway.stats().connections_open == 0)
    finally:
        upstream.close()
        await asyncio.to_thread(gateway.stop, 5.0)  # and with it the connections to the upstream
    return recorder, sent, answers


def test_an_upstream_sees_at_most_the_requests_that_were_meant(gateway: Gateway) -> None:
    count = scaled(2_000, 100_000)
    recorder, sent, answers = asyncio.run(_attack(gateway, count))
    assert recorder.faults == []
    assert recorder.seen.keys() <= sent.keys()
    for client, seen in recorder.seen.items():
        meant = _meant(sent[client])
        assert _is_part(seen, meant), f"{seen} for {sent[client]!r}, which means {meant}"
    assert gateway.stats().traffic.in_flight == 0
    # The mutations are worth something: many pass, many are refused.
    assert count / 4 < sum(len(seen) for seen in recorder.seen.values()) < 3 * count
    assert count / 4 < sum(b"HTTP/1.1 400 " in answer for answer in answers)
