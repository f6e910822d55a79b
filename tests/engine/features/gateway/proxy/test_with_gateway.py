"""The data plane with the real library plane: what a route's settings do to real requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from abi_engine.core.clock import SystemClock
from abi_engine.core.events import EventLog
from abi_engine.core.feature import Context
from abi_engine.features.gateway.api import GatewayStats, Route, RouteLimit
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.gateway import Gateway
from abi_engine.runtime.breaker import BreakerSettings, BreakerState
from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Upstream, Visit, answering

BREAKER = BreakerSettings(failure_threshold=3, reset_timeout=0.2, half_open_max=1)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    clock = SystemClock()
    context = Context(clock, EventLog(clock), tmp_path, listening=True)
    gateway = Gateway(GatewayConfig(port=0, linger=0.2, breaker=BREAKER), context)
    gateway.start()
    yield gateway
    gateway.stop(5.0)


def client(gateway: Gateway) -> Client:
    host, _, port = gateway.report().listening.removeprefix("http://").rpartition(":")
    return Client((host, int(port)))


def test_a_breaker_opens_probes_and_closes_as_its_upstream_fails_and_recovers(
    gateway: Gateway,
) -> None:
    healthy = [False]

    def script(visit: Visit) -> None:
        while visit.read_head():
            status = b"200 OK" if healthy[0] else b"500 Broken"
            visit.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")

    with Upstream(script) as upstream:
        gateway.add_route(Route("/", (upstream.url,), limit=None))
        with client(gateway) as asking:
            assert [asking.get().status for _ in range(3)] == [500, 500, 500]
            refused = asking.get()
            assert (refused.status, refused.fields[b"retry-after"]) == (503, b"1")
            assert gateway.breaker_state(upstream.url) is BreakerState.OPEN
            assert len(upstream.heads) == 3
            healthy[0] = True
            until(lambda: asking.get().status == 200)
            until(lambda: gateway.breaker_state(upstream.url) is BreakerState.CLOSED)


def test_a_client_over_its_limit_is_told_when_to_come_back(gateway: Gateway) -> None:
    with Upstream(answering()) as upstream:
        limit = RouteLimit(rate=0.001, burst=2)
        gateway.add_route(Route("/", (upstream.url,), limit=limit))
        with client(gateway) as asking:
            answers = [asking.get() for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
        assert int(answers[2].fields[b"retry-after"]) > 1
        assert len(upstream.heads) == 2


def test_what_went_through_is_counted_once(gateway: Gateway) -> None:
    with Upstream(answering()) as upstream:
        gateway.add_route(Route("/there", (upstream.url,), methods=("GET", "POST"), limit=None))
        with client(gateway) as asking:
            assert asking.get("/there").status == 200
            assert asking.post("/there", b"four").status == 200
            assert asking.get("/nowhere").status == 404
            assert asking.get("/there", method="PUT").status == 405
            assert asking.get("/there/../../x").status == 400
            asking.send(b"bad\r\n\r\n")
            assert asking.answer().status == 400
            stats: GatewayStats = gateway.stats()
            assert stats.traffic.requests_total == 6
            assert (stats.traffic.status_2xx_total, stats.traffic.status_4xx_total) == (2, 4)
            assert stats.traffic.bytes_in_total == 4
            assert stats.refused_total == 2
            assert stats.traffic.in_flight == 0
            assert (stats.connections_open, stats.connections_total) == (1, 1)
        (row,) = gateway.breakers()
        assert (row.connections_idle, row.connections_busy) == (1, 0)
        assert row.traffic.requests_total == 2
        until(lambda: gateway.stats().connections_open == 0)


def test_requests_go_round_the_upstreams_and_past_one_that_is_down(gateway: Gateway) -> None:
    with Upstream(answering(b"one")) as one, Upstream(answering(b"two")) as two:
        gateway.add_route(Route("/", (one.url, two.url), limit=None))
        with client(gateway) as asking:
            assert sorted(asking.get().body for _ in range(6)) == [b"one"] * 3 + [b"two"] * 3
            gateway.force_breaker(one.url, BreakerState.OPEN)
            assert [asking.get().body for _ in range(4)] == [b"two"] * 4
