"""Connections to upstreams, kept for the next request. Belongs to the loop's thread.

The newest idle connection is taken first. Refuses to keep one whose last exchange did not end
cleanly: its user aborts that instead of putting it back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.api import UpstreamTls
from abi_engine.features.gateway.proxy.connector import CannotConnect, Connector
from abi_engine.features.gateway.proxy.deadline import Deadline
from abi_engine.features.gateway.proxy.repeats import ResponseReader
from abi_engine.features.gateway.proxy.upstream_connection import UpstreamConnection
from abi_engine.features.gateway.upstreams import DEFAULT_PORTS

Key = str | tuple[str, UpstreamTls]
"""What tells shelves apart: an upstream's name, and how it is spoken to where that is TLS."""


class Caller(Protocol):
    """Who waits for a new connection; told once, unless it cancels the task before."""

    def connected(self, connection: UpstreamConnection) -> None:
        """Here it is."""
        ...

    def not_connected(self, error: CannotConnect) -> None:
        """There is none, and why."""
        ...


class Pool:
    """The connections to all upstreams.

    Args:
        loop: runs them.
        connector: opens them.
        size: idle connections kept to each upstream.
        idle_time: how long one is kept, in seconds.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        connector: Connector,
        size: int,
        idle_time: float,
    ) -> None:
        self._loop = loop
        self.connector = connector
        self.size = size
        self.idle_time = idle_time
        self._shelves: dict[Key, Shelf] = {}
        self._named: dict[str, tuple[Shelf, ...]] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._gone = asyncio.Event()  # a shelf is

    def take(self, address: UpstreamAddress) -> UpstreamConnection | None:
        """An idle connection, now the caller's; None where a new one must be opened."""
        key = address.name if address.tls is None else (address.name, address.tls)
        shelf = self._shelves.get(key)
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
            connection.peer = await self.connector.connect(address, connection)
        except CannotConnect as error:
            connection.shelf.leave(connection)
            caller.not_connected(error)
        except BaseException:
            connection.abort()
            connection.shelf.leave(connection)
            raise
        else:
            self._hand_over(connection, caller)

    def _hand_over(self, connection: UpstreamConnection, caller: Caller) -> None:
        try:
            caller.connected(connection)
        except Exception:
            connection.abort()  # its user, where it has one by now, is told
            raise

    def counts(self, name: str) -> tuple[int, int]:
        """How many connections to an upstream are idle and busy; any thread may ask."""
        shelves = self._named.get(name, ())
        return sum(len(shelf.idle) for shelf in shelves), sum(shelf.busy for shelf in shelves)

    def forget_tls(self) -> None:
        """Use no TLS connection for another request: those to come are made anew."""
        for key, shelf in tuple(self._shelves.items()):
            if isinstance(key, tuple):
                del self._shelves[key]
                shelf.retire()

    def close(self) -> None:
        """Close what is idle, and keep nothing from now on."""
        self.size = 0
        for shelf in tuple(self._shelves.values()):
            shelf.clear()

    async def closed(self) -> None:
        """Wait until every connection is gone; whoever used one must have left it."""
        for task in tuple(self._opening):
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)
        while self._named:
            self._gone.clear()
            await self._gone.wait()

    def _shelf(self, address: UpstreamAddress) -> Shelf:
        key = address.name if address.tls is None else (address.name, address.tls)
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._shelves[key] = Shelf(address, key, self._loop, self)
            self._named[address.name] = (*self._named.get(address.name, ()), shelf)
        return shelf

    def forget(self, shelf: Shelf) -> None:
        """It has no connection any more."""
        if self._shelves.get(shelf.key) is shelf:
            del self._shelves[shelf.key]
        rest = tuple(other for other in self._named[shelf.name] if other is not shelf)
        if rest:
            self._named[shelf.name] = rest
        else:
            del self._named[shelf.name]
        self._gone.set()


class Shelf:
    """The connections to one upstream; it takes itself off the pool with its last one.

    While it is there the addresses behind the upstream's name are kept fresh, and connections to
    those that are gone are not used again.

    Attributes:
        name: of the upstream.
        key: see `Key`.
        idle: the oldest first.
        busy: how many are in use, being opened or being closed.
        host: for the header `Host`.
        reader: of the heads of its responses.
    """

    def __init__(
        self,
        address: UpstreamAddress,
        key: Key,
        loop: asyncio.AbstractEventLoop,
        pool: Pool,
    ) -> None:
        self.name = address.name
        self.key = key
        self._loop = loop
        self._pool = pool
        self._is_retired = False
        self._host = pool.connector.resolver.name(address.host)
        if self._host is not None:
            self._host.watch(self._close_gone)
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
        """The newest idle connection that is open, and on which nothing has come meanwhile."""
        while self.idle:
            connection = self.idle.pop()
            self.busy += 1
            if connection.is_quiet():
                connection.reused = True
                return connection
            connection.abort()
        return None

    def put_back(self, connection: UpstreamConnection) -> None:
        """Keep a connection for the next request, if there is room."""
        full = len(self.idle) >= self._pool.size
        if full or self._is_retired or (connection.peer and self._is_gone(connection)):
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
            if self._host is not None:
                self._host.unwatch(self._close_gone)
            self._pool.forget(self)

    def clear(self) -> None:
        """Close what is idle."""
        while self.idle:
            self._close_oldest()

    def retire(self) -> None:
        """Close what is idle, and every other connection when its exchange is over."""
        self._is_retired = True
        self.clear()

    def _is_gone(self, connection: UpstreamConnection) -> bool:
        """Whether its address is none of the name's any more."""
        return self._host is not None and connection.peer not in self._host.addresses

    def _close_gone(self) -> None:
        """Close what is idle at addresses that are gone."""
        for connection in tuple(self.idle):
            if self._is_gone(connection):
                self.idle.remove(connection)
                self.busy += 1  # until it is lost
                connection.close()

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
    usual = address.port == DEFAULT_PORTS[address.scheme]
    return (host if usual else f"{host}:{address.port}").encode("ascii")
