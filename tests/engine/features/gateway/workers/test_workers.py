"""Several processes that serve one gateway, with real sockets and real signals."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest

from abi_engine.core.inherited import InheritedSockets
from abi_engine.features.gateway.api import RouteLimit, WorkerState
from abi_engine.features.gateway.workers import crew as crew_module
from abi_engine.features.gateway.workers.terms import lease
from abi_engine.runtime.breaker import BreakerSettings, BreakerState
from abi_engine.runtime.limiter import LimitKind
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Visit
from tests.engine.features.gateway.workers.crowd import Crowd, in_threads, route
from tests.scale import scaled

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def crowd() -> Iterator[Crowd]:
    with Crowd() as made:
        yield made


def test_one_worker_is_this_process_itself() -> None:
    with Crowd(workers=1) as crowd:
        assert crowd.gateway.workers() == ()
        assert crowd.client().get("/").status == 404


def test_connections_are_spread_over_all_workers(crowd: Crowd) -> None:
    for client in crowd.clients():
        assert client.get("/nowhere").status == 404
        client.socket.close()
    assert [worker.worker for worker in crowd.gateway.workers()] == [0, 1]
    assert len(set(crowd.pids) | {os.getpid()}) == 3


def test_a_route_is_found_by_every_worker_when_adding_it_returns(crowd: Crowd) -> None:
    upstream, clients = crowd.upstream(), crowd.clients()
    for number in range(20):
        path = f"/added/{number}"
        assert {client.get(path).status for client in clients} == {404}
        crowd.gateway.add_route(route(path, upstream.url))
        assert {client.get(path).status for client in clients} == {200}
        crowd.gateway.set_route_enabled(path, None, False)
        assert {client.get(path).status for client in clients} == {503}
        crowd.gateway.set_route_enabled(path, None, True)
        assert {client.get(path).status for client in clients} == {200}
        assert crowd.gateway.remove_route(path)
        assert {client.get(path).status for client in clients} == {404}


def test_a_method_less_is_a_method_less_everywhere(crowd: Crowd) -> None:
    upstream, clients = crowd.upstream(), crowd.clients()
    crowd.gateway.add_route(route("/methods", upstream.url, methods=("GET", "POST")))
    crowd.gateway.remove_route("/methods", "POST")
    assert {client.post("/methods", b"").status for client in clients} == {405}
    assert {client.get("/methods").status for client in clients} == {200}
    crowd.gateway.remove_route("/methods")


def test_what_all_workers_count_is_told_as_one(crowd: Crowd) -> None:
    upstream, clients = crowd.upstream(), crowd.clients()
    crowd.gateway.add_route(route("/counted", upstream.url))
    for client in clients:
        for _ in range(5):
            assert client.post("/counted", b"abc").status == 200
    expected = 5 * len(clients)

    def traffic() -> Any:
        return crowd.gateway.route_detail("/counted").stats.traffic

    until(lambda: traffic().requests_total == expected)
    assert traffic().in_flight == 0
    assert traffic().bytes_in_total == 3 * expected
    assert traffic().latency.p99_ms > 0
    (stats,) = (one for one in crowd.gateway.breakers() if one.upstream == upstream.url)
    assert stats.traffic.requests_total == expected
    until(lambda: sum(crowd.gateway._listening.connections(upstream.url)) == upstream.visits)
    assert sum(worker.requests_total for worker in crowd.gateway.workers()) >= expected
    crowd.gateway.remove_route("/counted")


def test_a_test_request_tells_its_way_whichever_worker_takes_it(crowd: Crowd) -> None:
    upstream = crowd.upstream()
    crowd.gateway.add_route(route("/traced", upstream.url))
    for _ in range(10):
        answer = crowd.gateway.send_test_request("/traced")
        assert (answer.status, answer.match, answer.upstream) == (200, "/traced", upstream.url)
        assert crowd.gateway.send_test_request("/nowhere").match == ""
    crowd.gateway.remove_route("/traced")


# Limits.

LIMITS = {
    LimitKind.TOKEN_BUCKET: RouteLimit(kind=LimitKind.TOKEN_BUCKET, rate=1e-3, burst=200),
    LimitKind.SLIDING_WINDOW: RouteLimit(kind=LimitKind.SLIDING_WINDOW, rate=1.0, window=200.0),
    LimitKind.FIXED_WINDOW: RouteLimit(kind=LimitKind.FIXED_WINDOW, rate=0.01, window=20_000.0),
}


@pytest.mark.parametrize("kind", LimitKind)
def test_two_workers_let_through_what_one_would(crowd: Crowd, kind: LimitKind) -> None:
    """200 in all, of many more that come over many connections to both at the same time."""
    upstream = crowd.upstream()
    clients = crowd.clients(each=4)
    path = f"/limited/{kind.value}"
    crowd.gateway.add_route(route(path, upstream.url, limit=LIMITS[kind]))
    statuses: list[int] = []
    lock = Lock()

    def flood(client: Any) -> None:
        found = [client.get(path).status for _ in range(scaled(2000, 40_000) // len(clients))]
        with lock:
            statuses.extend(found)

    in_threads(*(lambda client=client: flood(client) for client in clients))
    assert set(statuses) == {200, 429}
    assert 200 <= statuses.count(200) <= 200 + 2 * lease(LIMITS[kind], 2)
    until(lambda: crowd.gateway.route_detail(path).stats.traffic.requests_total == len(statuses))
    (limit,) = (one for one in crowd.gateway.limits() if one.path == path)
    assert limit.limited_total == statuses.count(429)
    assert limit.allowed_total == statuses.count(200)
    crowd.gateway.remove_route(path)


# Breakers.


class Moody:
    """An upstream that fails while it is told to, and counts who is in it at once."""

    def __init__(self) -> None:
        self.fails = True
        self.inside = self.most = self.calls = 0
        self.lock = Lock()
        self.go_on = Event()
        self.go_on.set()

    def __call__(self, visit: Visit) -> None:
        while visit.read_head():
            with self.lock:
                self.calls += 1
                self.inside += 1
                self.most = max(self.most, self.inside)
            self.go_on.wait(10)
            with self.lock:
                self.inside -= 1
            status = b"500 Oops" if self.fails else b"200 OK"
            visit.send(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")


def test_a_breaker_counts_failures_that_different_workers_saw() -> None:
    settings = BreakerSettings(failure_threshold=6, reset_timeout=3600.0)
    with Crowd(breaker=settings) as crowd:
        moody = Moody()
        upstream = crowd.upstream(moody)
        clients = first, second = crowd.one_to_each()
        crowd.gateway.add_route(route("/", upstream.url))
        for number in range(3):
            assert first.get("/").status == 500
            assert second.get("/").status == 500
            until(partial(seen, crowd, 2 * (number + 1)))
        assert crowd.gateway.breaker_state(upstream.url) is BreakerState.OPEN
        crowd.gateway._listening.sync()
        assert {client.get("/").status for client in clients} == {503}
        assert moody.calls == 6
        (event,) = crowd.told("breaker_opened")
        assert "6 consecutive failures" in event.message
        crowd.gateway.reset_breaker(upstream.url)
        moody.fails = False
        assert {client.get("/").status for client in clients} == {200}
        crowd.gateway.force_breaker(upstream.url, BreakerState.OPEN)
        assert {client.get("/").status for client in clients} == {503}
        crowd.gateway.force_breaker(upstream.url, None)
        assert {client.get("/").status for client in clients} == {200}


def seen(crowd: Crowd, failures: int) -> bool:
    """Whether the only breaker has counted so many, or has opened."""
    (one,) = crowd.gateway.breakers()
    return one.breaker.failures == failures or one.breaker.state is BreakerState.OPEN


def test_all_together_make_no_more_trials_than_one_would() -> None:
    settings = BreakerSettings(failure_threshold=3, reset_timeout=0.2, half_open_max=3)
    with Crowd(breaker=settings) as crowd:
        moody = Moody()
        upstream, clients = crowd.upstream(moody), crowd.clients(each=6)
        crowd.gateway.add_route(route("/", upstream.url))
        while crowd.gateway.breaker_state(upstream.url) is BreakerState.CLOSED:
            clients[0].get("/")
        moody.most = 0
        moody.go_on.clear()
        until(lambda: crowd.gateway.breaker_state(upstream.url) is BreakerState.HALF_OPEN)
        statuses: list[int] = []

        def ask(client: Any) -> None:
            while not statuses.count(200) and moody.inside < 3:
                statuses.append(client.get("/").status)

        moody.fails = False
        threads = [lambda client=client: ask(client) for client in clients]

        def let_go() -> None:
            until(lambda: moody.inside == 3)
            moody.go_on.set()

        in_threads(let_go, *threads)
        assert moody.most <= 3
        until(lambda: crowd.gateway.breaker_state(upstream.url) is BreakerState.CLOSED)
        until(lambda: {client.get("/").status for client in clients} == {200})


# Their ends.


@pytest.mark.slow
def test_a_worker_that_is_killed_takes_nothing_along_but_its_own_requests() -> None:
    """Others go on, another follows, and nothing of it stays in flight."""
    with Crowd() as crowd:
        upstream = crowd.upstream()
        crowd.gateway.add_route(route("/", upstream.url))
        errors: list[str] = []
        stop = Event()

        def traffic() -> None:
            while not stop.is_set():
                try:
                    with_new_connection(crowd, errors)
                except (ConnectionError, TimeoutError) as error:
                    errors.append(type(error).__name__)

        def kills() -> None:
            try:
                for number in range(scaled(6, 20)):
                    pids = crowd.pids
                    os.kill(pids[number % 2], signal.SIGKILL)
                    until(partial(everybody_serves, crowd, pids), 20.0)
            finally:
                stop.set()

        in_threads(kills, traffic, traffic, traffic)
        deaths = crowd.told("worker_died")
        assert len(deaths) == scaled(6, 20)
        assert "SIGKILL" in deaths[0].message
        assert len(errors) <= 3 * len(deaths), "more than was in flight"
        until(lambda: crowd.gateway.stats().traffic.in_flight == 0)
        until(lambda: crowd.gateway.stats().connections_open == 0)
        assert {client.get("/").status for client in crowd.clients()} == {200}


def test_a_worker_that_is_stuck_is_ended_and_followed_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crew_module, "CALLS_MAX", 3)
    with Crowd() as crowd:
        upstream = crowd.upstream()
        crowd.gateway.add_route(route("/", upstream.url))
        pids = crowd.pids
        os.kill(pids[0], signal.SIGSTOP)
        until(partial(everybody_serves, crowd, pids), 30.0)
        assert str(pids[0]) in crowd.told("worker_stuck")[0].message
        assert {client.get("/").status for client in crowd.clients()} == {200}


def test_what_was_in_flight_in_a_worker_that_dies_is_not_any_more() -> None:
    with Crowd() as crowd:
        moody = Moody()
        upstream, clients = crowd.upstream(moody), crowd.clients(each=2)
        crowd.gateway.add_route(route("/", upstream.url))
        moody.go_on.clear()
        for client in clients:
            client.send(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")

        def in_flight() -> set[int]:
            detail = crowd.gateway.route_detail("/")
            counted = (detail.stats.traffic, detail.upstreams[0].traffic)
            return {one.in_flight for one in (*counted, crowd.gateway.stats().traffic)}

        until(lambda: in_flight() == {len(clients)})
        left = crowd.connections()[1]
        os.kill(crowd.pids[0], signal.SIGKILL)
        until(lambda: in_flight() == {left})
        until(lambda: crowd.gateway.stats().connections_open == left)
        moody.go_on.set()
        until(lambda: in_flight() == {0})


def with_new_connection(crowd: Crowd, errors: list[str]) -> None:
    client = crowd.client()
    client.socket.settimeout(30)
    with client:
        statuses = [client.get("/").status for _ in range(3)]
        errors += [f"status {status}" for status in statuses if status != 200]


def everybody_serves(crowd: Crowd, before: list[int]) -> bool:
    workers = crowd.gateway.workers()
    serving = [one.pid for one in workers if one.state is WorkerState.SERVING]
    return len(serving) == 2 and serving != before


def test_a_drain_cuts_no_request() -> None:
    """Those that are answered, those that were sent, and those that wait to be let in."""
    with Crowd() as crowd:
        moody = Moody()
        moody.fails = False
        upstream = crowd.upstream(moody)
        crowd.gateway.add_route(route("/", upstream.url))
        clients = crowd.clients(each=8)
        moody.go_on.clear()
        statuses: list[int] = []

        def stop() -> None:
            until(lambda: moody.inside == len(clients))
            in_threads(lambda: crowd.gateway.stop(20.0), lambda: moody.go_on.set())

        in_threads(stop, *(lambda one=one: statuses.append(one.get("/").status) for one in clients))
        assert statuses == [200] * len(clients)
        assert crowd.told("worker_died") == []
        assert crowd.told("worker_cut") == []


SERVED = """
import sys
from abi_engine.engine import Engine
from abi_engine.config import load
engine = Engine(load(None, environ={}, flags={"gateway.port": "0", "gateway.workers": "2"},
                     data_dir=sys.argv[1]), control=True)
