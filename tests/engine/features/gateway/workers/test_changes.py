"""Changes that reach workers while they are busy, or only just being begun."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from threading import Thread
from typing import Any

import msgspec
import pytest

from abi_engine.features.gateway.api import Retries, Route, RouteLimit
from abi_engine.features.gateway.reports import WorkerState
from abi_engine.features.gateway.workers import crew as crew_module
from abi_engine.features.gateway.workers.member import launched
from abi_engine.runtime.breaker import BreakerState
from abi_engine.runtime.limiter import LimitKind
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import answering
from tests.engine.features.gateway.workers.crowd import Crowd, route
from tests.engine.features.gateway.workers.test_workers import Moody

pytestmark = pytest.mark.slow

MORE = Retries(attempts=3)


@pytest.fixture(scope="module")
def crowd() -> Iterator[Crowd]:
    with Crowd() as crowd:
        yield crowd


def reconfigure(crowd: Crowd, **settings: Any) -> None:
    gateway = crowd.gateway
    gateway.reconfigure(msgspec.structs.replace(gateway.config, **settings))


def changed(route: Route) -> Route:
    return msgspec.structs.replace(route, retries=MORE)


@pytest.mark.parametrize("path", ["/held", "/elsewhere"])
def test_an_open_breaker_refuses_in_every_worker_while_its_route_is_changed(
    crowd: Crowd, path: str
) -> None:
    upstream = crowd.upstream(answering())
    before = route("/held", upstream.url)
    reconfigure(crowd, routes=(before,))
    crowd.gateway.force_breaker(upstream.url, BreakerState.OPEN)
    clients = crowd.one_to_each()
    assert {client.get("/held").status for client in clients} == {503}
    reconfigure(crowd, routes=(changed(msgspec.structs.replace(before, path=path)),))
    assert {client.get(path).status for client in clients} == {503}
    crowd.gateway.force_breaker(upstream.url, None)
    assert {client.get(path).status for client in clients} == {200}


def test_a_request_under_way_is_counted_to_its_end_while_its_route_is_changed(
    crowd: Crowd,
) -> None:
    moody = Moody()
    moody.fails = False
    before = route("/", crowd.upstream(moody).url)
    reconfigure(crowd, routes=(before,))
    moody.go_on.clear()
    clients = crowd.one_to_each()
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")

    def counted() -> set[tuple[int, int]]:
        detail = crowd.gateway.route_detail("/")
        counts = (detail.stats.traffic, detail.upstreams[0].traffic)
        return {(one.in_flight, one.requests_total) for one in counts}

    until(lambda: counted() == {(2, 0)})
    reconfigure(crowd, routes=(changed(before),))
    moody.go_on.set()
    assert {client.answer().status for client in clients} == {200}
    until(lambda: counted() == {(0, 2)})


def test_a_limit_that_is_spent_stays_spent_while_its_route_is_changed(crowd: Crowd) -> None:
    limit = RouteLimit(kind=LimitKind.FIXED_WINDOW, rate=4 / 3600, window=3600)
    before = route("/few", crowd.upstream(answering()).url, limit=limit)
    reconfigure(crowd, routes=(before,))
    for client in crowd.one_to_each():
        while client.get("/few").status == 200:
            pass
    reconfigure(crowd, routes=(changed(before),))
    assert {client.get("/few").status for client in crowd.one_to_each()} == {429}


def starting(crowd: Crowd, number: int = 0) -> None:
    """Kill a worker; returns while the next one is being begun."""
    os.kill(crowd.pids[number], signal.SIGKILL)
    until(lambda: WorkerState.STARTING in states(crowd), 10.0)


def states(crowd: Crowd) -> list[WorkerState]:
    return [worker.state for worker in crowd.gateway.workers()]


def serves_again(crowd: Crowd) -> bool:
    return states(crowd) == [WorkerState.SERVING] * 2


def test_a_worker_that_starts_hears_of_breakers_that_change_meanwhile() -> None:
    with Crowd() as crowd:
        upstream = crowd.upstream(answering())
        crowd.gateway.add_route(route("/", upstream.url))
        starting(crowd)
        crowd.gateway.force_breaker(upstream.url, BreakerState.OPEN)
        until(lambda: serves_again(crowd), 10.0)
        assert {client.get("/").status for client in crowd.one_to_each()} == {503}


def test_a_worker_that_starts_takes_up_a_reload_that_comes_meanwhile() -> None:
    with Crowd() as crowd:
        upstream = crowd.upstream(answering())
        routes = (route("/", upstream.url),)
        starting(crowd)
        reconfigure(crowd, routes=routes, trace_context="start")
        until(lambda: serves_again(crowd), 10.0)
        for client in crowd.one_to_each():
            client.get("/")
            assert b"traceparent" in upstream.heads[-1]


def test_a_worker_that_cannot_be_begun_is_begun_later(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OSError(11, "Resource temporarily unavailable")]

    def fails_once(listeners: Any) -> Any:
        if failures:
            raise failures.pop()
        return launched(listeners)

    with Crowd() as crowd:
        monkeypatch.setattr(crew_module, "launched", fails_once)
        monkeypatch.setattr(crew_module, "PAUSE_MAX", 0.01)
        os.kill(crowd.pids[1], signal.SIGKILL)
        until(lambda: not failures and serves_again(crowd), 10.0)
        (event,) = crowd.told("worker_failed")
        assert "Resource temporarily unavailable" in event.message


def test_a_stop_does_not_wait_for_a_worker_that_is_to_follow_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("BRIEF", "PAUSE_MIN", "PAUSE_MAX"):
        monkeypatch.setattr(crew_module, name, 3600.0)
    with Crowd() as crowd:
        os.kill(crowd.pids[0], signal.SIGKILL)
        until(lambda: bool(crowd.told("worker_died")), 10.0)
        stop = Thread(target=crowd.gateway.stop, args=(10.0,))
        stop.start()
        stop.join(30.0)
        assert not stop.is_alive()
