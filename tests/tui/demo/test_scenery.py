"""The world around the gateway, with a plain upstream in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
import uvloop

from abi_engine import ManualClock
from abi_tui.demo.http_server import Reply, Server
from abi_tui.demo.scenery import Scenery, until_one_ends
from abi_tui.demo.schedule import Phase, next_start
from abi_tui.demo.upstreams import Role

SEED = 1
WITHIN = 10.0


def play(use: Callable[[Scenery, ManualClock, Server], Awaitable[None]]) -> None:
    """Run `use` while a scenery sends its traffic to a server that always says yes."""

    async def main() -> None:
        clock = ManualClock()
        scenery, server = Scenery(SEED, clock), Server(lambda _: Reply())
        await server.listen()
        try:
            await scenery.start()
            scenery.begin(server.url)
            playing = asyncio.create_task(scenery.play())
            await asyncio.wait_for(use(scenery, clock, server), WITHIN)
            playing.cancel()
        finally:
            await scenery.close()
            server.close()

    uvloop.run(main())


def test_what_the_clients_count_is_what_the_server_counts() -> None:
    async def use(scenery: Scenery, clock: ManualClock, server: Server) -> None:
        for _ in range(20):
            clock.advance(0.1)
            await asyncio.sleep(0.01)
        await scenery.settle()
        answered = scenery.status().answered_total["200"]
        assert 150 < answered == server.tally.received == server.tally.replied[200]

    play(use)


def test_the_failing_upstream_keeps_to_the_story() -> None:
    async def use(scenery: Scenery, clock: ManualClock, _: Server) -> None:
        url = next(row.url for row in scenery.status().upstreams if row.name == Role.FAILING)
        clock.advance(next_start(Phase.ERRORING, 0.0, SEED))
        async with aiohttp.ClientSession() as session:
            status = 200
            while status != 500:
                async with session.get(url) as answer:
                    status = answer.status
            clock.advance(next_start(Phase.REFUSING, 0.0, SEED) - 5.0)
            with pytest.raises(aiohttp.ClientError):
                while True:
                    async with session.get(url):
                        pass

    play(use)


def test_when_it_is_closed_nobody_listens_any_more() -> None:
    async def main() -> None:
        scenery = Scenery(SEED, ManualClock())
        urls = await scenery.start()
        await scenery.close()
        async with aiohttp.ClientSession() as session:
            for url in urls.values():
                with pytest.raises(aiohttp.ClientConnectorError):
                    await session.get(url)

    uvloop.run(main())


def test_work_that_fails_ends_the_work_beside_it() -> None:
    ended = []

    async def lasts() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("lasts")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError("a defect")

    with pytest.raises(LookupError, match="a defect"):
        uvloop.run(until_one_ends(lasts(), fails()))
    assert ended == ["lasts"]
