"""What passes through a tunnel, and how it ends."""

from __future__ import annotations

import json
import socket
from threading import Thread
from typing import Any

import pytest

from tests.engine.features.gateway.proxy.stage import Stage, until
from tests.engine.features.gateway.proxy.test_bodies import memory
from tests.engine.features.gateway.proxy.test_upgrades import (
    ASKED,
    GRANTED,
    NEXT,
    accepting,
    upgraded,
)
from tests.engine.features.gateway.proxy.upstream import Visit, fields_of


def test_bytes_pass_both_ways_after_an_upgrade(stage: Stage) -> None:
    upstream = stage.serve(accepting)
    client = stage.client()
    fields = upgraded(client, ASKED + b"Sec-WebSocket-Key: k\r\n\r\n")
    assert fields[b"connection"] == b"Upgrade"
    assert fields[b"upgrade"] == b"websocket"
    assert fields[b"sec-websocket-accept"] == b"x"
    assert b"x-request-id" in fields
    for message in (b"one", NEXT, bytes(range(256))):
        client.send(message)
        assert client.take(len(message)) == message
    seen = fields_of(upstream.heads[0])
    assert (seen[b"connection"], seen[b"upgrade"]) == (b"Upgrade", b"websocket")
    assert seen[b"sec-websocket-key"] == b"k"
    assert len(upstream.heads) == 1
    client.stop_sending()
    assert client.rest() == b""
    finish = stage.admitter.last()
    size = 3 + len(NEXT) + 256
    assert (finish.status, finish.bytes_in, finish.bytes_out) == (101, size, size)
    assert finish.attempts == ["succeeded 101"]
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (0, 0))


def test_what_a_client_sends_before_the_101_goes_into_the_tunnel(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.owner.released.wait(10)
        assert not visit.buffer
        visit.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            visit.socket.recv(1)
        visit.socket.settimeout(10)
        visit.send(GRANTED + b"\r\nfirst")
        assert visit.read(len(NEXT)) == NEXT
        visit.send(b"second")

    upstream = stage.serve(script)
    client = stage.client()
    client.send(ASKED + b"\r\n" + NEXT)
    stage.eventually(lambda plane: any(client._buffer for client in plane.clients))
    upstream.released.set()
    upgraded(client, b"")
    assert client.take(11) == b"firstsecond"


def test_more_than_fits_before_the_101_waits_at_the_client(stage: Stage) -> None:
    size = 8 << 20

    def script(visit: Visit) -> None:
        visit.read_head()
        visit.owner.released.wait(10)
        visit.send(GRANTED + b"\r\n")
        visit.read(size)
        visit.send(b"all")

    upstream = stage.serve(script)
    client = stage.client()
    sending = Thread(target=client.send, args=(ASKED + b"\r\n" + b"x" * size,))
    sending.start()
    stage.eventually(lambda plane: any(client._paused for client in plane.clients))
    held = stage.inside(lambda plane: [len(client._buffer) for client in plane.clients])
    assert max(held) < 1 << 20
    upstream.released.set()
    upgraded(client, b"")
    assert client.take(3) == b"all"
    sending.join(5)


@pytest.mark.parametrize("first", ["client", "upstream"])
def test_a_side_that_ends_lets_the_other_finish(stage: Stage, first: str) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(GRANTED + b"\r\n")
        if first == "client":
            assert visit.wait_for_end() == b"question"
            visit.send(b"answer")
        else:
            visit.send(b"answer")
            visit.socket.shutdown(socket.SHUT_WR)
            assert visit.wait_for_end() == b"question"
            visit.owner.released.set()

    upstream = stage.serve(script)
    client = stage.client()
    upgraded(client)
    if first == "client":
        client.send(b"question")
        client.stop_sending()
        assert client.rest() == b"answer"
    else:
        assert client.rest() == b"answer"
        client.send(b"question")
        client.stop_sending()
        assert upstream.released.wait(10)
    finish = stage.admitter.last()
    assert (finish.status, finish.bytes_in, finish.bytes_out) == (101, 8, 6)
    assert (finish.cancelled, finish.attempts) == (False, ["succeeded 101"])


def test_a_client_that_is_lost_takes_the_upstream_with_it(stage: Stage) -> None:
    upstream = stage.serve(accepting)
    client = stage.client()
    upgraded(client)
    client.reset()
    assert stage.admitter.last().attempts == ["succeeded 101"]
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (0, 0))


