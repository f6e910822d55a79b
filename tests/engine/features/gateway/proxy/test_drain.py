from __future__ import annotations

import asyncio
import socket
import time
from threading import Thread

import pytest

from abi_engine.core.clock import SystemClock
from abi_engine.core.errors import AddressInUse, InvalidConfig
from abi_engine.core.events import EventLog
from abi_engine.core.feature import Context
from abi_engine.features.gateway.config import GatewayConfig, Limits
from abi_engine.features.gateway.proxy.proxy import Proxy
from tests.engine.features.gateway.proxy.admitting import Admitting
from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.stage import Stage, route, until
from tests.engine.features.gateway.proxy.upstream import Visit, answering

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def waiting(visit: Visit) -> None:
    """Answers when the test says so, in two parts."""
    while visit.read_head():
        visit.owner.released.wait(10)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsome")
        visit.send(b"body")


def stop(stage: Stage, deadline: float = 10.0) -> Thread:
    """Begin to stop; draining has begun when this returns."""
    plane = stage.proxy._plane
    assert plane is not None
    thread = Thread(target=stage.proxy.stop, args=(deadline,))
    thread.start()
    until(lambda: plane.draining)
    return thread


def test_a_request_received_is_answered_and_its_connection_closed(stage: Stage) -> None:
    upstream = stage.serve(waiting)
    client = stage.client()
    client.send(GET)
    stage.eventually(lambda _: len(upstream.heads) == 1)
    address = stage.proxy.address
    stopping = stop(stage)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)
    upstream.released.set()
    answer = client.answer()
    assert (answer.status, answer.body) == (200, b"somebody")
    assert answer.fields[b"connection"] == b"close"
    assert client.is_closed()
    client.socket.close()
    stopping.join(5)
    assert not stopping.is_alive()


