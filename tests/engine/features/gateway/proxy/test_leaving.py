from __future__ import annotations

import pytest

from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.stage import Stage
from tests.engine.features.gateway.proxy.upstream import Visit

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nsome"
CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"


def vanish(client: Client, how: str) -> None:
    if how == "reset":
        client.reset()
    elif how == "close":
        client.socket.close()
    else:
        client.stop_sending()


@pytest.mark.parametrize("how", ["reset", "close", "stop sending"])
@pytest.mark.parametrize("raw", [GET, POST, CHUNKED], ids=["get", "length", "chunked"])
def test_a_client_that_leaves_before_the_answer_leaves_nothing_behind(
    stage: Stage, raw: bytes, how: str
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.owner.released.set()
        visit.wait_for_end()

    upstream = stage.serve(script)
    client = stage.client()
    client.send(raw)
    assert upstream.released.wait(5)
    vanish(client, how)
    finish = stage.admitter.last()
    assert (finish.cancelled, finish.attempts, finish.status) == (True, ["cancelled"], 499)
    stage.eventually(lambda plane: not plane.clients)
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (0, 0))


@pytest.mark.parametrize("how", ["reset", "close", "stop sending"])
def test_a_client_that_leaves_during_the_answer_leaves_nothing_behind(
    stage: Stage, how: str
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(1000):
            visit.send(b"x" * 1_000_000)

    upstream = stage.serve(script)
    client = stage.client()
    client.send(GET)
    assert client.socket.recv(1000)
    vanish(client, how)
    finish = stage.admitter.last()
    assert (finish.cancelled, finish.attempts, finish.status) == (True, ["cancelled"], 200)
    assert finish.bytes_out < 1_000_000_000
    stage.eventually(lambda plane: not plane.clients)
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (0, 0))


@pytest.mark.parametrize("how", ["reset", "close", "stop sending"])
@pytest.mark.parametrize("raw", [b"", b"GE", b"GET / HTTP/1.1\r\nHost: h\r\n"])
def test_a_client_that_asks_for_nothing_leaves_nothing_behind(
    stage: Stage, raw: bytes, how: str
) -> None:
    upstream = stage.serve()
    client = stage.client()
    client.send(raw)
    stage.eventually(lambda plane: len(plane.clients) == 1)
    vanish(client, how)
    stage.eventually(lambda plane: not plane.clients)
    assert upstream.visits == 0
    assert stage.admitter.refusals == []


def test_a_client_that_leaves_while_the_upstream_is_being_reached_leaves_nothing_behind(
    stage: Stage,
) -> None:
    stage.serve()
    for _ in range(50):
        client = stage.client()
        client.send(GET)
        client.reset()
    stage.admitter.wait_until(lambda: stage.admitter.connections == 0)
    stage.eventually(lambda plane: not plane.pool._opening)
    assert all(finish.attempts for finish in stage.admitter.finished)


def test_a_defect_of_the_library_plane_costs_one_connection_and_is_told(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.serve()
    admit = stage.admitter.admit

    def broken(method: str, target: str, *rest: object) -> object:
        if target == "/broken":
            raise RuntimeError("a defect")
        return admit(method, target, *rest)

    stage.admitter.admit = broken
    broken_client, other = stage.client(), stage.client()
    broken_client.send(b"GET /broken HTTP/1.1\r\nHost: h\r\n\r\n")
    assert broken_client.is_closed()
    assert other.get().status == 200
    assert "a defect" in caplog.text
    stage.eventually(lambda plane: len(plane.clients) == 1)
