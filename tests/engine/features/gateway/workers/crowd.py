"""A gateway with worker processes, its upstreams and its clients, for one test."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

from abi_engine.core.clock import SystemClock
from abi_engine.core.events import Event, EventLog
from abi_engine.core.feature import Context
from abi_engine.core.inherited import InheritedSockets
from abi_engine.features.gateway.api import Route
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.gateway import Gateway
from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Script, Upstream, answering


class Crowd:
    """A gateway that listens with workers; everything is closed at the end."""

    def __init__(
        self,
        data_dir: Path | None = None,
        workers: int = 2,
        sockets: InheritedSockets | None = None,
        **settings: Any,
    ) -> None:
        self._stack = ExitStack()
        self.clock = SystemClock()
        self.events = EventLog(self.clock)
        config = GatewayConfig(port=0, workers=workers, linger=0.5, **settings)
        context = Context(
            self.clock,
            self.events,
            data_dir,
            listening=True,
            sockets=sockets or InheritedSockets(),
        )
        self.gateway = Gateway(config, context)
        self._clients: list[Client] = []

    def __enter__(self) -> Crowd:
        self.gateway.start()
        self._stack.callback(self.gateway.stop, 10.0)
        return self

    def __exit__(self, *rest: object) -> None:
        self._stack.close()

    @property
    def address(self) -> tuple[str, int]:
        found = self.gateway._listening.address
        assert found is not None
        return found

    @property
    def pids(self) -> list[int]:
        return [worker.pid for worker in self.gateway.workers()]

    def upstream(self, script: Script | None = None, **options: Any) -> Upstream:
        return self._stack.enter_context(Upstream(script or answering(), **options))

    def client(self, **options: Any) -> Client:
        client = self._stack.enter_context(Client(self.address, **options))
        self._clients.append(client)
        return client

    def clients(self, each: int = 1) -> list[Client]:
        """Connections, so many at least to each worker."""
        before = self.connections()
        found: list[Client] = []
        while len(found) < 200:
            found += [self.client() for _ in range(4 * each + 4)]
            now = self.connections()
            if all(now[number] - count >= each for number, count in before.items()):
                return found
        raise AssertionError(f"connections are not spread: {now}")

    def one_to_each(self) -> list[Client]:
        """A connection to each worker, in their order."""
        found: dict[int, Client] = {}
        while len(found) < len(self.gateway.workers()):
            before, client = self.connections(), self.client()
            now = self.connections()
            found |= {number: client for number in now if now[number] > before[number]}
        return [client for _, client in sorted(found.items())]

    def leave(self) -> None:
        """Close every connection."""
        for client in self._clients:
            client.socket.close()

    def connections(self) -> dict[int, int]:
        """Open connections by worker, once all are counted."""

        def look() -> dict[int, int]:
            return {one.worker: one.connections_open for one in self.gateway.workers()}

        until(lambda: sum(look().values()) == self._open(), 10.0)
        return look()

    def _open(self) -> int:
        self._clients = [one for one in self._clients if one.socket.fileno() != -1]
        return len(self._clients)

    def told(self, kind: str) -> list[Event]:
        """The events of one kind, oldest first."""
        return [event for event in reversed(self.events.latest(4096)) if event.kind == kind]


def route(path: str, *upstreams: str, **options: Any) -> Route:
    """A route without a limit, unless `options` have one."""
    return Route(path, upstreams, **{"limit": None, **options})


def in_threads(*works: Any) -> None:
    """Run these at the same time; what one raises is raised here."""
    errors: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
