"""A gateway without a listener, in a time that the test moves."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

from abi_engine.core.clock import ManualClock
from abi_engine.core.events import Event, EventLog
from abi_engine.core.feature import Context
from abi_engine.features.gateway.admission import Admission, Attempt, Refusal
from abi_engine.features.gateway.api import Route
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.gateway import Gateway

UPSTREAM = "http://127.0.0.1:9001"


class MadeGateway:
    """A gateway that runs, its clock and its events.

    Args:
        *routes: of the configuration.
        data_dir: where routes last.
        **settings: of `GatewayConfig`.
    """

    def __init__(self, *routes: Route, data_dir: Path | None = None, **settings: Any) -> None:
        self.clock = ManualClock()
        self.events = EventLog(self.clock)
        self.context = Context(self.clock, self.events, data_dir)
        self.gateway = Gateway(GatewayConfig(routes=routes, **settings), self.context)
        self.gateway.start()
        self.admitter = self.gateway._admitter

    def admit(
        self, target: str, method: str = "GET", *, address: str = "10.0.0.1", **headers: str
    ) -> Admission | Refusal:
        return self.admitter.admit(method, target, address, headers_of(headers))

    def admitted(self, target: str, method: str = "GET", **headers: str) -> Admission:
        admission = self.admit(target, method, **headers)
        assert not isinstance(admission, Refusal), admission
        return admission

    def attempt(self, admission: Admission, *exclude: str) -> Attempt:
        attempt = admission.attempt(frozenset(exclude))
        assert not isinstance(attempt, Refusal), attempt
        return attempt

    def request(self, target: str, status: int = 200, latency: float = 0.01) -> str:
        """A whole request that its first upstream answers; tells which that is."""
        admission = self.admitted(target)
        attempt = self.attempt(admission)
        if status >= 500:
            attempt.failed(f"answered {status}", latency, status)
        else:
            attempt.succeeded(latency, status)
        admission.finish(status, latency, bytes_in=3, bytes_out=5, cancelled=False)
        return attempt.upstream.name

    def told(self, kind: str) -> list[Event]:
        """The events of one kind, oldest first."""
        return [event for event in reversed(self.events.latest(4096)) if event.kind == kind]


def headers_of(headers: dict[str, str]) -> Callable[[str], str | None]:
    """Gives values by lower-case name with `-`, as the data plane does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return named.get


def route(path: str, *methods: str, upstreams: tuple[str, ...] = (UPSTREAM,), **rest: Any) -> Route:
    """A route without a limit, unless `rest` has one."""
    return Route(path, upstreams, methods=methods, **{"limit": None, **rest})


def together(count: int, work: Callable[[int], None]) -> None:
    """Run `work` in `count` threads that begin at the same moment."""
    errors: list[BaseException] = []
    barrier = Barrier(count)

    def run(number: int) -> None:
        try:
            barrier.wait(30)
            work(number)
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [Thread(target=run, args=(number,)) for number in range(count)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that they meet in the middle of everything
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert not any(thread.is_alive() for thread in threads)
    assert errors == []
