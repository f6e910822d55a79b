"""Tunnels where one side or both speak TLS, which knows no half of a connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from abi_engine.features.gateway.api import UpstreamTls
from tests.engine.features.gateway.proxy.secure import Authority, tls
from tests.engine.features.gateway.proxy.served import Served
from tests.engine.features.gateway.proxy.stage import until
from tests.scale import scaled

MESSAGE = bytes(range(256)) * 1024
COUNT = scaled(64, 1024)

pytestmark = pytest.mark.parametrize("sides", ["client", "upstream", "both"])


async def echo(connection: ServerConnection) -> None:
    """Send everything back; `close` closes."""
    with suppress(ConnectionClosed):
        async for message in connection:
            if message == "close":
                await connection.close(4321, "as you wish")
            else:
                await connection.send(message)


@asynccontextmanager
async def meeting(folder: Path, sides: str) -> AsyncIterator[tuple[Served, ClientConnection]]:
    """A gateway, and a client's connection through it; `sides` speak TLS."""
    authority = Authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    one = authority.issue("127.0.0.1")
    context.load_cert_chain(one.certificate, one.key)
    secure_upstream, secure_client = sides != "client", sides != "upstream"
    options: dict[str, Any] = {"tls": tls(one)} if secure_client else {}
    secured = context if secure_upstream else None
    server = await serve(echo, "127.0.0.1", 0, ssl=secured, compression=None)
    served = await asyncio.to_thread(Served, folder / "data", **options)
    try:
        port = next(iter(server.sockets)).getsockname()[1]
        url = f"{'https' if secure_upstream else 'http'}://127.0.0.1:{port}"
        trust = UpstreamTls(ca=str(authority.file)) if secure_upstream else UpstreamTls()
        await asyncio.to_thread(served.route, "/*", url, upstream_tls=trust)
        place = served.gateway.report().listening.rpartition(":")[2]
        scheme = "wss" if secure_client else "ws"
        trusted = authority.trusted() if secure_client else None
        url = f"{scheme}://127.0.0.1:{place}/"
        async with connect(url, proxy=None, ssl=trusted, compression=None) as connection:
            yield served, connection
    finally:
        await asyncio.to_thread(served.close)
        server.close()
        await server.wait_closed()


def in_flight(served: Served) -> int:
    return served.gateway.stats().traffic.in_flight


def test_a_volume_passes_both_ways_and_a_client_s_close_is_orderly(
    tmp_path: Path, sides: str
) -> None:
    async def main() -> None:
        async with meeting(tmp_path, sides) as (served, connection):

            async def receive() -> None:
                for _ in range(COUNT):
                    assert await connection.recv() == MESSAGE

            receiving = asyncio.create_task(receive())
            for _ in range(COUNT):
                await connection.send(MESSAGE)
            await receiving
            assert in_flight(served) == 1
            await connection.close(4000, "enough")
            assert connection.close_code == 4000
            await asyncio.to_thread(until, lambda: in_flight(served) == 0)
            traffic = served.gateway.stats().traffic
            assert min(traffic.bytes_in_total, traffic.bytes_out_total) > COUNT * len(MESSAGE)
            assert (traffic.errors_total, traffic.cancelled_total) == (0, 0)

    asyncio.run(main())


def test_a_server_s_close_reaches_the_client(tmp_path: Path, sides: str) -> None:
    async def main() -> None:
        async with meeting(tmp_path, sides) as (served, connection):
            await connection.send("close")
            with pytest.raises(ConnectionClosed) as closed:
                await connection.recv()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "as you wish")
            await asyncio.to_thread(until, lambda: in_flight(served) == 0)

    asyncio.run(main())


def test_a_client_that_vanishes_leaves_nothing_behind(tmp_path: Path, sides: str) -> None:
    async def main() -> None:
        async with meeting(tmp_path, sides) as (served, connection):
            await connection.send("x")
            assert await connection.recv() == "x"
            connection.transport.abort()
            await asyncio.to_thread(until, lambda: in_flight(served) == 0)
            (upstream,) = served.gateway.breakers()
            known = served.known(upstream.upstream)
            assert (known.connections_idle, known.connections_busy) == (0, 0)

    asyncio.run(main())
