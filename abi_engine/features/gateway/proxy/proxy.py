"""The data plane: a streaming HTTP/1.1 reverse proxy in a loop thread of its own.

Every request goes through the library plane, which it is given as an `Admitter`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from threading import Event

from abi_engine.core.errors import Severity
from abi_engine.core.feature import Context
from abi_engine.features.gateway.admission import Admitter
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.outward import Outward
from abi_engine.features.gateway.proxy.access_log import AccessLog
from abi_engine.features.gateway.proxy.certificate_dates import CertificateDates
from abi_engine.features.gateway.proxy.client_connection import ClientConnection
from abi_engine.features.gateway.proxy.handshake import Handshake, Handshakes
from abi_engine.features.gateway.proxy.listener import Listener
from abi_engine.features.gateway.proxy.plane import DataPlane
from abi_engine.features.gateway.proxy.request_ids import RequestIds
from abi_engine.features.gateway.proxy.tls import ServerTls, server_tls
from abi_engine.features.gateway.proxy.trace_context import TraceContext
from abi_engine.features.gateway.proxy.upstream_side import UpstreamSide
from abi_engine.runtime.loops import LoopThread

_START_TIMEOUT = 10.0
_RELOAD_TIMEOUT = 10.0
_SHORTEST_STOP = 0.5
_END_SHARE = 0.2
"""Of the deadline of a stop: for closing by force what did not end by itself."""


class Proxy:
    """The listener and everything behind it, between `start` and `stop`.

    Args:
        config: of the gateway.
        admitter: the library plane.
        context: clock, events and data directory.
        random: where request ids, the pseudonym and jitter come from.
        outward: what the side towards upstreams needs.
        tells_dates: whether to say which certificates expire; one of several does it for all.
    """

    def __init__(
        self,
        config: GatewayConfig,
        admitter: Admitter,
        context: Context,
        *,
        random: Random | None = None,
        outward: Outward | None = None,
        tells_dates: bool = True,
    ) -> None:
        self._config = config
        self._admitter = admitter
        self._context = context
        self._tells = tells_dates
        self._random = random or Random(os.urandom(16))  # noqa: S311 - names, not secrets
        self._outward = outward or Outward()
        self._upstreams: UpstreamSide | None = None
        self._thread: LoopThread | None = None
        self._post: Callable[[Callable[[], None]], None] | None = None
        self._plane: DataPlane | None = None
        self._listener: Listener | None = None
        self._handshakes = Handshakes(context.events)
        self._dates: CertificateDates | None = None
        self._address: tuple[str, int] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port it listens on; None while it does not."""
        return self._address

    @property
    def log_lost(self) -> int:
        """How many lines of the access log were lost since the start. Any thread."""
        plane = self._plane
        return 0 if plane is None or plane.log is None else plane.log.dropped

    def connections(self, upstream: str) -> tuple[int, int]:
        """How many connections to an upstream are idle, and how many busy. Any thread."""
        plane = self._plane
        return (0, 0) if plane is None else plane.pool.counts(upstream)

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of an upstream's host, as far as they are known. Any thread."""
        upstreams = self._upstreams
        return () if upstreams is None else upstreams.addresses(host)

    def post(self, call: Callable[[], None]) -> None:
        """Have the loop make a call soon, until the end of a stop. Any thread."""
        if self._post is not None:
            self._post(call)

    def start(self) -> None:
        """Listen. Does nothing while it runs.

        Raises:
            AddressInUse: somebody else listens there.
            PermissionRefused: this user may not listen there.
            InvalidConfig: the address is none of this machine's, or a file of `[gateway.tls]`
                cannot be used.
        """
        if self._thread is not None:
            return
        tls = server_tls(self._config.tls)
        thread = LoopThread("abi-data")
        thread.start()
        try:
            thread.run(self._open(tls), _START_TIMEOUT)
        except BaseException:
            thread.stop()
            raise
        self._thread = thread
        self._post = thread.post
        if self._upstreams is not None:
            self._upstreams.begin(thread.post)

    def reload(self, config: GatewayConfig) -> Callable[[], None]:
        """See `Serving`."""
        tls = server_tls(config.tls)

        def apply() -> None:
            self._config = config
            taken_up = Event()

            def take_up() -> None:
                self._apply(tls)
                taken_up.set()

            if self._thread is not None:
                self.post(take_up)
                if not taken_up.wait(_RELOAD_TIMEOUT):
                    self._tell_late()

        return apply

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

    async def _open(self, tls: ServerTls | None) -> None:
        config, clock = self._config, self._context.clock
        loop = asyncio.get_running_loop()
        upstreams = UpstreamSide(loop, config, self._context.events, self._random, self._outward)
        plane = DataPlane(
            config,
            self._admitter,
            clock,
            loop,
            RequestIds(clock, self._random),
            upstreams.pool,
            self._log(),
            f"{config.server_name}-{self._random.getrandbits(64):016x}".encode(),
            TraceContext(self._random, starts=config.trace_context == "start"),
            tls,
        )
        self._listener = Listener(lambda: self._protocol(plane))
        sockets = self._context.sockets
        inherited = sockets.take("gateway", config.host, config.port, first=True)
        self._address = await self._listener.open(config, inherited, lasting=sockets.lasting)
        if plane.log is not None:
            plane.log.start(loop)
        self._plane = plane
        self._upstreams = upstreams
        if self._tells:
            self._dates = CertificateDates(loop, clock, self._context.events)
            self._dates.watch(tls)

    def _protocol(self, plane: DataPlane) -> asyncio.Protocol:
        """What a new connection begins with."""
        tls = plane.tls
        return ClientConnection(plane) if tls is None else Handshake(plane, tls, self._handshakes)

    def _tell_late(self) -> None:
        self._context.events.add(
            "gateway",
            "reload_late",
            f"the listener is busy since {_RELOAD_TIMEOUT:g} s: it goes by the new settings later",
            severity=Severity.WARNING,
        )

    def _apply(self, tls: ServerTls | None) -> None:
        """Other settings, for what begins from now on."""
        plane, upstreams, config = self._plane, self._upstreams, self._config
        assert plane is not None
        assert upstreams is not None
        plane.reconfigure(config, tls)
        upstreams.reconfigure(config)
        if self._dates is not None:
            self._dates.watch(tls)
        if plane.log is not None:
            plane.log.reload(config)

    def _log(self) -> AccessLog | None:
        name, directory = self._config.access_log, self._context.data_dir
        if not name or (directory is None and not Path(name).is_absolute()):
            return None
        return AccessLog((directory or Path()) / name, self._config, self._context.events)

    async def _drain(self, plane: DataPlane, patience: float) -> None:
        assert self._listener is not None
        await self._listener.close()
        if self._dates is not None:
            self._dates.close()
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
        assert self._upstreams is not None
        await self._upstreams.closed()
        if plane.log is not None:
            plane.log.flush()
