"""Requests wait for their turn, in order, and no place is lost whatever becomes of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from abi_engine.features.gateway.api import Concurrency, Route, RouteStats, Timeouts
from abi_engine.runtime.breaker import BreakerState
from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.served import Served
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Script, Visit
from tests.scale import scaled

REQUEST = b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.close()


class Gate:
    """An upstream's script that answers one request for each `open`, with its target."""

    def __init__(self) -> None:
        self.targets: list[str] = []
        self._opened: dict[str, Event] = {}

    def __call__(self, visit: Visit) -> None:
        while head := visit.read_head():
            target = head.split(b" ")[1].decode()
            self._event(target)
            self.targets.append(target)
            body = visit.read_body(head)
            assert self._event(target).wait(15)
            answer = target.encode() + b" " + body
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)

    def open(self, *targets: str) -> None:
        for target in targets:
            self._event(target).set()

    def open_all(self) -> None:
        for event in list(self._opened.values()):
            event.set()

    def _event(self, target: str) -> Event:
        return self._opened.setdefault(target, Event())


def serve(served: Served, script: Script, concurrency: Concurrency, **settings: Any) -> None:
    upstream = served.upstream(script)
    route = Route("/*", (upstream.url,), limit=None, concurrency=concurrency, **settings)
    served.gateway.add_route(route)


def row(served: Served) -> RouteStats:
    return served.gateway.route_stats().rows[0]


def asking(served: Served, number: int) -> Client:
    client = served.client()
    client.send(REQUEST % number)
    return client


def test_no_more_are_worked_on_at_once_and_the_rest_come_in_order(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(2, 10))
    clients = []
    for number in range(6):
        clients.append(asking(served, number))
        until(lambda: row(served).traffic.in_flight == len(clients))
    until(lambda: len(gate.targets) == 2)
    assert row(served).queued == 4
    for number in range(6):
        until(lambda: f"/{number}" in gate.targets)  # noqa: B023 - called at once
        assert len(gate.targets) == min(number + 2, 6)
        gate.open(f"/{number}")
        assert clients[number].answer().body == b"/%d " % number
        until(lambda: len(gate.targets) == min(number + 3, 6))  # noqa: B023 - called at once
    assert gate.targets == [f"/{number}" for number in range(6)]
    until(lambda: row(served).traffic.in_flight == 0)
    assert (row(served).queued, row(served).crowded_total) == (0, 0)


def test_a_full_queue_refuses_at_once(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 1))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = asking(served, 2)
    until(lambda: row(served).queued == 1)
    third = asking(served, 3)
    refused = third.answer()
    assert (refused.status, refused.fields[b"retry-after"]) == (503, b"1")
    assert row(served).crowded_total == 1
    gate.open("/1", "/2", "/4")
    assert (first.answer().status, second.answer().status) == (200, 200)
    third.send(REQUEST % 4)  # the refused one's connection lives on
    assert third.answer().status == 200


def test_a_turn_that_does_not_come_in_time_is_told_so(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 5, 0.05))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    late = asking(served, 2)
    refused = late.answer()
    assert (refused.status, refused.fields[b"retry-after"]) == (503, b"1")
    assert (row(served).queued, row(served).crowded_total) == (0, 1)
    gate.open("/1", "/3")
    assert first.answer().status == 200
    late.send(REQUEST % 3)
    assert late.answer().body == b"/3 "
    assert gate.targets == ["/1", "/3"]


@pytest.mark.parametrize("how", ["close", "reset", "stop_sending"])
def test_a_client_that_leaves_frees_its_place(served: Served, how: str) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 2))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = asking(served, 2)
    until(lambda: row(served).queued == 1)
    third = asking(served, 3)
    until(lambda: row(served).queued == 2)
    second.socket.close() if how == "close" else getattr(second, how)()
    until(lambda: row(served).queued == 1)
    gate.open("/1", "/3")
    assert first.answer().status == 200
    assert third.answer().body == b"/3 "
    assert gate.targets == ["/1", "/3"]
    assert row(served).traffic.cancelled_total == 1
    until(lambda: row(served).traffic.in_flight == 0)


