"""The load generator, against servers on real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import pytest
import uvloop

from abi_engine import ManualClock
from abi_tui.demo.http_client import ClientConnection, Unanswered
from abi_tui.demo.http_server import Handler, Reply, Request, Server
from abi_tui.demo.shots import Shot
from abi_tui.demo.timeline import Timeline
from abi_tui.demo.traffic import IDLE_TIMEOUT, LATE, Traffic

WITHIN = 10.0
CLIENT = "127.0.0.1"


class World:
    """A server, traffic to it, and the time of both."""

    def __init__(self, server: Server, shots: list[Shot], max_in_flight: int) -> None:
        self.server = server
        self.clock = ManualClock()
        self.timeline = Timeline(self.clock)
        address = ("127.0.0.1", server.port)
        self.traffic = Traffic(
            address, shots, self.timeline, self.clock, max_in_flight=max_in_flight
        )

    async def send(self, seconds: float = 0.0) -> None:
        """Let some seconds pass, send what is due, and wait for the answers."""
        self.clock.advance(seconds)
        self.traffic.send_due()
        assert await self.traffic.settle(WITHIN)


def play(
    handler: Handler,
    shots: list[Shot],
    use: Callable[[World], Awaitable[None]],
    max_in_flight: int = 100,
) -> None:
    """Run `use` in a world."""

    async def main() -> None:
        server = Server(handler)
        await server.listen()
        world = World(server, shots, max_in_flight)
        try:
            await asyncio.wait_for(use(world), WITHIN)
        finally:
            await world.traffic.close()
            server.close()

    uvloop.run(main())


def gets(*moments: float) -> list[Shot]:
    return [Shot(at, CLIENT, "GET", f"/{number}") for number, at in enumerate(moments)]


def ok(_: Request) -> Reply:
    return Reply(body=b"{}")


def test_requests_are_sent_when_their_time_has_come() -> None:
    async def use(world: World) -> None:
        await world.send(0.5)
        assert world.server.tally.received == 1
        await world.send(0.5)
        assert world.server.tally.received == 3
        assert world.traffic.answered == {200: 3}

    play(ok, gets(0.2, 0.7, 0.8, 1.2), use)


def test_nothing_is_sent_in_a_pause() -> None:
    async def use(world: World) -> None:
        world.timeline.pause()
        await world.send(5)
        assert world.server.tally.received == 0

    play(ok, gets(0.2), use)


def test_what_is_far_too_late_is_skipped_and_counted() -> None:
    async def use(world: World) -> None:
        await world.send(LATE + 0.5)
        assert world.traffic.skipped == 1
        assert world.traffic.answered == {200: 1}

    play(ok, gets(0.2, 0.8), use)


def test_never_more_are_in_flight_than_may_be() -> None:
    async def use(world: World) -> None:
        world.clock.advance(0.5)
        world.traffic.send_due()
        assert world.traffic.in_flight == 7
        while world.server.tally.received < 7:
            await asyncio.sleep(0)
        assert world.traffic.skipped == 13
        assert len(world.server.connections) == 7

    play(lambda _: None, gets(*[0.1] * 20), use, max_in_flight=7)


def test_closing_ends_what_is_in_flight_and_every_connection() -> None:
    async def use(world: World) -> None:
        world.clock.advance(0.5)
        world.traffic.send_due()
        while world.server.tally.received < 2:
            await asyncio.sleep(0)
        await world.traffic.close()
        assert world.traffic.in_flight == 0
        while world.server.connections:
            await asyncio.sleep(0)

    play(lambda _: None, gets(0.1, 0.1), use)


def test_it_settles_in_time_or_says_that_it_did_not() -> None:
    async def use(world: World) -> None:
        world.clock.advance(0.5)
        world.traffic.send_due()
        assert not await world.traffic.settle(0.01)

    play(lambda _: None, gets(0.1), use)


def test_it_runs_until_it_is_cancelled() -> None:
    async def use(world: World) -> None:
        running = asyncio.create_task(world.traffic.run())
        world.clock.advance(0.5)
        while not world.traffic.answered:
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    play(ok, gets(0.1), use)


def test_answers_are_counted_by_status() -> None:
    def half(request: Request) -> Reply:
        good = request.path in ("/0", "/2")
        return Reply(HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE)

    async def use(world: World) -> None:
        await world.send(0.5)
        assert world.traffic.answered == {200: 2, 503: 1}

    play(half, gets(0.1, 0.1, 0.1), use)


def test_a_connection_is_used_again_until_it_has_idled_for_long() -> None:
    async def use(world: World) -> None:
        await world.send(0.5)
        (first,) = world.server.connections
        await world.send(0.5)
        assert world.server.connections == {first}
        world.timeline.pause()
        world.clock.advance(IDLE_TIMEOUT + 1)
        world.timeline.resume()
        await world.send(0.5)
        while first in world.server.connections:
            await asyncio.sleep(0)
        assert world.traffic.answered == {200: 3}

    play(ok, gets(0.2, 0.7, 1.2), use)


def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    async def use(world: World) -> None:
        await world.send(0.5)
        (connection,) = world.server.connections
        connection.end()
        while world.server.connections:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        await world.send(0.5)
        assert world.traffic.answered == {200: 2}

    play(ok, gets(0.2, 0.7), use)


def test_refused_connections_and_broken_answers_are_counted_with_their_reasons() -> None:
    async def use(world: World) -> None:
        world.server.refuse()
        await world.send(0.5)
        (reason,) = world.traffic.unanswered
        assert "connect" in reason
        assert not world.traffic.answered

    play(ok, gets(0.1, 0.2), use)


def test_a_body_is_sent_whole() -> None:
    sizes = []

    def measure(request: Request) -> Reply:
        sizes.append((request.method, request.body_size))
        return Reply()

    async def use(world: World) -> None:
        await world.send(0.5)
        assert sizes == [("POST", 5000)]

    play(measure, [Shot(0.1, CLIENT, "POST", "/x", 5000)], use)


def test_each_client_has_an_address_of_its_own_where_the_machine_lets_it() -> None:
    async def use(world: World) -> None:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.12", 0))
            except OSError:
                pytest.skip("this machine has one loopback address")
        await world.send(0.5)
        assert world.traffic.answered == {200: 2}
        assert len(world.server.connections) == 2

    play(ok, [Shot(0.1, f"127.0.0.{last}", "GET", "/") for last in (12, 13)], use)


class TestClientConnection:
    """One connection, against a server that says what the test wants."""

    def exchange(self, answer: bytes, requests: int = 1) -> list[int]:
        """The statuses, each request answered so; the server closes after the last."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(requests):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
            writer.close()

        async def main() -> list[int]:
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            host, port = server.sockets[0].getsockname()
            connection = await ClientConnection.open(host, port, None)
            try:
                return [
                    await asyncio.wait_for(connection.exchange(b"GET / HTTP/1.1\r\n\r\n"), WITHIN)
                    for _ in range(requests)
                ]
            finally:
                connection.close()
                server.close()

        return uvloop.run(main())

    def test_several_answers_on_one_connection(self) -> None:
        assert self.exchange(b"HTTP/1.1 204 No Content\r\n\r\n", 3) == [204] * 3

    def test_a_chunked_answer_is_read_to_its_end(self) -> None:
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        assert self.exchange(chunked, 2) == [200, 200]

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "complete"),
            (b"", "complete"),
            (b"garbage\r\n\r\n", "not HTTP"),
        ],
    )
    def test_an_answer_that_is_not_whole_is_none(self, answer: bytes, reason: str) -> None:
        with pytest.raises(Unanswered, match=reason):
            self.exchange(answer)
