"""Whoever operates the gateway under load: looks, adds, removes, reloads, and kills an upstream."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import traceback
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from threading import Event, Thread
from typing import Self

from abi_engine.features.gateway.api import GatewayReport, Route
from abi_engine.service.client import Client
from abi_engine.service.launch import Ready
from tests.engine.features.gateway.mixed import upstreams
from tests.engine.features.gateway.mixed.upstreams import filling

PACE = 0.05
ANSWERED = re.compile(r'^abi_gateway_requests_total\{class="[^"]*"\} (\d+)', re.MULTILINE)


@contextmanager
def served(*ports: int) -> Iterator[list[int]]:
    """Upstreams in a process of their own, and their ports; that of WebSocket comes last."""
    command = [sys.executable, str(Path(upstreams.__file__)), *map(str, ports)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


class Operator:
    """Does one thing after the other in a thread, between entering and leaving.

    Args:
        ready: the engine.
        data_dir: of it.
        rewrite: writes its configuration, with a number that is to be another each time.
        calm: the URL of an upstream that is well.
        flapping: the port of the one that is killed.
    """

    def __init__(
        self,
        ready: Ready,
        data_dir: Path,
        rewrite: Callable[[int], None],
        calm: str,
        flapping: int,
    ) -> None:
        self.client = Client(ready.socket, timeout=30.0)
        self.done = 0
        self.failures: list[str] = []
        self._ready = ready
        self._token = (data_dir / "admin.token").read_text().strip()
        self._rewrite = rewrite
        self._calm = calm
        self._flapping = flapping
        self._turns = count(1)
        self._answered = 0
        self._over = Event()

    def __enter__(self) -> Self:
        self._over.clear()
        self._thread = Thread(target=self._main, name="operator")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _main(self) -> None:
        works: Sequence[Callable[[], None]] = (self.look, self.route, self.look, self.key)
        try:
            while not self._over.is_set():
                with served(self._flapping):
                    for work in (*works, self.reload, *works):
                        work()
                        self._over.wait(PACE)
                self.done += 1
                self._over.wait(10 * PACE)  # in which the upstream is gone
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.failures.append("".join(traceback.format_exception(error)))

    def look(self) -> None:
        """What a dashboard, a scraper and a curious person ask for."""
        gateway = self.client.gateway
        stats = gateway.stats()
        assert stats.traffic.in_flight >= 0
        assert self.client.system.report().of("gateway", GatewayReport) is not None
        assert gateway.route_stats().total == stats.routes
        assert gateway.route_detail("/steady/*").stats.path == "/steady/*"
        assert gateway.limits()
        assert gateway.breakers()
        assert gateway.api_keys()
        answered = sum(map(int, ANSWERED.findall(self.metrics())))
        assert answered >= max(self._answered, 1)
        self._answered = answered

    def metrics(self) -> str:
        request = urllib.request.Request(
            f"{self._ready.admin.rstrip('/')}/metrics",
            headers={"Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text: str = answer.read().decode()
        return text

    def route(self) -> None:
        """A route is there when it was added, and gone when it was removed."""
        nonce, gateway = f"added-{next(self._turns)}", self.client.gateway
        gateway.add_route(Route(f"/{nonce}/*", (self._calm,), limit=None))
        answer = gateway.send_test_request(f"/{nonce}/{nonce}?size=100")
        assert (answer.status, answer.body) == (200, filling(nonce, 100)), answer
        assert gateway.remove_route(f"/{nonce}/*")
        assert gateway.send_test_request(f"/{nonce}/{nonce}").status == 404

    def key(self) -> None:
        name, gateway = f"key-{next(self._turns)}", self.client.gateway
        gateway.add_api_key(name)
        assert name in {key.name for key in gateway.api_keys()}
        assert gateway.remove_api_key(name)

    def reload(self) -> None:
        """Write the configuration anew, and wait until it is in force."""
        with closing(self.client.system.watch_events(source="engine")) as events:
            self._rewrite(next(self._turns))
            os.kill(self._ready.pid, signal.SIGHUP)
            event = next(event for event in events if event.kind.startswith("reload"))
        assert event.kind == "reloaded", event