def test_an_answer_begun_is_not_cut(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsome")
        visit.owner.released.wait(10)
        visit.send(b"body")

    upstream = stage.serve(script)
    client = stage.client()
    client.send(GET)
    while b"some" not in client.buffer:
        client.buffer += client.socket.recv(100)
    stopping = stop(stage)
    upstream.released.set()
    assert client.answer().body == b"somebody"
    client.socket.close()
    stopping.join(5)


def test_an_upload_under_way_is_received_and_answered(stage: Stage) -> None:
    upstream = stage.serve(answering())
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nsome")
    stage.eventually(lambda _: len(upstream.heads) == 1)
    stopping = stop(stage)
    client.send(b"body")
    assert client.answer().status == 200
    client.socket.close()
    stopping.join(5)


def test_a_head_half_received_may_come_to_its_end(stage: Stage) -> None:
    stage.serve()
    client = stage.client()
    client.send(GET[:20])
    stage.eventually(lambda plane: any(client._buffer for client in plane.clients))
    stopping = stop(stage)
    client.send(GET[20:])
    answer = client.answer()
    assert (answer.status, answer.fields[b"connection"]) == (200, b"close")
    client.socket.close()
    stopping.join(5)


def test_idle_connections_are_closed_and_may_still_be_written_to(stage: Stage) -> None:
    stage.serve(linger=0.5, limits=Limits(keepalive_timeout=60.0))
    client = stage.client()
    assert client.get().status == 200
    stopping = stop(stage)
    assert client.socket.recv(1) == b""
    client.send(GET)  # it crosses the end: no reset, the client just sees the end
    assert client.rest() == b""
    client.socket.close()
    stopping.join(3)
    assert not stopping.is_alive(), "it waited for more than its clients"


def test_who_asks_again_soon_is_answered_and_told_that_it_was_the_last_time(stage: Stage) -> None:
    stage.serve(linger=5.0, limits=Limits(keepalive_timeout=60.0))
    client, other = stage.client(), stage.client()
    assert client.get().status == 200
    stage.eventually(lambda plane: len(plane.clients) == 2)
    stopping = stop(stage)
    for late in (client, other):
        answer = late.get()
        assert (answer.status, answer.fields[b"connection"]) == (200, b"close")
        assert late.rest() == b""
        late.socket.close()
    stopping.join(4)
    assert not stopping.is_alive(), "it waited for more than its clients"


def test_requests_that_wait_behind_one_another_are_all_answered(stage: Stage) -> None:
    upstream = stage.serve(waiting)
    client = stage.client()
    client.send(GET * 5)
    stage.eventually(lambda _: len(upstream.heads) == 1)
    stopping = stop(stage)
    upstream.released.set()
    answers = [client.answer() for _ in range(5)]
    assert [answer.status for answer in answers] == [200] * 5
    closing = [b"connection" in answer.fields for answer in answers]
    assert closing == [False] * 4 + [True], "the last one alone says so"
    assert client.rest() == b""
    client.socket.close()
    stopping.join(5)
    assert not stopping.is_alive()


def test_a_client_that_does_not_close_is_waited_for_a_little(stage: Stage) -> None:
    stage.serve(linger=0.2)
    client = stage.client()
    assert client.get().status == 200
    stopping = stop(stage)
    stopping.join(5)
    assert not stopping.is_alive()
    assert client.is_closed()


def test_what_does_not_end_is_cut_at_the_deadline(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\nsome")
        visit.wait_for_end()

    stage.serve(script)
    begun, unanswered, connecting = stage.client(), stage.client(), stage.client()
    begun.send(GET)
    while b"some" not in begun.buffer:
        begun.buffer += begun.socket.recv(100)
    unanswered.send(GET[:-2] + b"Content-Length: 5\r\n\r\n")
    connecting.send(GET[:5])
    stage.eventually(lambda plane: len(plane.clients) == 3)
    started = time.monotonic()
    stage.proxy.stop(1.0)
    assert time.monotonic() - started < 3  # far less than any time-out
    with pytest.raises(ConnectionError):
        begun.answer()
    assert [finish.attempts for finish in stage.admitter.finished] == [["cancelled"]] * 2


def test_stopping_leaves_no_task_timer_or_connection(stage: Stage) -> None:
    upstream = stage.serve(answering())
    clients = [stage.client() for _ in range(20)]
    for client in clients:
        assert client.get().status == 200
    plane = stage.proxy._plane
    assert plane is not None
    loop = plane.loop
    tasks = stage.inside(lambda plane: len(asyncio.all_tasks()))
    assert tasks == 2, "more than the loop's own task and this question"
    for client in clients:
        client.socket.close()
    stage.proxy.stop(5.0)
    assert loop.is_closed()
    assert not plane.clients
    assert plane.pool.counts(upstream.url) == (0, 0)
    assert stage.proxy.address is None


def test_it_starts_and_stops_as_often_as_asked(stage: Stage) -> None:
    stage.serve()
    stage.proxy.start()
    for _ in range(3):
        assert stage.client().get().status == 200
        stage.proxy.stop(5.0)
        stage.proxy.stop(5.0)
        stage.proxy.start()
        assert stage.proxy.address is not None


def proxy_at(host: str, port: int) -> Proxy:
    clock = SystemClock()
    context = Context(clock, EventLog(clock))
    return Proxy(GatewayConfig(host=host, port=port), Admitting(), context)


def test_an_address_in_use_is_said_and_leaves_nothing_behind(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = proxy_at("127.0.0.1", listener.getsockname()[1])
        with pytest.raises(AddressInUse):
            other.start()
    other.start()
    other.stop(5.0)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_said(stage: Stage, host: str) -> None:
    with pytest.raises(InvalidConfig, match="cannot listen"):
        proxy_at(host, 0).start()


def test_who_is_in_the_queue_of_the_listener_is_still_answered(stage: Stage) -> None:
    upstream = stage.upstream()
    stage.start(route("/", upstream.url))
    clients: list[Client] = []
    for _ in range(20):
        client = stage.client()
        client.send(GET)
        clients.append(client)
    stopping = Thread(target=stage.proxy.stop, args=(5.0,))
    stopping.start()
    for client in clients:
        assert client.answer().status == 200
        client.socket.close()
    stopping.join(5)