def test_a_client_that_leaves_its_answer_frees_the_turn(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 1))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = asking(served, 2)
    until(lambda: row(served).queued == 1)
    first.reset()
    gate.open("/2", "/1")
    assert second.answer().body == b"/2 "


def test_a_client_is_heard_again_once_its_turn_came(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 1))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = served.client()  # whose whole request is held, which is enough to read no more
    body = bytes(served.inside(lambda plane: plane.limits.header_size))
    second.send(b"POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    until(lambda: row(served).queued == 1)
    until(lambda: served.inside(lambda plane: any(one._paused for one in plane.clients)))
    gate.open("/1")
    assert first.answer().status == 200
    until(lambda: len(gate.targets) == 2)
    second.reset()
    until(lambda: row(served).traffic.cancelled_total == 1)
    until(lambda: row(served).traffic.in_flight == 0)
    gate.open("/2")


def test_an_upstream_that_is_lost_frees_the_turn(served: Served) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.reset()

    serve(served, script, Concurrency(1, 30))
    clients = [asking(served, number) for number in range(20)]
    statuses = [client.answer().status for client in clients]
    assert statuses[:5] == [502] * 5
    assert set(statuses[5:]) <= {502, 503}  # by then the breaker has opened
    until(lambda: row(served).traffic.in_flight == 0)


def test_an_endless_queue_that_finds_no_upstream_is_worked_off(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 1000))
    first = asking(served, 0)
    until(lambda: len(gate.targets) == 1)
    clients = [asking(served, number) for number in range(1, 200)]
    until(lambda: row(served).queued == 199)
    (upstream,) = served.gateway.breakers()
    served.gateway.force_breaker(upstream.upstream, BreakerState.OPEN)
    gate.open("/0")
    assert first.answer().status == 200
    assert {client.answer().status for client in clients} == {503}
    until(lambda: row(served).traffic.in_flight == 0)
    assert row(served).queued == 0


def test_what_is_pipelined_behind_a_wait_is_answered_after_it(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 1))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = served.client()
    second.send(REQUEST % 2 + REQUEST % 3 + REQUEST % 4)
    until(lambda: row(served).queued == 1)
    assert row(served).traffic.in_flight == 2  # what is behind it has not begun
    for number in range(1, 5):
        gate.open(f"/{number}")
    assert first.answer().status == 200
    assert [second.answer().body for _ in range(3)] == [b"/2 ", b"/3 ", b"/4 "]


@pytest.mark.parametrize("size", [0, 5, 300_000])
@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"])
def test_a_body_waits_with_its_request(served: Served, size: int, expects: bytes) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 1))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = served.client()
    body = random.Random(size).randbytes(size)
    head = b"POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n" % size + expects + b"\r\n"
    sender = Thread(target=second.send, args=(head + body + REQUEST % 3,), daemon=True)
    sender.start()
    until(lambda: row(served).queued == 1)
    assert second.interim == []
    gate.open("/1", "/2", "/3")
    assert first.answer().status == 200
    assert second.answer().body == b"/2 " + body
    assert second.answer().body == b"/3 "
    sender.join(5)
    assert not sender.is_alive()


def test_a_chunked_body_waits_with_its_request(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 1))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = served.client()
    second.send(b"POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    until(lambda: row(served).queued == 1)
    second.send(b"2\r\nde\r\n0\r\n\r\n")
    gate.open("/1", "/2")
    assert first.answer().status == 200
    assert second.answer().body == b"/2 abcde"


def test_a_broken_body_is_refused_when_its_turn_comes_and_frees_it(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 2))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = served.client()
    second.send(b"POST /2 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")
    until(lambda: row(served).queued == 1)
    third = asking(served, 3)
    until(lambda: row(served).queued == 2)
    gate.open("/1", "/3")
    assert first.answer().status == 200
    assert second.answer().status == 400
    assert third.answer().body == b"/3 "


