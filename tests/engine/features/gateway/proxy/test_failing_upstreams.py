"""Upstreams that fail, all of them or in turn, behind the whole gateway."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import NamedTuple

import pytest

from abi_engine.core.clock import SystemClock
from abi_engine.core.events import Event, EventLog
from abi_engine.core.feature import Context
from abi_engine.features.gateway.api import Route
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.gateway import Gateway
from abi_engine.runtime.breaker import BreakerSettings, BreakerState
from tests.engine.features.gateway.proxy import plain_server
from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Script, Upstream, Visit, answering
from tests.scale import scaled

REQUESTS = scaled(400, 10_000)
CLIENTS = 64
FLAPS = scaled(3, 20)
RESET = 0.5
BREAKER = BreakerSettings(reset_timeout=RESET)


@pytest.fixture
def events() -> EventLog:
    return EventLog(SystemClock())


@pytest.fixture
def gateway(tmp_path: Path, events: EventLog) -> Iterator[Gateway]:
    context = Context(SystemClock(), events, tmp_path, listening=True)
    gateway = Gateway(GatewayConfig(port=0, linger=0.2, breaker=BREAKER, access_log=""), context)
    gateway.start()
    yield gateway
    gateway.stop(5.0)


def place(gateway: Gateway) -> tuple[str, int]:
    host, _, port = gateway.report().listening.removeprefix("http://").rpartition(":")
    return host, int(port)


def resetting(visit: Visit) -> None:
    visit.read_head()
    visit.reset()


@pytest.mark.parametrize("script", [answering(b"no", "503 Busy"), resetting])
@pytest.mark.parametrize("breaking", [True, False])
def test_retries_add_a_fifth_at_most_where_all_upstreams_fail(
    gateway: Gateway, script: Script, breaking: bool
) -> None:
    with ExitStack() as stack:
        upstreams = [stack.enter_context(Upstream(script)) for _ in range(3)]
        gateway.add_route(Route("/", tuple(one.url for one in upstreams), limit=None))
        for upstream in upstreams:
            if not breaking:
                gateway.force_breaker(upstream.url, BreakerState.CLOSED)
        client = stack.enter_context(Client(place(gateway)))
        for _ in range(REQUESTS):
            assert client.get().status in (502, 503)
        load = sum(len(upstream.heads) for upstream in upstreams)
        assert load <= REQUESTS * 1.2
        if not breaking:
            assert load == REQUESTS * 1.2  # the most that it may be: nothing hides it
        assert gateway.stats().traffic.retries_total <= REQUESTS * 0.2


class Failure(NamedTuple):
    """A request that came to nothing; `begun` in the clock's time."""

    begun: float
    what: str


class Crowd:
    """Clients that ask and ask, each on a connection of its own, until they are stopped."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._end = Flag()
        self._thread = Thread(target=lambda: asyncio.run(self._main()))
        self.answered = 0
        self.failures: list[Failure] = []

    def __enter__(self) -> Crowd:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(30)
        assert not self._thread.is_alive()

    def ask_more(self) -> None:
        """Wait until every client has asked some more."""
        enough = self.answered + 10 * CLIENTS
        until(lambda: self.answered >= enough, 30)

    async def _main(self) -> None:
        await asyncio.gather(*(self._ask() for _ in range(CLIENTS)))

    async def _ask(self) -> None:
        reader, writer = await asyncio.open_connection(*self._address)
        while not self._end.is_set():
            begun = time.monotonic()
            writer.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            _, _, length = head.partition(b"Content-Length: ")
            await reader.readexactly(int(length.partition(b"\r\n")[0]))
            if head.startswith(b"HTTP/1.1 200 "):
                self.answered += 1
            else:
                self.failures.append(Failure(begun, head.decode()))
        writer.close()


def serve(port: int = 0) -> tuple[subprocess.Popen[str], int]:
    """An upstream, and its port."""
    command = (sys.executable, str(Path(plain_server.__file__)), str(port))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def kill(process: subprocess.Popen[str]) -> None:
    """End it at once."""
    with process:
        process.kill()


def transitions(events: EventLog, after: int) -> list[Event]:
    """Those of breakers behind the event with this number, oldest first."""
    found = (event for event in events.latest(4096) if event.id > after)
    return [event for event in reversed(list(found)) if event.kind.startswith("breaker_")]


def check_recovery(told: list[Event], url: str) -> None:
    """Once the upstream is there again, the first reset time that begins is the last.

    One that ran out just before may have sent its trial too early, so that another had to begin.
    """
    assert {event.subject for event in told} <= {url}
    kinds = [event.kind.removeprefix("breaker_") for event in told]
    whole = ["opened", "half_open", "closed"]
    assert kinds in [whole[start:] for start in range(4)], told
    for event in told:
        if event.kind == "breaker_half_open":
            assert event.message.endswith(f"reset after {RESET:g} s")


@pytest.mark.timeout(scaled(120, 600))
def test_an_upstream_that_flaps_costs_what_was_in_flight_and_recovers_in_one_reset_time(
    gateway: Gateway, events: EventLog
) -> None:
    steady, steady_port = serve()
    flapping, port = serve()
    url = f"http://127.0.0.1:{port}"
    try:
        gateway.add_route(Route("/", (f"http://127.0.0.1:{steady_port}", url), limit=None))
        with Crowd(place(gateway)) as crowd:
            for _ in range(FLAPS):
                crowd.ask_more()
                earlier = len(crowd.failures)
                kill(flapping)
                until(lambda: gateway.breaker_state(url) is not BreakerState.CLOSED, 10)
                opened = time.monotonic()
                crowd.ask_more()
                flapping, _ = serve(port)
                back = events.latest(1)[0].id
                until(lambda: gateway.breaker_state(url) is BreakerState.CLOSED, 60)
                check_recovery(transitions(events, back), url)
                crowd.ask_more()
                failures = crowd.failures[earlier:]
                assert len(failures) <= CLIENTS
                assert all(failure.begun <= opened for failure in failures), failures
    finally:
        kill(flapping)
        kill(steady)
    assert gateway.stats().traffic.in_flight == 0
