"""What routes ask for, where several processes serve them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest

from abi_engine.core.errors import InvalidConfig
from abi_engine.features.gateway.api import (
    Concurrency,
    HealthCheck,
    LimitBy,
    Route,
    RouteAuth,
    RouteLimit,
    WorkerState,
)
from abi_engine.features.gateway.config import Certificate, GatewayConfig, Limits, Tls
from abi_engine.features.gateway.workers.follow import share, shared_out
from tests.engine.features.gateway.proxy.secure import Authority, tls
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Visit
from tests.engine.features.gateway.workers.crowd import Crowd, in_threads, route

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    with Crowd(tmp_path_factory.mktemp("data")) as made:
        yield made


def test_a_key_opens_a_route_in_every_worker_when_making_it_returns(crowd: Crowd) -> None:
    upstream, clients = crowd.upstream(), crowd.one_to_each()
    limit = RouteLimit(rate=1e-3, burst=4, by=LimitBy.KEY)
    crowd.gateway.add_route(route("/keys", upstream.url, auth=RouteAuth(), limit=limit))
    crowd.gateway.add_route(route("/more", upstream.url, auth=RouteAuth()))
    new = crowd.gateway.add_api_key("ci")
    header = f"X-API-Key: {new.key}"
    for client in clients * 2:
        assert client.get("/keys").status == 401
        assert client.get("/keys", header).status == 200

    def used() -> int:
        (key,) = crowd.gateway.api_keys()
        assert key.name == "ci"
        return key.requests_total

    until(lambda: used() == 4)
    assert {client.get("/keys", header).status for client in clients} == {429}
    assert {client.get("/more", header).status for client in clients} == {200}
    assert crowd.gateway.remove_api_key("ci")
    assert {client.get("/more", header).status for client in clients} == {401}
    crowd.gateway.remove_route("/keys")


def test_workers_share_out_what_is_worked_on_at_once() -> None:
    settings = Concurrency(limit=5, queue=3, queue_timeout=2.0)
    parts = [shared_out(Route("/", ("http://a",), concurrency=settings), n, 3) for n in range(3)]
    found = [part.concurrency for part in parts if part.concurrency is not None]
    assert [(part.limit, part.queue) for part in found] == [(2, 1), (2, 1), (1, 1)]
    assert sum(share(17, number, 4) for number in range(4)) == 17
    alone = Route("/", ("http://a",), concurrency=Concurrency(limit=1))
    assert shared_out(alone, 1, 2).concurrency == Concurrency(limit=1), "or it serves nobody"


def test_no_more_is_worked_on_at_once_than_the_route_says(crowd: Crowd) -> None:
    inside, go_on = [], Event()

    def slow(visit: Visit) -> None:
        while visit.read_head():
            inside.append(1)
            go_on.wait(10)
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    upstream, clients = crowd.upstream(slow), crowd.clients(each=4)
    settings = Concurrency(limit=4, queue=2, queue_timeout=30.0)
    crowd.gateway.add_route(route("/slow", upstream.url, concurrency=settings))
    statuses: list[int] = []

    def rest() -> None:
        until(lambda: len(inside) == 4)
        until(lambda: statuses.count(503) == len(clients) - 6)
        until(lambda: crowd.gateway.route_detail("/slow").stats.queued == 2)
        until(lambda: crowd.gateway.route_detail("/slow").stats.traffic.in_flight >= 4)
        assert len(inside) == 4
        go_on.set()

    in_threads(rest, *(lambda one=one: statuses.append(one.get("/slow").status) for one in clients))
    assert statuses.count(200) == 6
    until(lambda: crowd.gateway.route_detail("/slow").stats.queued == 0)
    stats = crowd.gateway.route_detail("/slow").stats
    assert stats.crowded_total == len(clients) - 6
    crowd.gateway.remove_route("/slow")


def test_an_upstream_is_asked_by_one_whether_it_is_well_and_all_go_by_it(
    crowd: Crowd,
) -> None:
    ill = Event()

    def moody(visit: Visit) -> None:
        while head := visit.read_head():
            bad = ill.is_set() and b"/health" in head
            word = b"503 Ill" if bad else b"200 OK"
            visit.send(b"HTTP/1.1 " + word + b"\r\nContent-Length: 0\r\n\r\n")

    first, second = crowd.upstream(moody), crowd.upstream()
    check = HealthCheck(path="/health", interval=0.1, healthy=1, unhealthy=1)
    crowd.gateway.add_route(route("/well", first.url, second.url, health_check=check))
    clients = crowd.one_to_each()
    until(lambda: all(one.healthy for one in crowd.gateway.route_detail("/well").upstreams))
    ill.set()
    until(lambda: crowd.told("upstream_unhealthy") != [])
    before = heads(first)

    def avoided() -> bool:
        before = heads(first)
        for client in clients * 4:
            assert client.get("/well").status == 200
        return heads(first) == before

    until(avoided)
    ill.clear()
    until(lambda: crowd.told("upstream_healthy") != [])
    until(lambda: not avoided())
    assert heads(first) > before
    crowd.gateway.remove_route("/well")


def heads(upstream: Any) -> int:
    """Requests that were no question for its health."""
    return sum(b"/health" not in head for head in upstream.heads)


def test_all_workers_write_into_one_access_log(crowd: Crowd) -> None:
    upstream, clients = crowd.upstream(), crowd.one_to_each()
    crowd.gateway.add_route(route("/logged", upstream.url))
    for number in range(50):
        for client in clients:
            assert client.get(f"/logged?{number}").status == 200
    assert crowd.gateway.context.data_dir is not None
    path = crowd.gateway.context.data_dir / "access.log"

    def lines() -> list[dict[str, Any]]:
        text = path.read_text() if path.exists() else ""  # the first lines come a moment later
        rows = [json.loads(line) for line in text.splitlines()]
        return [row for row in rows if row["route"] == "/logged"]

    until(lambda: len(lines()) == 100)
    assert len({row["request_id"] for row in lines()}) == 100
    crowd.gateway.remove_route("/logged")


def test_a_reload_reaches_every_worker_and_a_bad_one_none(crowd: Crowd, tmp_path: Path) -> None:
    upstream, clients = crowd.upstream(), crowd.one_to_each()
    kept = crowd.gateway.config
    better = changed(
        kept,
        routes=(route("/reloaded", upstream.url),),
        limits=msgspec.structs.replace(kept.limits, url_size=64),
    )
    crowd.gateway.reconfigure(better)
    assert {client.get("/reloaded").status for client in clients} == {200}
    long = "/reloaded?" + "x" * 80
    assert {client.get(long).status for client in crowd.one_to_each()} == {414}
    crowd.leave()
    missing = Certificate(str(tmp_path / "none.pem"), str(tmp_path / "none.key"))
    with pytest.raises(InvalidConfig, match=r"none\.pem"):
        crowd.gateway.reconfigure(changed(kept, tls=Tls(certificates=(missing,))))
    assert {client.get("/reloaded").status for client in crowd.one_to_each()} == {200}
    crowd.leave()
    os.kill(crowd.pids[0], signal.SIGKILL)
    until(lambda: len(crowd.told("worker_died")) == 1, 20.0)
    until(lambda: {one.state for one in crowd.gateway.workers()} == {WorkerState.SERVING}, 20.0)
    until(lambda: len(crowd.pids) == 2, 20.0)
    assert {client.get("/reloaded").status for client in crowd.one_to_each()} == {200}
    assert {client.get(long).status for client in crowd.one_to_each()} == {414}
    crowd.leave()
    crowd.gateway.reconfigure(changed(kept))
    assert {client.get("/reloaded").status for client in crowd.one_to_each()} == {404}


def changed(config: GatewayConfig, **settings: Any) -> GatewayConfig:
    return msgspec.structs.replace(config, **settings)


def test_a_certificate_that_expires_is_said_once_at_the_start_and_at_each_reload(
    tmp_path: Path,
) -> None:
    soon = Authority(tmp_path).issue("soon.test", not_after=datetime.now(UTC) + timedelta(days=3))
    with Crowd(tls=tls(soon)) as crowd:
        assert len(crowd.told("certificate_expires_soon")) == 1
        crowd.gateway.reconfigure(crowd.gateway.config)
        crowd.gateway.add_route(route("/later", "http://127.0.0.1:1"))  # every worker has heard it
        assert len(crowd.told("certificate_expires_soon")) == 2


def test_files_that_cannot_be_used_keep_workers_from_starting(tmp_path: Path) -> None:
    missing = Certificate(str(tmp_path / "none.pem"), str(tmp_path / "none.key"))
    crowd = Crowd(tls=Tls(certificates=(missing,)), limits=Limits(connections=3))
    with pytest.raises(InvalidConfig, match=r"none\.pem"):
        crowd.gateway.start()
    assert crowd.gateway.workers() == ()
