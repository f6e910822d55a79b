"""The side of the data plane towards upstreams: names, connections, health checks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from abi_engine.core.events import EventLog
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.outward import Outward
from abi_engine.features.gateway.proxy.connector import Connector
from abi_engine.features.gateway.proxy.health import HealthChecker
from abi_engine.features.gateway.proxy.pool import Pool
from abi_engine.features.gateway.proxy.resolver import Resolver


class UpstreamSide:
    """Belongs to the loop's thread, but for `addresses`.

    Args:
        loop: runs it.
        config: of the gateway.
        events: where it says what happened.
        random: jitter.
        outward: what the gateway gives it.

    Attributes:
        pool: the connections that requests go over.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        config: GatewayConfig,
        events: EventLog,
        random: Random,
        outward: Outward,
    ) -> None:
        self._checks = outward.checks
        self._resolver = Resolver(loop, config.dns_refresh, events, look_up=outward.look_up)
        connector = Connector(loop, self._resolver, outward.contexts, events)
        self.pool = Pool(loop, connector, config.pool_size, config.pool_idle)
        self._checker: HealthChecker | None = None
        if self._checks is not None:
            self._checker = HealthChecker(loop, connector, self._checks, random)

    def begin(self, post: Callable[[Callable[[], None]], None]) -> None:
        """Run health checks from now on. Any thread.

        Args:
            post: has the loop make a call.
        """
        if self._checks is not None and self._checker is not None:
            follow = self._checker.follow
            self._checks.on_set = lambda: post(follow)
            post(follow)

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of an upstream's host, as far as they are known. Any thread."""
        return self._resolver.known(host)

    def reconfigure(self, config: GatewayConfig) -> None:
        """Other settings, for what begins from now on; TLS is made anew from its files."""
        self._resolver.refresh = config.dns_refresh
        self.pool.size = config.pool_size
        self.pool.idle_time = config.pool_idle
        self.pool.forget_tls()

    async def closed(self) -> None:
        """Close everything; whoever used a connection must have left it."""
        if self._checks is not None and self._checker is not None:
            self._checks.on_set = None
            await self._checker.stop()
        await self.pool.closed()
        self._resolver.close()
