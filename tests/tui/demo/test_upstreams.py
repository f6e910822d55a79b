"""The upstreams: one steady, one slow, one that fails as its phase says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

import aiohttp
import msgspec
import pytest
import uvloop

from abi_tui.demo.http_server import Request
from abi_tui.demo.schedule import Phase
from abi_tui.demo.upstreams import COLD_ANSWERS, COLD_DELAY, Failing, Slow, Steady

GET = Request("GET", "/prices/ACME", 0)


def play(use: Callable[[Failing], Awaitable[None]]) -> None:
    """Run `use` beside a failing upstream that listens."""

    async def main() -> None:
        failing = Failing(Random(1))
        await failing.server.listen()
        try:
            await asyncio.wait_for(use(failing), 10)
        finally:
            failing.server.close()

    uvloop.run(main())


def test_the_steady_one_answers_soon_and_the_slow_one_later() -> None:
    steady, slow = Steady(Random(1)), Slow(Random(1))
    soon = sorted(steady(GET).delay for _ in range(1000))
    later = sorted(slow(GET).delay for _ in range(1000))
    assert soon[-1] < 0.05
    assert later[500] > 10 * soon[500]
    assert later[-1] <= 1.0


def test_an_answer_tells_who_gave_it_and_what_was_asked() -> None:
    said = msgspec.json.decode(Steady(Random(1))(Request("POST", '/a"b', 7)).body)
    assert said == {"upstream": "steady", "method": "POST", "path": '/a"b', "received_bytes": 7}


def test_files_and_reports_are_large() -> None:
    assert len(Steady(Random(1))(Request("GET", "/files/a/1", 0)).body) > 90_000
    assert len(Slow(Random(1))(Request("GET", "/reports/2026/1", 0)).body) > 40_000


def test_a_healthy_one_answers_200_and_an_erring_one_500() -> None:
    async def use(failing: Failing) -> None:
        async with aiohttp.ClientSession() as session:
            for phase, status in ((Phase.HEALTHY, 200), (Phase.ERRORING, 500)):
                await failing.enter(phase)
                async with session.get(failing.server.url) as answer:
                    assert answer.status == status

    play(use)


def test_one_that_hangs_takes_the_request_and_never_answers() -> None:
    async def use(failing: Failing) -> None:
        await failing.enter(Phase.HANGING)
        timeout = aiohttp.ClientTimeout(total=0.2)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            with pytest.raises(TimeoutError):
                await session.get(failing.server.url)
        assert failing.server.tally.received == 1
        assert not failing.server.tally.replied

    play(use)


def test_one_that_refuses_is_as_good_as_dead_until_it_recovers() -> None:
    async def use(failing: Failing) -> None:
        await failing.enter(Phase.REFUSING)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.get(failing.server.url)
            await failing.enter(Phase.HEALTHY)
            async with session.get(failing.server.url) as answer:
                assert answer.status == 200

    play(use)


def test_its_first_answers_after_a_failure_are_slow() -> None:
    async def use(failing: Failing) -> None:
        await failing.enter(Phase.ERRORING)
        await failing.enter(Phase.RECOVERING)
        replies = [failing(GET) for _ in range(COLD_ANSWERS + 1)]
        delays = [reply.delay for reply in replies if reply is not None]
        assert delays[:COLD_ANSWERS] == [COLD_DELAY] * COLD_ANSWERS
        assert delays[-1] < 0.1

    play(use)


def test_to_enter_the_phase_it_is_in_changes_nothing() -> None:
    async def use(failing: Failing) -> None:
        await failing.enter(Phase.RECOVERING)
        first = failing(GET)
        await failing.enter(Phase.RECOVERING)
        rest = [failing(GET) for _ in range(COLD_ANSWERS)]
        assert first is not None
        assert first.delay == COLD_DELAY
        assert rest[-1] is not None
        assert rest[-1].delay < COLD_DELAY

    play(use)
