"""Workers that serve clients in the place of this process; this process owns what they share.

Refuses to open a listener of its own: it only holds theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final

from abi_engine.core.feature import Context
from abi_engine.core.inherited import host_and_port
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.outward import Outward
from abi_engine.features.gateway.proxy.certificate_dates import CertificateDates
from abi_engine.features.gateway.proxy.tls import ServerTls, server_tls
from abi_engine.features.gateway.proxy.upstream_side import UpstreamSide
from abi_engine.features.gateway.reports import WorkerStats
from abi_engine.features.gateway.traces import Trace
from abi_engine.features.gateway.workers.crew import Crew
from abi_engine.features.gateway.workers.library import Library
from abi_engine.features.gateway.workers.member import Member
from abi_engine.features.gateway.workers.messages import Follow
from abi_engine.features.gateway.workers.sockets import close_listeners, open_listeners
from abi_engine.runtime.loops import LoopThread

START_TIMEOUT: Final = 60.0
END_SHARE: Final = 0.1
"""Of the deadline of a stop: for ending by force what did not end by itself."""


class Pack:
    """See `Serving`. Everything the workers say and hear goes through a thread of its own.

    Args:
        config: of the gateway.
        library: what the workers have in common.
        context: clock, events, data directory, inherited sockets.
        outward: what the side towards upstreams needs; health checks are run here, once.
    """

    def __init__(
        self, config: GatewayConfig, library: Library, context: Context, outward: Outward
    ) -> None:
        self._config = config
        self._library = library
        self._context = context
        self._outward = outward
        self._thread: LoopThread | None = None
        self._crew: Crew | None = None
        self._side: UpstreamSide | None = None
        self._dates: CertificateDates | None = None
        self._address: tuple[str, int] | None = None

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port the workers listen on; None while they do not."""
        return self._address

    @property
    def log_lost(self) -> int:
        """How many lines of the access log were lost since the start."""
        crew = self._crew
        return 0 if crew is None else crew.log_lost

    def connections(self, upstream: str) -> tuple[int, int]:
        """How many connections to an upstream are idle, and how many busy."""
        found = [one.tally.connections.get(upstream, (0, 0)) for one in self._members()]
        return sum(idle for idle, _ in found), sum(busy for _, busy in found)

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of an upstream's host, as far as any worker knows them."""
        found = [one.tally.addresses.get(host, ()) for one in self._members()]
        return tuple(dict.fromkeys(address for addresses in found for address in addresses))

    def workers(self) -> tuple[WorkerStats, ...]:
        """The workers, by number."""
        return tuple(_stats(member) for member in self._members())

    def start(self) -> None:
        """See `Serving`."""
        if self._thread is not None:
            return
        tls = server_tls(self._config.tls)
        sockets = self._context.sockets
        listeners, lasting = open_listeners(self._config, sockets)
        crew = Crew(self._config, self._library, self._context, listeners, lasting=lasting)
        thread = LoopThread("abi-workers")
        try:
            thread.start()
            try:
                thread.run(crew.begin(), START_TIMEOUT)
                self._address = host_and_port(listeners[0][0])
            except BaseException:
                thread.run(crew.end())
                raise
        except BaseException:
            thread.stop()
            close_listeners(listeners)
            raise
        self._thread, self._crew = thread, crew
        self._side, self._dates = thread.run(self._open_side(tls))
        self._side.begin(thread.post)

    def stop(self, deadline: float) -> None:
        """See `Serving`."""
        thread, self._thread = self._thread, None
        crew, side = self._crew, self._side
        if thread is None or crew is None or side is None:
            return
        try:
            thread.run(crew.drain(deadline * (1 - END_SHARE)))
            thread.run(self._closed(side))
        finally:
            self._crew = self._address = self._side = None
            thread.stop()

    def reload(self, config: GatewayConfig) -> Callable[[], None]:
        """See `Serving`."""
        thread, crew, side = self._thread, self._crew, self._side
        if thread is None or crew is None or side is None:
            return lambda: None
        tls = server_tls(config.tls)
        question = thread.run(crew.check(config))

        async def changed() -> None:
            side.reconfigure(config)
            if self._dates is not None:
                self._dates.watch(tls)
            await crew.apply(config, question)

        return lambda: thread.run(changed())

    def sync(self) -> None:
        """Returns when the next request finds every change of routes, keys and breakers, whichever
        worker it reaches. Any thread but the loops'.
        """
        thread, crew = self._thread, self._crew
        if thread is not None and crew is not None:
            thread.run(crew.sync())

    def follow(self, request_id: str, trace: Trace) -> None:
        """Have a trace learn what becomes of a request."""
        thread, crew = self._thread, self._crew
        if thread is not None and crew is not None:
            trace.over.clear()
            thread.run(crew.sync(Follow(request_id, True)))

    def forget(self, request_id: str) -> None:
        """Nobody waits for that request any more."""
        thread, crew = self._thread, self._crew
        if thread is not None and crew is not None:
            thread.run(crew.sync(Follow(request_id, False)))

    def _members(self) -> tuple[Member, ...]:
        crew = self._crew
        return () if crew is None else crew.members

    async def _open_side(self, tls: ServerTls | None) -> tuple[UpstreamSide, CertificateDates]:
        """The side towards upstreams; and who says, once for all workers, when to renew."""
        loop, events = asyncio.get_running_loop(), self._context.events
        random = Random()  # noqa: S311 - jitter
        dates = CertificateDates(loop, self._context.clock, events)
        dates.watch(tls)
        return UpstreamSide(loop, self._config, events, random, self._outward), dates

    async def _closed(self, side: UpstreamSide) -> None:
        if self._dates is not None:
            self._dates.close()
        await side.closed()


def _stats(member: Member) -> WorkerStats:
    return WorkerStats(
        worker=member.number,
        pid=member.process.pid,
        state=member.stage,
        uptime_s=member.age(),
        requests_total=member.tally.requests,
        connections_open=member.tally.connections_open,
    )
