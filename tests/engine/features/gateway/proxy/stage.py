"""A proxy with its upstreams and clients, for one test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from abi_engine.core.clock import SystemClock
from abi_engine.core.events import EventLog
from abi_engine.core.feature import Context
from abi_engine.features.gateway.api import Route, Timeouts
from abi_engine.features.gateway.config import GatewayConfig, Limits
from abi_engine.features.gateway.outward import Outward
from abi_engine.features.gateway.proxy.proxy import Proxy
from tests.engine.features.gateway.proxy.admitting import Admitting
from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.upstream import Script, Upstream, answering

LIMITS = Limits(header_timeout=5.0, keepalive_timeout=5.0, body_grace=5.0)


class Stage:
    """A proxy with its upstreams and clients; everything it opens is closed at the end."""

    def __init__(self, data_dir: Path) -> None:
        self._stack = ExitStack()
        self.data_dir = data_dir
        self.clock = SystemClock()
        self.events = EventLog(self.clock)
        self.admitter = Admitting()
        self.proxy: Proxy = None

    def upstream(self, script: Script | None = None, **options: Any) -> Upstream:
        return self._stack.enter_context(Upstream(script or answering(), **options))

    def start(
        self,
        *routes: Route,
        limits: Limits = LIMITS,
        linger: float = 0.5,
        access_log: str = "",
        outward: Outward | None = None,
        **settings: Any,
    ) -> Proxy:
        self.admitter.routes = list(routes)
        config = GatewayConfig(
            port=0, limits=limits, linger=linger, access_log=access_log, **settings
        )
        context = Context(self.clock, self.events, self.data_dir)
        self.proxy = Proxy(config, self.admitter, context, outward=outward)
        self.proxy.start()
        self._stack.callback(self.proxy.stop, 5.0)
        return self.proxy

    def serve(self, script: Script | None = None, **settings: Any) -> Upstream:
        """One upstream behind `/`; settings of the route go by `route=`."""
        options = settings.pop("route", {})
        upstream = self.upstream(script)
        self.start(route("/", upstream.url, **options), **settings)
        return upstream

    def client(self, **options: Any) -> Client:
        assert self.proxy.address is not None
        return self._stack.enter_context(Client(self.proxy.address, **options))

    def inside(self, look: Callable[[Any], Any]) -> Any:
        """What `look` says of the data plane, asked in its own thread."""

        async def ask() -> Any:
            return look(self.proxy._plane)

        thread = self.proxy._thread
        assert thread is not None
        return thread.run(ask(), 5)

    def eventually(self, look: Callable[[Any], bool]) -> None:
        """Wait until `look` says yes of the data plane."""
        until(lambda: self.inside(look))

    def close(self) -> None:
        self._stack.close()


def until(condition: Callable[[], bool], deadline: float = 5.0) -> None:
    """Wait until it holds; fail if it does not within the deadline."""
    end, pause = time.monotonic() + deadline, threading.Event()
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        pause.wait(0.005)


def route(path: str, *upstreams: str, **options: Any) -> Route:
    """A route without a limit of its rate."""
    timeouts = options.pop("timeouts", {})
    return Route(
        path, upstreams, limit=None, timeouts=msgspec.convert(timeouts, Timeouts), **options
    )
