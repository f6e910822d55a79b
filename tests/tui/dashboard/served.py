"""A canned engine behind a real control socket, whose every figure changes with every report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Condition, Event
from types import TracebackType
from typing import Any, Self

import msgspec

from abi_engine.catalogue import BUILT_IN
from abi_engine.core.stream import Stream
from abi_engine.features.gateway.api import GatewayReport, RouteStats
from abi_engine.service.server import Server
from abi_engine.system import Report
from tests.tui.dashboard.canned import (
    NOW,
    CannedEngine,
    CannedSystem,
    gateway_report,
    report,
)

DEADLINE = 20.0


class Served:
    """Serves reports at the pace that the client asks for, and counts them.

    Args:
        place: a directory that it may make for its socket.
    """

    def __init__(self, place: Path) -> None:
        place.mkdir(mode=0o700)
        self.path = str(place / "x.sock")
        self.made = 0
        self._readers = 0
        self._changed = Condition()
        self._moving = Event()
        self._moving.set()
        self._engine = CannedEngine()
        self._engine.catalogue = {row.name: row for row in BUILT_IN}  # type: ignore[attr-defined]
        self._engine.system = _System(self._engine, self)
        self._server = Server(self._engine, Path(self.path))  # type: ignore[arg-type]

    def stream(self, interval: float) -> Stream[Report]:
        """Reports until it is closed."""
        closed = Event()
        with self._changed:
            self._readers += 1

        def reports() -> Iterator[Report]:
            while not closed.is_set():
                self._moving.wait(DEADLINE)
                with self._changed:
                    self.made += 1
                    self._changed.notify_all()
                yield changing(self.made)
                closed.wait(interval)

        def close() -> None:
            if not closed.is_set():
                closed.set()
                with self._changed:
                    self._readers -= 1
                    self._changed.notify_all()

        return Stream(reports(), close)

    def wait_for(self, made: int) -> None:
        """Wait until so many reports were made."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.made >= made, DEADLINE)

    def wait_until_left(self) -> None:
        """Wait until nobody reads a stream."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._readers == 0, DEADLINE)

    def stall(self) -> None:
        """Answer nothing more."""
        self._moving.clear()

    def go_on(self) -> None:
        """Answer again."""
        self._moving.set()

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.go_on()
        self._server.stop(5.0)


class _System(CannedSystem):
    def __init__(self, engine: CannedEngine, served: Served) -> None:
        super().__init__(engine)
        self._served = served

    def watch(self, *, interval: float = 1.0) -> Stream[Report]:
        return self._served.stream(interval)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def changing(number: int) -> Report:
    """Another report, in which every figure that the screen shows is another one."""
    at = NOW + timedelta(seconds=number)
    gateway = gateway_report(at, wave=number)
    rows = tuple(_moved(row, number) for row in gateway.routes)
    made: GatewayReport = msgspec.structs.replace(gateway, routes=rows)
    return report(1000 + number, at, gateway=made)


def _moved(row: RouteStats, number: int) -> RouteStats:
    traffic = row.traffic
    latency = msgspec.structs.replace(
        traffic.latency,
        p50_ms=(traffic.latency.p50_ms or 0.0) + number % 7,
        p99_ms=(traffic.latency.p99_ms or 0.0) + number % 11,
    )
    moved = msgspec.structs.replace(
        traffic,
        rate_per_s=traffic.rate_per_s + number,
        error_percent=(traffic.error_percent + number) % 100,
        latency=latency,
    )
    return msgspec.structs.replace(row, traffic=moved)