def test_a_refused_body_closes_the_connection_so_that_it_is_no_request(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 1, 0.05))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = served.client()
    hidden = REQUEST % 9
    second.send(b"POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(hidden))
    assert second.answer().status == 503
    second.send(hidden)
    assert second.is_closed()
    gate.open("/1")
    assert first.answer().status == 200
    assert gate.targets == ["/1"]


def test_the_time_in_the_queue_is_nobodys_slowness(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 1, 10.0), timeouts=Timeouts(total=0.3, idle=0.3))
    first = asking(served, 1)
    until(lambda: len(gate.targets) == 1)
    second = asking(served, 2)
    until(lambda: row(served).queued == 1)
    gate.open("/2")
    assert first.answer().status == 504  # after 0.3 s, by when the second is as old
    assert second.answer().body == b"/2 "
    gate.open("/1")


def test_a_drain_lets_those_who_wait_finish(served: Served) -> None:
    gate = Gate()
    serve(served, gate, Concurrency(1, 3))
    clients = []
    for number in range(4):
        clients.append(asking(served, number))
        until(lambda: row(served).traffic.in_flight == len(clients))
    until(lambda: len(gate.targets) == 1)
    plane = served.gateway._listening._proxy._plane  # type: ignore[union-attr]
    stopping = Thread(target=served.gateway.stop, args=(10.0,), daemon=True)
    stopping.start()
    until(lambda: plane.draining)
    for number in range(4):
        gate.open(f"/{number}")
    answers = [client.answer() for client in clients]
    assert [answer.body for answer in answers] == [b"/%d " % number for number in range(4)]
    assert all(answer.fields[b"connection"] == b"close" for answer in answers)
    for client in clients:
        client.socket.close()
    stopping.join(10)
    assert not stopping.is_alive()


def test_a_stop_that_waits_no_longer_ends_those_who_wait(tmp_path: Path) -> None:
    served = Served(tmp_path, drain_timeout=0.1)
    try:
        gate = Gate()
        serve(served, gate, Concurrency(1, 3))
        clients = [asking(served, number) for number in range(3)]
        until(lambda: row(served).queued == 2)
        served.gateway.stop(5.0)
        assert all(client.is_closed() for client in clients)
        assert (row(served).queued, row(served).traffic.in_flight) == (0, 0)
        gate.open_all()
    finally:
        served.close()


@pytest.mark.parametrize("seed", range(scaled(3, 10)))
def test_whatever_clients_do_no_place_is_lost(served: Served, seed: int) -> None:
    chance = random.Random(seed)

    def script(visit: Visit) -> None:
        while head := visit.read_head():
            visit.read_body(head)
            number = int(head.split(b" ")[1][1:])
            if number % 7 == 0:
                visit.reset()
                return
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    concurrency = Concurrency(2, 3, 0.5)
    serve(served, script, concurrency)
    (upstream,) = served.gateway.breakers()
    served.gateway.force_breaker(upstream.upstream, BreakerState.CLOSED)
    clients: list[Client] = []
    for number in range(scaled(200, 1000)):
        match chance.randrange(4):
            case 0 if clients:
                clients.pop(chance.randrange(len(clients))).reset()
            case 1 if clients:
                clients.pop(chance.randrange(len(clients))).socket.close()
            case 2:
                clients.append(asking(served, number))
            case _:
                body = b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n" % number
                clients.append(served.client())
                clients[-1].send(body + chance.choice((b"", b"a", b"abc")))
        assert row(served).queued <= 3
    for client in clients:
        client.socket.close()
    until(lambda: row(served).traffic.in_flight == 0)
    assert row(served).queued == 0
    live = served.gateway._table.all()[0]
    assert live.turns is not None
    assert (live.turns.working, live.turns.waiting) == (0, 0)
    assert served.client().get("/1").status == 200
