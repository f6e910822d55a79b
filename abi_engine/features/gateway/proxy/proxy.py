"""The data plane: a streaming HTTP/1.1 reverse proxy in a loop thread of its own.

Every request goes through the library plane, which it is given as an `Admitter`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import time
from pathlib import Path
from random import Random

from abi_engine.core.errors import AddressInUse, InvalidConfig, PermissionRefused
from abi_engine.core.feature import Context
from abi_engine.features.gateway.admission import Admitter
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.proxy.access_log import AccessLog
from abi_engine.features.gateway.proxy.client_connection import ClientConnection
from abi_engine.features.gateway.proxy.plane import DataPlane
from abi_engine.features.gateway.proxy.pool import Pool
from abi_engine.features.gateway.proxy.request_ids import RequestIds
from abi_engine.runtime.loops import LoopThread

_BACKLOG = 2048
_START_TIMEOUT = 10.0
_LAST_CALL = 0.01
_LAST_PASSES = 10
"""Seconds, and passes of the loop, in which whoever has connected when a stop begins is let in."""
_SHORTEST_STOP = 0.5
_END_SHARE = 0.2
"""Of the deadline of a stop: for closing by force what did not end by itself."""


class Proxy:
    """The listener and everything behind it, between `start` and `stop`.

    Args:
        config: of the gateway.
        admitter: the library plane.
        context: clock, events and data directory.
        random: where request ids and the pseudonym come from.
    """

    def __init__(
        self,
        config: GatewayConfig,
        admitter: Admitter,
        context: Context,
        *,
        random: Random | None = None,
    ) -> None:
        self._config = config
        self._admitter = admitter
        self._context = context
        self._random = random or Random(os.urandom(16))  # noqa: S311 - names, not secrets
        self._thread: LoopThread | None = None
        self._plane: DataPlane | None = None
        self._server: asyncio.Server | None = None
        self._address: tuple[str, int] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port it listens on; None while it does not."""
        return self._address

    def connections(self, upstream: str) -> tuple[int, int]:
        """How many connections to an upstream are idle, and how many busy. Any thread."""
        plane = self._plane
        return (0, 0) if plane is None else plane.pool.counts(upstream)

    def start(self) -> None:
        """Listen. Does nothing while it runs.

        Raises:
            AddressInUse: somebody else listens there.
            PermissionRefused: this user may not listen there.
            InvalidConfig: the address is none of this machine's.
        """
        if self._thread is not None:
            return
        thread = LoopThread("abi-data")
        thread.start()
        try:
            thread.run(self._open(), _START_TIMEOUT)
        except (OSError, UnicodeError) as error:
            thread.stop()
            raise _translated(error, self._config) from error
        except BaseException:
            thread.stop()
            raise
        self._thread = thread

    def stop(self, deadline: float) -> None:
        """Close the listener, let what is under way end, then close everything.

        Returns within `deadline` seconds; requests that take longer are cut.
        """
        thread, self._thread = self._thread, None
        plane, self._plane = self._plane, None
        if thread is None or plane is None:
            return
        deadline = max(deadline, _SHORTEST_STOP)
        end = time.monotonic() + deadline
        patience = min(deadline * (1 - _END_SHARE), self._config.drain_timeout)
        try:
            thread.run(self._drain(plane, patience), deadline)
        finally:
            self._address = None
            if plane.log is not None:
                plane.log.stop(max(end - time.monotonic(), 0.1))
            thread.stop(max(end - time.monotonic(), 0.1))

    async def _open(self) -> None:
        config, clock = self._config, self._context.clock
        loop = asyncio.get_running_loop()
        plane = DataPlane(
            config,
            self._admitter,
            clock,
            loop,
            RequestIds(clock, self._random),
            Pool(loop, config.pool_size, config.pool_idle),
            self._log(),
            f"{config.server_name}-{self._random.getrandbits(64):016x}".encode(),
        )
        self._server = await loop.create_server(
            lambda: ClientConnection(plane),
            config.host,
            config.port,
            backlog=_BACKLOG,
            reuse_address=True,
        )
        if plane.log is not None:
            plane.log.start(loop)
        host, port = self._server.sockets[0].getsockname()[:2]
        self._address = host, port
        self._plane = plane

    def _log(self) -> AccessLog | None:
        name, directory = self._config.access_log, self._context.data_dir
        if not name or (directory is None and not Path(name).is_absolute()):
            return None
        return AccessLog((directory or Path()) / name, self._context.events)

    async def _drain(self, plane: DataPlane, patience: float) -> None:
        await asyncio.sleep(_LAST_CALL)
        for _ in range(_LAST_PASSES):
            await asyncio.sleep(0)
        assert self._server is not None
        self._server.close()
        plane.draining = True
        plane.pool.close()
        for client in tuple(plane.clients):
            client.drain()
        try:
            if plane.clients:
                await asyncio.wait_for(plane.emptied.wait(), patience)
        except TimeoutError:
            for client in tuple(plane.clients):
                client.end()
            await plane.emptied.wait()
        await plane.pool.closed()
        if plane.log is not None:
            plane.log.flush()


def _translated(error: OSError | UnicodeError, config: GatewayConfig) -> Exception:
    place = f"{config.host}:{config.port}"
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return AddressInUse(
            f"the gateway cannot listen on {place}: somebody else does",
            hint="choose another [gateway] port, or 0 for a free one",
        )
    if number in (errno.EACCES, errno.EPERM):
        return PermissionRefused(
            f"the gateway may not listen on {place}", hint="choose a [gateway] port above 1023"
        )
    reason = getattr(error, "strerror", None) or error
    return InvalidConfig(
        f"the gateway cannot listen on {place}: {reason}",
        hint="[gateway] host must be an address of this machine",
    )
