"""The load generator: sends a plan of requests at its times, and never too many at once.

Refuses to make up for lost time: what is too late, or would be one too many in flight, is skipped
and counted.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

from abi_engine import Clock
from abi_tui.demo.http_client import ClientConnection, Unanswered
from abi_tui.demo.shots import Shot
from abi_tui.demo.timeline import Timeline

TICK = 0.02
LATE = 1.0
MAX_IN_FLIGHT = 256
ANSWER_TIMEOUT = 15.0
IDLE_TIMEOUT = 8.0  # well before the gateway gives up an idle connection


class Traffic:
    """Requests to one server. All calls in one event loop.

    Args:
        address: host and port of the server.
        plan: the requests, in order of time.
        timeline: the time of the plan; it may be paused and sped up.
        clock: how long connections idle.
        max_in_flight: a request is skipped where so many wait for their answers.
    """

    def __init__(
        self,
        address: tuple[str, int],
        plan: Iterable[Shot],
        timeline: Timeline,
        clock: Clock,
        *,
        max_in_flight: int = MAX_IN_FLIGHT,
    ) -> None:
        self.answered: Counter[int] = Counter()
        self.unanswered: Counter[str] = Counter()
        self.skipped = 0
        self._plan = _Plan(plan)
        self._timeline = timeline
        self._max_in_flight = max_in_flight
        self._pool = _Pool(address, clock)
        self._host = f"{address[0]}:{address[1]}"
        self._in_flight: set[asyncio.Task[None]] = set()

    @property
    def in_flight(self) -> int:
        """Requests that wait for their answers."""
        return len(self._in_flight)

    async def run(self) -> None:
        """Send what is due, for ever; cancel it to stop."""
        while True:
            self.send_due()
            await asyncio.sleep(TICK)

    def send_due(self) -> None:
        """Send every request whose time has come; skip those that are far too late."""
        now = self._timeline.now()
        for shot in self._plan.due(now):
            if now - shot.at > LATE or self.in_flight >= self._max_in_flight:
                self.skipped += 1
                continue
            task = asyncio.create_task(self._send(shot))
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    async def settle(self, timeout: float) -> bool:
        """Wait for what is in flight, and tell whether all of it was answered in time."""
        if self._in_flight:
            await asyncio.wait(tuple(self._in_flight), timeout=timeout)
        return not self._in_flight

    async def close(self) -> None:
        """Give up what is in flight and close every connection."""
        tasks = tuple(self._in_flight)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.close()

    async def _send(self, shot: Shot) -> None:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT), self._pool.connection(shot.client) as taken:
                status = await taken.exchange(rendered(shot, self._host))
        except Unanswered as error:
            self.unanswered[str(error)] += 1
        except TimeoutError:
            self.unanswered[f"no answer within {ANSWER_TIMEOUT:g} s"] += 1
        else:
            self.answered[status] += 1


def rendered(shot: Shot, host: str) -> bytes:
    """A request as bytes; its body is filler."""
    length = f"Content-Length: {shot.body_size}\r\n" if shot.body_size else ""
    head = f"{shot.method} {shot.path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: abi-demo\r\n{length}"
    return f"{head}\r\n".encode("latin-1") + b"x" * shot.body_size


def can_send_from(address: str) -> bool:
    """Whether this machine lets a connection start at a loopback address other than its first."""
    with socket.socket() as trial:
        try:
            trial.bind((address, 0))
        except OSError:
            return False
    return True


class _Plan:
    """The requests that are still to come."""

    def __init__(self, shots: Iterable[Shot]) -> None:
        self._shots = iter(shots)
        self._next = next(self._shots, None)

    def due(self, now: float) -> Iterator[Shot]:
        while self._next is not None and self._next.at <= now:
            shot, self._next = self._next, next(self._shots, None)
            yield shot


class _Pool:
    """Idle connections by client address, the last used first."""

    def __init__(self, address: tuple[str, int], clock: Clock) -> None:
        self._address = address
        self._clock = clock
        self._idle: dict[str, list[tuple[float, ClientConnection]]] = {}
        self._bindable: dict[str, bool] = {}

    @asynccontextmanager
    async def connection(self, client: str) -> AsyncIterator[ClientConnection]:
        """A connection for one request of `client`; kept afterwards if it may carry another."""
        connection = self._idle_one(client)
        if connection is None:
            connection = await ClientConnection.open(*self._address, self._source(client))
        try:
            yield connection
        finally:
            if connection.reusable:
                self._idle[client].append((self._clock.monotonic(), connection))
            else:
                connection.close()

    def close(self) -> None:
        """Close what is idle."""
        for idle in self._idle.values():
            for _, connection in idle:
                connection.close()
        self._idle.clear()

    def _idle_one(self, client: str) -> ClientConnection | None:
        idle = self._idle.setdefault(client, [])
        oldest = self._clock.monotonic() - IDLE_TIMEOUT
        while idle and idle[0][0] < oldest:
            idle.pop(0)[1].close()
        while idle:
            _, connection = idle.pop()
            if connection.reusable:
                return connection
        return None

    def _source(self, client: str) -> str | None:
        if client not in self._bindable:
            self._bindable[client] = can_send_from(client)
        return client if self._bindable[client] else None
