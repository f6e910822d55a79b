"""The world around the gateway: upstreams, the story of the failing one, and the traffic.

Refuses to know the engine but by its address; `process` brings both together.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from random import Random
from typing import Any
from urllib.parse import urlsplit

from abi_engine import Clock
from abi_tui.demo.http_server import Server
from abi_tui.demo.schedule import Phase, next_start, phase_at
from abi_tui.demo.shots import shots
from abi_tui.demo.steering import ControlDesk, DemoStatus, Steering, UpstreamCounts
from abi_tui.demo.timeline import Timeline
from abi_tui.demo.traffic import Traffic
from abi_tui.demo.upstreams import Failing, Role, Slow, Steady

PHASE_TICK = 0.1
SETTLE_TIMEOUT = 6.0
SPEED_STEP = 2.0
TROUBLED = frozenset((Phase.ERRORING, Phase.REFUSING, Phase.HANGING))


class Scenery:
    """Upstreams, and traffic that meets them through a gateway. All calls in one event loop.

    Args:
        seed: of everything that varies.
        clock: time.
    """

    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock
        self._began_at = clock.monotonic()
        self._story = Timeline(clock)
        self._time = Timeline(clock)
        self._failing = Failing(_random(seed, Role.FAILING))
        self._servers = {
            Role.STEADY: Server(Steady(_random(seed, Role.STEADY))),
            Role.SLOW: Server(Slow(_random(seed, Role.SLOW))),
            Role.FAILING: self._failing.server,
            Role.CONTROL: Server(ControlDesk(self.steer, self.status)),
        }
        self._traffic: Traffic | None = None
        self._story.pause()

    async def start(self) -> Mapping[Role, str]:
        """Listen, and tell where."""
        for server in self._servers.values():
            await server.listen()
        return {role: server.url for role, server in self._servers.items()}

    def begin(self, gateway: str) -> None:
        """Let the story begin, with traffic to the gateway at `http://host:port`."""
        parts = urlsplit(gateway)
        assert parts.hostname is not None
        assert parts.port is not None
        self._time = Timeline(self._clock)
        self._story.resume()
        self._traffic = Traffic(
            (parts.hostname, parts.port), shots(self._seed), self._time, self._clock
        )

    async def play(self) -> None:
        """Send traffic and tell the story, for ever; cancel it to stop. Only after `begin`."""
        assert self._traffic is not None
        await until_one_ends(self._traffic.run(), self._tell())

    async def settle(self) -> None:
        """Send nothing more, and wait a while for what is in flight."""
        self.steer(Steering.PAUSE)
        if self._traffic is not None:
            self._traffic.send_due()  # what became due before the pause, and nothing later
            await self._traffic.settle(SETTLE_TIMEOUT)

    def steer(self, word: Steering) -> None:
        """Change the course of things."""
        if word is Steering.PAUSE:
            self._story.pause()
            self._time.pause()
        elif word is Steering.RESUME:
            self._story.resume()
            self._time.resume()
        elif word is Steering.FASTER:
            self._time.set_speed(self._time.speed * SPEED_STEP)
        elif word is Steering.SLOWER:
            self._time.set_speed(self._time.speed / SPEED_STEP)
        else:
            self._jump(word)

    def status(self) -> DemoStatus:
        """How things are."""
        traffic = self._traffic
        return DemoStatus(
            phase=self._phase(),
            paused=self._time.paused,
            speed=self._time.speed,
            in_flight=traffic.in_flight if traffic else 0,
            answered_total=_texts(traffic.answered) if traffic else {},
            unanswered_total=dict(traffic.unanswered) if traffic else {},
            skipped_total=traffic.skipped if traffic else 0,
            upstreams=tuple(self._counts(role) for role in self._servers),
            cpu_s=time.process_time(),
            uptime_s=self._clock.monotonic() - self._began_at,
        )

    async def stop_traffic(self) -> None:
        """Give up what is in flight, and leave the gateway."""
        if self._traffic is not None:
            await self._traffic.close()

    async def close(self) -> None:
        """Stop everything."""
        await self.stop_traffic()
        for server in self._servers.values():
            server.close()

    async def _tell(self) -> None:
        """Keep the failing upstream in step with the story."""
        while True:
            await self._failing.enter(self._phase())
            await asyncio.sleep(PHASE_TICK)

    def _phase(self) -> Phase:
        return phase_at(self._story.now(), self._seed)

    def _jump(self, word: Steering) -> None:
        """To the next failure, or to the end of this one; not from one into the same."""
        troubled = self._phase() in TROUBLED
        if troubled is (word is Steering.RECOVER):
            phase = Phase.RECOVERING if troubled else Phase.ERRORING
            self._story.skip_to(next_start(phase, self._story.now(), self._seed))

    def _counts(self, role: Role) -> UpstreamCounts:
        server = self._servers[role]
        tally = server.tally
        return UpstreamCounts(role.value, server.url, tally.received, _texts(tally.replied))


async def until_one_ends(*work: Coroutine[Any, Any, None]) -> None:
    """Run them together until the first has ended, and raise what it raised."""
    tasks = [asyncio.create_task(part) for part in work]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _texts(counts: Mapping[int, int]) -> dict[str, int]:
    return {str(status): number for status, number in sorted(counts.items())}


def _random(seed: int, role: Role) -> Random:
    return Random(f"{seed} {role}")  # noqa: S311 - a show, not a secret
