"""The small HTTP/1.1 server of the demo's upstreams, by clients that are not ours."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import aiohttp
import pytest
import uvloop

from abi_tui.demo.http_server import HEAD_SIZE, Handler, Reply, Request, Server

WITHIN = 10.0


def serve(handler: Handler, use: Callable[[Server], Awaitable[None]]) -> None:
    """Run `use` beside a server."""

    async def main() -> None:
        server = Server(handler)
        await server.listen()
        try:
            await asyncio.wait_for(use(server), WITHIN)
        finally:
            server.close()

    uvloop.run(main())


def echo(request: Request) -> Reply:
    return Reply(body=f"{request.method} {request.path} {request.body_size}".encode())


async def ask(port: int, sent: bytes) -> bytes:
    """What comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_a_body_arrives_whole(chunked: bool, size: int) -> None:
    body = bytes(number % 251 for number in range(size))

    async def use(server: Server) -> None:
        async with aiohttp.ClientSession() as session, session.get(server.url) as answer:
            assert await answer.read() == body
            assert (answer.headers.get("Transfer-Encoding") == "chunked") is chunked

    serve(lambda _: Reply(body=body, chunked=chunked), use)


def test_a_connection_carries_many_requests_and_bodies_are_counted() -> None:
    async def use(server: Server) -> None:
        async with aiohttp.ClientSession() as session:
            for size in (0, 10, 70_000):
                async with session.post(f"{server.url}/a?b=c", data=b"x" * size) as answer:
                    assert await answer.text() == f"POST /a?b=c {size}"
        assert server.tally.received == 3
        assert server.tally.replied == {200: 3}

    serve(echo, use)


def test_pipelined_requests_are_answered_in_their_order() -> None:
    def slow_first(request: Request) -> Reply:
        return Reply(body=request.path.encode(), delay=0.05 if request.path == "/1" else 0.0)

    async def use(server: Server) -> None:
        get = "GET /{} HTTP/1.1\r\nHost: x\r\n{}\r\n"
        sent = get.format(1, "") + get.format(2, "") + get.format(3, "Connection: close\r\n")
        found = await ask(server.port, sent.encode())
        assert [part[:2] for part in found.split(b"\r\n\r\n")[1:]] == [b"/1", b"/2", b"/3"]

    serve(slow_first, use)


def test_the_answer_to_a_head_has_no_body() -> None:
    async def use(server: Server) -> None:
        sent = b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        found = await ask(server.port, sent)
        assert found.endswith(b"\r\n\r\n")
        assert b"Content-Length: 8\r\n" in found

    serve(echo, use)


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"a" * (HEAD_SIZE + 1) + b"\r\n\r\n"],
    ids=["nonsense", "oversize"],
)
def test_what_is_no_request_ends_the_connection(sent: bytes) -> None:
    async def use(server: Server) -> None:
        assert await ask(server.port, sent) == b""
        assert server.tally.received == 0

    serve(echo, use)


def test_an_answer_to_a_client_that_left_is_not_counted() -> None:
    async def use(server: Server) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not server.tally.received:
            await asyncio.sleep(0)
        writer.close()
        while server.connections:
            await asyncio.sleep(0)
        assert not server.tally.replied

    serve(lambda _: Reply(delay=30), use)


def test_a_request_may_go_unanswered() -> None:
    async def use(server: Server) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while not server.tally.received:
            await asyncio.sleep(0)
        assert not server.tally.replied
        writer.close()

    serve(lambda _: None, use)


def test_connections_are_refused_while_the_port_is_held_and_accepted_afterwards() -> None:
    async def use(server: Server) -> None:
        port = server.port
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        server.refuse()
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
        await server.listen()
        sent = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert (await ask(port, sent)).startswith(b"HTTP/1.1 200")

    serve(echo, use)


def test_a_status_is_sent_as_such() -> None:
    async def use(server: Server) -> None:
        async with aiohttp.ClientSession() as session, session.get(server.url) as answer:
            assert answer.status == 500
        assert server.tally.replied == {500: 1}

    serve(lambda _: Reply(HTTPStatus.INTERNAL_SERVER_ERROR), use)
