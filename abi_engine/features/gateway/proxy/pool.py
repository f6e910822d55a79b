"""Connections to upstreams, kept for the next request. Belongs to the loop's thread.

The newest idle connection is taken first. Refuses to keep one whose last exchange did not end
cleanly: its user aborts that instead of putting it back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.proxy.deadline import Deadline
from abi_engine.features.gateway.proxy.repeats import ResponseReader
from abi_engine.features.gateway.proxy.upstream_connection import UpstreamConnection


class Caller(Protocol):
    """Who waits for a new connection; told once, unless it cancels the task before."""

    def connected(self, connection: UpstreamConnection) -> None:
        """Here it is."""
        ...

    def not_connected(self, error: Exception) -> None:
        """There is none, and why."""
        ...


class Pool:
    """The connections to all upstreams.

    Args:
        loop: runs them.
        size: idle connections kept to each upstream.
        idle_time: how long one is kept, in seconds.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, size: int, idle_time: float) -> None:
        self._loop = loop
        self.size = size
        self.idle_time = idle_time
        self._shelves: dict[str, Shelf] = {}
        self._opening: set[asyncio.Task[None]] = set()

    def take(self, address: UpstreamAddress) -> UpstreamConnection | None:
        """An idle connection, now the caller's; None where a new one must be opened."""
        shelf = self._shelves.get(address.name)
        return None if shelf is None else shelf.take()

    def open(self, address: UpstreamAddress, caller: Caller) -> asyncio.Task[None]:
        """Open a new connection; cancel the task to give up."""
        task = self._loop.create_task(self._open(address, caller))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return task

    async def _open(self, address: UpstreamAddress, caller: Caller) -> None:
        connection = self._shelf(address).new()
        try:
            await self._loop.create_connection(lambda: connection, address.host, address.port)
        except (OSError, UnicodeError) as error:
            connection.shelf.leave(connection)
            caller.not_connected(error)
        except BaseException:
            connection.abort()
            connection.shelf.leave(connection)
            raise
        else:
            caller.connected(connection)

    def counts(self, name: str) -> tuple[int, int]:
        """How many connections to an upstream are idle and busy; any thread may ask."""
        shelf = self._shelves.get(name)
        return (0, 0) if shelf is None else (len(shelf.idle), shelf.busy)

    def close(self) -> None:
        """Close what is idle, and keep nothing from now on."""
        self.size = 0
        for shelf in tuple(self._shelves.values()):
            shelf.clear()

    async def closed(self) -> None:
        """Wait until every connection is gone; whoever used one must have left it."""
        for task in tuple(self._opening):
            task.cancel()
        while self._opening or self._shelves:
            await asyncio.sleep(0)

    def _shelf(self, address: UpstreamAddress) -> Shelf:
        shelf = self._shelves.get(address.name)
        if shelf is None:
            shelf = self._shelves[address.name] = Shelf(address, self._loop, self)
        return shelf

    def forget(self, name: str) -> None:
        """There is no connection to that upstream any more."""
        del self._shelves[name]


class Shelf:
    """The connections to one upstream; it takes itself off the pool with its last one.

    Attributes:
        idle: the oldest first.
        busy: how many are in use, being opened or being closed.
        host: for the header `Host`.
        reader: of the heads of its responses.
    """

    def __init__(
        self, address: UpstreamAddress, loop: asyncio.AbstractEventLoop, pool: Pool
    ) -> None:
        self._name = address.name
        self._loop = loop
        self._pool = pool
        self._deadline = Deadline(loop, self._expire)
        self.idle: deque[UpstreamConnection] = deque()
        self.busy = 0
        self.host = host_header(address)
        self.reader = ResponseReader()

    def new(self) -> UpstreamConnection:
        """A connection to be opened, busy from now on."""
        self.busy += 1
        return UpstreamConnection(self)

    def take(self) -> UpstreamConnection | None:
        """The newest idle connection that is open."""
        while self.idle:
            connection = self.idle.pop()
            self.busy += 1
            if connection.is_open:
                connection.reused = True
                return connection
        return None

    def put_back(self, connection: UpstreamConnection) -> None:
        """Keep a connection for the next request, if there is room."""
        if len(self.idle) >= self._pool.size:
            connection.close()
            return
        connection.idle_until = self._loop.time() + self._pool.idle_time
        self.busy -= 1
        self.idle.append(connection)
        self._deadline.no_later_than(self.idle[0].idle_until)

    def leave(self, connection: UpstreamConnection) -> None:
        """Count a connection no more; once."""
        if connection.left:
            return
        connection.left = True
        if connection in self.idle:
            self.idle.remove(connection)
        else:
            self.busy -= 1
        if not self.busy and not self.idle:
            self._deadline.close()
            self._pool.forget(self._name)

    def clear(self) -> None:
        """Close what is idle."""
        while self.idle:
            self._close_oldest()

    def _expire(self) -> None:
        now = self._loop.time()
        while self.idle and self.idle[0].idle_until <= now:
            self._close_oldest()
        if self.idle:
            self._deadline.no_later_than(self.idle[0].idle_until)

    def _close_oldest(self) -> None:
        self.busy += 1  # until it is lost
        self.idle.popleft().close()


def host_header(address: UpstreamAddress) -> bytes:
    """The value of `Host` for an upstream."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return (host if address.port == 80 else f"{host}:{address.port}").encode("ascii")
