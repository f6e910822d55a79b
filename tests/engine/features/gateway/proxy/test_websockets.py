"""WebSockets through the gateway, between a client and a server that know nothing of it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.engine.features.gateway.proxy.stage import Stage, route
from tests.engine.features.gateway.proxy.test_bodies import memory
from tests.engine.features.gateway.proxy.test_upstream_trouble import unused_port
from tests.scale import scaled

VOLUME = scaled(16 << 20, 1 << 30)
MESSAGE = 256 << 10
GROWTH = 48 << 20
CODES = (1000, 1001, 1003, 1008, 1011, 3000, 4999)

Handler = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def meeting(
    stage: Stage, handler: Handler, *, server: dict[str, Any] | None = None, **client: Any
) -> AsyncIterator[ClientConnection]:
    """A client's connection through the gateway to a server that has this handler."""
    async with serve(handler, "127.0.0.1", 0, **(server or {})) as listening:
        (listener,) = listening.sockets
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        await asyncio.to_thread(stage.start, route("/", url))
        assert stage.proxy.address is not None
        place = f"ws://127.0.0.1:{stage.proxy.address[1]}/chat?room=1"
        async with connect(place, proxy=None, **client) as connection:
            yield connection


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


def test_messages_of_every_kind_come_back(stage: Stage) -> None:
    messages = ["", "text", "ü" * 1000, b"", b"\0" * 70_000, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"]

    async def main() -> None:
        async with meeting(stage, echo) as connection:
            for message in messages:
                await connection.send(message)
                assert await connection.recv() == message
            await connection.send(iter(("in ", "many ", "frames")))
            assert await connection.recv() == "in many frames"
            await asyncio.wait_for(await connection.ping(b"there?"), 10)

    asyncio.run(main())
    assert stage.admitter.last().attempts == ["succeeded 101"]


def test_what_both_sides_agree_on_is_theirs_alone(stage: Stage) -> None:
    seen: list[str] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.path)
        seen.append(str(connection.subprotocol))
        await connection.send(connection.request.headers["X-Forwarded-For"])

    async def main() -> None:
        subprotocols: Any = ["chat.v2", "chat.v1"]
        server = {"subprotocols": ["chat.v1"], "compression": "deflate"}
        async with meeting(stage, handler, server=server, subprotocols=subprotocols) as connection:
            assert connection.subprotocol == "chat.v1"
            assert connection.response is not None
            assert "permessage-deflate" in connection.response.headers["Sec-WebSocket-Extensions"]
            assert await connection.recv() == "127.0.0.1"

    asyncio.run(main())
    assert seen == ["/chat?room=1", "chat.v1"]


@pytest.mark.timeout(scaled(60, 900))
def test_a_large_volume_is_the_same_at_the_other_end_and_nothing_grows(stage: Stage) -> None:
    block = hashlib.shake_128(b"block").digest(MESSAGE)
    count = VOLUME // MESSAGE
    peak = [0]

    def message(number: int) -> bytes:
        return number.to_bytes(8, "big") + block[8:]

    async def hash_all(connection: ClientConnection | ServerConnection) -> str:
        digest = hashlib.blake2b()
        for _ in range(count):
            digest.update(await connection.recv(decode=False))
            peak[0] = max(peak[0], memory())
        return digest.hexdigest()

    async def send_all(connection: ClientConnection | ServerConnection) -> None:
        for number in range(count):
            await connection.send(message(number))

    async def both(connection: ClientConnection | ServerConnection) -> str:
        async with asyncio.TaskGroup() as group:
            received = group.create_task(hash_all(connection))
            group.create_task(send_all(connection))
        return received.result()

    async def main() -> list[str]:
        theirs: list[str] = []

        async def handler(connection: ServerConnection) -> None:
            theirs.append(await both(connection))

        server = {"compression": None}
        async with meeting(stage, handler, server=server, compression=None) as connection:
            before = memory()
            mine = await both(connection)
            assert peak[0] - before < GROWTH
            await connection.wait_closed()
        return [mine, *theirs]

    expected = hashlib.blake2b()
    for number in range(count):
        expected.update(message(number))
    assert asyncio.run(main()) == [expected.hexdigest()] * 2
    finish = stage.admitter.last()
    assert min(finish.bytes_in, finish.bytes_out) > VOLUME


@pytest.mark.parametrize("code", CODES)
def test_the_code_with_which_a_server_closes_reaches_the_client(stage: Stage, code: int) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.send("last")
        await connection.close(code, f"because {code}")

    async def main() -> None:
        async with meeting(stage, handler) as connection:
            assert await connection.recv() == "last"
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (code, f"because {code}")

    asyncio.run(main())
    finish = stage.admitter.last()
    assert (finish.status, finish.attempts) == (101, ["succeeded 101"])


@pytest.mark.parametrize("code", CODES)
def test_the_code_with_which_a_client_closes_reaches_the_server(stage: Stage, code: int) -> None:
    async def main() -> None:
        seen: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

        async def handler(connection: ServerConnection) -> None:
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            seen.set_result((closed.value.rcvd.code, closed.value.rcvd.reason))

        async with meeting(stage, handler) as connection:
            await connection.close(code, "enough")
            assert await asyncio.wait_for(seen, 10) == (code, "enough")

    asyncio.run(main())
    assert stage.admitter.last().status == 101


def test_a_server_that_vanishes_is_no_orderly_close(stage: Stage) -> None:
    async def handler(connection: ServerConnection) -> None:
        await connection.recv()
        connection.transport.abort()

    async def main() -> None:
        async with meeting(stage, handler) as connection:
            await connection.send("go")
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is None

    asyncio.run(main())
    assert stage.admitter.last().status == 101


def test_a_handshake_that_the_server_refuses_is_refused(stage: Stage) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(HTTPStatus.FORBIDDEN, "not you\n")

    async def main() -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with meeting(stage, echo, server={"process_request": refuse}):
                pass
        assert refused.value.response.status_code == 403
        assert refused.value.response.body == b"not you\n"

    asyncio.run(main())
    assert stage.admitter.last().attempts == ["succeeded 403"]


def test_a_server_that_is_not_there_is_a_502(stage: Stage) -> None:
    stage.start(route("/", f"http://127.0.0.1:{unused_port()}"))
    assert stage.proxy.address is not None
    place = f"ws://127.0.0.1:{stage.proxy.address[1]}/"

    async def main() -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(place, proxy=None):
                pass
        assert refused.value.response.status_code == 502

    asyncio.run(main())


def test_many_connections_get_each_its_own_messages(stage: Stage) -> None:
    async def main() -> None:
        async with meeting(stage, echo) as first:
            assert stage.proxy.address is not None
            place = f"ws://127.0.0.1:{stage.proxy.address[1]}/"

            async def talk(number: int) -> None:
                async with connect(place, proxy=None) as connection:
                    for turn in range(5):
                        await connection.send(f"{number} {turn}")
                        assert await connection.recv() == f"{number} {turn}"

            await asyncio.gather(*(talk(number) for number in range(scaled(50, 500))))
            await first.send("still here")
            assert await first.recv() == "still here"

    asyncio.run(main())