engine.start()
print(*(worker.pid for worker in engine.gateway.workers()), flush=True)
sys.stdin.read()
"""


def test_no_worker_outlives_its_owner(tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", SERVED, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    with owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 2
        owner.kill()
        until(lambda: not any(map(lives, pids)), 20.0)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - no file
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_terminal_that_interrupts_the_owner_does_not_reach_its_workers(crowd: Crowd) -> None:
    groups = {os.getpgid(pid) for pid in crowd.pids}
    assert os.getpgid(0) not in groups


def test_signals_of_a_terminal_are_left_to_the_owner(crowd: Crowd) -> None:
    before = crowd.pids
    for pid in before:
        for word in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(pid, word)
    crowd.gateway._listening.sync()
    assert crowd.pids == before


def test_an_address_in_use_is_said_as_ever(crowd: Crowd) -> None:
    from abi_engine.core.errors import AddressInUse
    from abi_engine.features.gateway.config import GatewayConfig
    from abi_engine.features.gateway.gateway import Gateway

    config = GatewayConfig(port=crowd.address[1], workers=2)
    other = Gateway(config, crowd.gateway.context)
    with pytest.raises(AddressInUse, match="somebody else does"):
        other.start()


def test_workers_share_a_socket_that_the_engine_was_started_with() -> None:
    """Whoever is in its queue at the end is left to the next engine."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        inherited = InheritedSockets([("gateway", listener)])
        with Crowd(sockets=inherited) as crowd:
            assert crowd.address == listener.getsockname()
            for _ in range(8):
                assert crowd.client().get("/").status == 404
        with socket.create_connection(listener.getsockname(), 5) as waiting:
            waiting.sendall(b"GET / HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n")
            with Crowd(sockets=InheritedSockets([("gateway", listener)])):
                waiting.settimeout(10)
                assert waiting.recv(100).startswith(b"HTTP/1.1 404")
