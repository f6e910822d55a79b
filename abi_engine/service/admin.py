"""Health and metrics over HTTP, for what watches over the process.

Refuses metrics without the token, everything but GET and HEAD, and to wait for a slow feature in
the loop.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import logging
import socket
from collections.abc import Callable, Sequence
from http import HTTPStatus
from threading import BoundedSemaphore, Thread
from typing import NamedTuple, TypeVar

from abi_engine.core.errors import AddressInUse, InvalidConfig
from abi_engine.core.inherited import host_and_port
from abi_engine.runtime.loops import LoopThread
from abi_engine.service.admin_protocol import AdminProtocol, Answer, Request, said

T = TypeVar("T")

MAX_CONNECTIONS = 64
WORKERS = 4
BIND_TIMEOUT = 10.0
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

logger = logging.getLogger("abi_engine.service")


class Sources(NamedTuple):
    """Where answers come from; all may be slow, and are called in threads of their own.

    Attributes:
        health: whether all is well, and the particulars as JSON.
        metrics: the text for a scraper.
        token: what metrics ask for; empty refuses everyone.
    """

    health: Callable[[], tuple[bool, bytes]]
    metrics: Callable[[], str]
    token: str


class AdminEndpoint:
    """Serves `/healthz` and `/metrics` in a loop thread between `start` and `stop`.

    Args:
        loop: the thread; it is started and stopped by its owner.
        host, port: where to listen; port 0 takes a free one.
        sources: see `Sources`.
        max_connections: how many at once.
        inherited: sockets that listen already, in place of `host` and `port`.
    """

    def __init__(
        self,
        loop: LoopThread,
        host: str,
        port: int,
        sources: Sources,
        *,
        max_connections: int = MAX_CONNECTIONS,
        inherited: Sequence[socket.socket] = (),
    ) -> None:
        self._loop = loop
        self._inherited = inherited
        self._host = host
        self._port = port
        self._sources = sources
        self._max_connections = max_connections
        self._connections: set[AdminProtocol] = set()
        self._workers = BoundedSemaphore(WORKERS)
        self._servers: list[asyncio.Server] = []

    @property
    def url(self) -> str:
        """`http://host:port`; empty where it does not listen."""
        if not self._servers:
            return ""
        return f"http://{_bracketed(self._host)}:{self._port}"

    def start(self) -> None:
        """Listen.

        Raises:
            AddressInUse: somebody else does there.
            InvalidConfig: the address is none of this machine's.
        """
        if not self._servers:
            self._loop.run(self._open(), BIND_TIMEOUT)

    def stop(self, deadline: float) -> None:
        """Listen no more, and end every connection."""
        if self._servers:
            self._loop.run(self._close(), deadline)

    async def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        if request.method not in ("GET", "HEAD"):
            return said(HTTPStatus.METHOD_NOT_ALLOWED, allow="GET, HEAD")
        if request.path == "/healthz":
            return await self._healthz()
        if request.path == "/metrics":
            return await self._metrics(request)
        return said(HTTPStatus.NOT_FOUND)

    async def _healthz(self) -> Answer:
        well, body = await self._ask(self._sources.health)
        status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
        return Answer(status, body + b"\n", "application/json")

    async def _metrics(self, request: Request) -> Answer:
        if not _authorized(request.authorization, self._sources.token):
            return said(HTTPStatus.UNAUTHORIZED, "token needed", www_authenticate="Bearer")
        text = await self._ask(self._sources.metrics)
        return Answer(HTTPStatus.OK, text.encode(), METRICS_TYPE)

    async def _ask(self, question: Callable[[], T]) -> T:
        """The answer of something slow, from a daemon thread: one that hangs keeps nobody."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if not self._workers.acquire(blocking=False):
            raise _Busy

        def deliver(call: Callable[[], None]) -> None:
            try:
                loop.call_soon_threadsafe(lambda: None if future.done() else call())
            except RuntimeError:  # the loop has ended; so has who asked
                logger.debug("an answer came after the admin endpoint had stopped")

        def work() -> None:
            try:
                answer = question()
            except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
                raised = error
                deliver(lambda: future.set_exception(raised))
            else:
                deliver(lambda: future.set_result(answer))
            finally:
                self._workers.release()

        Thread(target=work, name="abi-admin", daemon=True).start()
        return await future

    async def _handle(self, request: Request) -> Answer:
        try:
            return await self.answer(request)
        except _Busy:
            return said(HTTPStatus.SERVICE_UNAVAILABLE, "busy", retry_after="1")
        except Exception:
            logger.exception("%s failed", request.path)
            return said(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        servers = [await loop.create_server(self._protocol, sock=one) for one in self._inherited]
        if not servers:
            try:
                servers.append(await loop.create_server(self._protocol, self._host, self._port))
            except OSError as error:
                raise self._unusable(error) from error
        host, port = host_and_port(servers[0].sockets[0])
        self._host, self._port = (host if self._inherited else self._host), port
        self._servers = servers

    async def _close(self) -> None:
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for connection in tuple(self._connections):
            connection.close()

    def _protocol(self) -> AdminProtocol:
        return AdminProtocol(self._handle, self._connections, self._max_connections)

    def _unusable(self, error: OSError) -> AddressInUse | InvalidConfig:
        where = f"{_bracketed(self._host)}:{self._port}"
        if error.errno == errno.EADDRINUSE:
            return AddressInUse(
                f"health and metrics: {where} is in use",
                hint="choose another service.admin_port (0: a free one), or service.admin = false",
            )
        reason = error.strerror or str(error)
        kind = "no such host" if isinstance(error, socket.gaierror) else reason
        return InvalidConfig(
            f"health and metrics: cannot listen on {where}: {kind}",
            hint="set service.admin_host to an address of this machine",
        )


class _Busy(Exception):
    """Every worker waits for a slow answer."""


def _authorized(header: str, token: str) -> bool:
    scheme, _, given = header.strip().partition(" ")
    return (
        bool(token)
        and scheme.lower() == "bearer"
        and hmac.compare_digest(given.strip().encode(), token.encode())
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