def test_an_upstream_that_is_lost_is_seen_by_the_client(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(GRANTED + b"\r\n")
        visit.read(4)
        visit.reset()

    stage.serve(script)
    client = stage.client()
    upgraded(client)
    client.send(b"hurt")
    with pytest.raises(ConnectionResetError):
        client.rest()
    finish = stage.admitter.last()
    assert (finish.status, finish.attempts) == (101, ["failed the upstream closed the connection"])


def test_the_breaker_learns_at_the_101_and_the_request_stays_in_flight(stage: Stage) -> None:
    stage.serve(accepting)
    client = stage.client()
    upgraded(client)
    (attempt,) = stage.inside(lambda plane: [one._exchange._attempt for one in plane.clients])
    assert (attempt.outcome, attempt.settlings) == ("open", 1)
    assert stage.admitter.finished == []
    client.stop_sending()
    client.rest()
    assert stage.admitter.last().status == 101


def test_a_tunnel_outlives_the_total_and_ends_when_nothing_moves(stage: Stage) -> None:
    upstream = stage.serve(accepting, route={"timeouts": {"total": 0.2, "idle": 0.4}})
    client = stage.client()
    upgraded(client)
    for _ in range(10):  # together longer than the total
        client.send(b"x")
        assert client.take(1) == b"x"
        assert not upstream.released.wait(0.05)
    with pytest.raises(ConnectionError):
        client.rest()
    assert stage.admitter.last().attempts == ["succeeded 101"]


def test_a_tunnel_is_logged_when_it_ends_with_the_bytes_of_both_ways(stage: Stage) -> None:
    stage.serve(accepting, access_log="access.log")
    client = stage.client()
    upgraded(client)
    client.send(b"hello")
    assert client.take(5) == b"hello"
    client.stop_sending()
    assert client.rest() == b""
    stage.admitter.last()
    stage.proxy.stop(5.0)
    (line,) = (stage.data_dir / "access.log").read_text().splitlines()
    entry: dict[str, Any] = json.loads(line)
    assert (entry["status"], entry["bytes_in"], entry["bytes_out"]) == (101, 5, 5)


def test_each_side_is_read_only_as_fast_as_the_other_takes_it(stage: Stage) -> None:
    sent = [0]

    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(GRANTED + b"\r\n")
        for _ in range(64):
            visit.send(bytes(1 << 20))
            sent[0] += 1 << 20

    upstream = stage.serve(script)
    before = memory()
    client = stage.client(receive_buffer=1 << 16)
    upgraded(client)
    held = -1
    while held < sent[0]:
        held = sent[0]
        upstream.released.wait(0.2)
    assert held < 32 << 20
    assert memory() - before < 32 << 20
    assert client.take(48 << 20).count(0) == 48 << 20
    client.reset()


def test_a_tunnel_whose_client_takes_nothing_ends_too(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(GRANTED + b"\r\n")
        while True:  # until the gateway ends it
            visit.send(bytes(1 << 20))

    stage.serve(script, route={"timeouts": {"idle": 0.2}})
    client = stage.client(receive_buffer=1 << 14)
    upgraded(client)
    finish = stage.admitter.last()
    assert (finish.status, finish.attempts) == (101, ["succeeded 101"])
    stage.eventually(lambda plane: not plane.clients)


def test_draining_lets_a_tunnel_live_until_its_deadline(stage: Stage) -> None:
    stage.serve(accepting, drain_timeout=0.5)
    client = stage.client()
    upgraded(client)
    plane = stage.proxy._plane
    assert plane is not None
    stopping = Thread(target=stage.proxy.stop, args=(5.0,))
    stopping.start()
    until(lambda: plane.draining)
    client.send(b"still")
    assert client.take(5) == b"still"
    with pytest.raises(ConnectionError):
        client.rest()
    stopping.join(5)
    assert not stopping.is_alive()
    assert stage.admitter.last().status == 101
