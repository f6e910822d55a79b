"""A whole gateway that listens, with its upstreams and clients, for one test."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from abi_engine.core.clock import SystemClock
from abi_engine.core.events import Event, EventLog
from abi_engine.core.feature import Context
from abi_engine.features.gateway.api import Route, UpstreamStats
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.gateway import Gateway
from abi_engine.features.gateway.outward import LookUp
from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.upstream import Script, Upstream, answering


class Served:
    """The gateway; everything that is opened by it is closed at the end.

    Args:
        data_dir: of the gateway.
        look_up: answers for the names of upstreams.
        **settings: of `GatewayConfig`.
    """

    def __init__(self, data_dir: Path, *, look_up: LookUp | None = None, **settings: Any) -> None:
        self._stack = ExitStack()
        data_dir.mkdir(exist_ok=True)
        clock = SystemClock()
        self.events = EventLog(clock)
        context = Context(clock, self.events, data_dir, listening=True)
        config = GatewayConfig(**{"port": 0, "linger": 0.2, "access_log": "", **settings})
        self.gateway = Gateway(config, context)
        if look_up is not None:
            self.gateway._outward.look_up = look_up
        self.gateway.start()
        self._stack.callback(self.gateway.stop, 5.0)

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._stack.close()

    def upstream(self, script: Script | None = None, **options: Any) -> Upstream:
        return self._stack.enter_context(Upstream(script or answering(), **options))

    def serve(self, script: Script | None = None, **settings: Any) -> Upstream:
        """One upstream behind `/`, with these settings of the route."""
        upstream = self.upstream(script)
        self.route("/", upstream.url, **settings)
        return upstream

    def route(self, path: str, *upstreams: str, **settings: Any) -> None:
        """A route without a limit."""
        self.gateway.add_route(Route(path, upstreams, **{"limit": None, **settings}))

    def client(self) -> Client:
        host, _, port = self.gateway.report().listening.removeprefix("http://").rpartition(":")
        return self._stack.enter_context(Client((host, int(port))))

    def inside(self, look: Callable[[Any], Any]) -> Any:
        """What `look` says of the data plane, asked in its own thread."""
        proxy: Any = self.gateway._listening._proxy

        async def ask() -> Any:
            return look(proxy._plane)

        return proxy._thread.run(ask(), 5)

    def known(self, upstream: str) -> UpstreamStats:
        """What is known of an upstream."""
        return next(row for row in self.gateway.breakers() if row.upstream == upstream)

    def told(self, kind: str) -> list[Event]:
        """The events of one kind, oldest first."""
        return [event for event in reversed(self.events.latest(4096)) if event.kind == kind]
