from __future__ import annotations

import socket
from errno import EMFILE
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.features.gateway.proxy.hostile import short
from tests.engine.features.gateway.proxy.stage import Stage, route, until
from tests.engine.features.gateway.proxy.upstream import Visit, answering, once

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def nothing_left(stage: Stage, url: str) -> None:
    stage.eventually(lambda plane: plane.pool.counts(url) == (0, 0))


def has_begun(plane: Any) -> bool:
    """Whether an answer is on its way to a client."""
    return any(client._exchange and client._exchange._status for client in plane.clients)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def test_an_upstream_that_refuses_is_a_502(stage: Stage) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    stage.start(route("/", url))
    client = stage.client()
    for count in (1, 2):
        assert client.get().status == 502
        finish = stage.admitter.last(count)
        assert finish.status == 502
        assert finish.attempts[0].startswith("failed cannot connect: ")
    nothing_left(stage, url)


def test_a_gateway_out_of_descriptors_does_not_blame_the_upstream(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.serve()
    client = stage.client()

    async def create_connection(*_: object, **__: object) -> None:
        raise OSError(EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        connector = stage.inside(lambda plane: plane.pool.connector)
        patch.setattr(connector, "_loop", SimpleNamespace(create_connection=create_connection))
        answer = client.get()
        assert client.get().status == 503
    assert answer.status == 503
    assert answer.fields[b"retry-after"] == b"1"
    assert stage.admitter.last(1).attempts == ["cancelled"]
    assert client.get().status == 200
    kinds = [event.kind for event in stage.events.latest(100)]
    assert (kinds.count("no_room"), kinds.count("room_again")) == (1, 1)


def test_an_upstream_whose_name_is_not_known_is_a_502(stage: Stage) -> None:
    stage.start(route("/", "http://no-such-host.invalid:80"))
    assert stage.client().get().status == 502


def test_a_body_sent_to_an_upstream_that_refuses_does_not_become_a_request(stage: Stage) -> None:
    stage.start(route("/", f"http://127.0.0.1:{unused_port()}"))
    client = stage.client()
    assert client.post("/", b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n").status == 502
    assert client.get().status == 502
    assert stage.admitter.last(2).bytes_in == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage\r\n\r\n",
        b"\x00\x01\x02\x03" * 100 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + OK,
        b"HTTP/1.1 20",
        b"",
    ],
    ids=short,
)
def test_garbage_is_a_502_and_its_connection_is_not_kept(stage: Stage, raw: bytes) -> None:
    upstream = stage.serve(once(raw))
    client = stage.client()
    for count in (1, 2):
        assert client.get().status == 502
        assert stage.admitter.last(count).attempts[0].startswith("failed ")
    assert client.interim == []
    nothing_left(stage, upstream.url)


def test_a_head_without_an_end_is_a_502_before_it_fills_the_memory(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            visit.send(b"y" * 10_000)

    upstream = stage.serve(script)
    assert stage.client().get().status == 502
    nothing_left(stage, upstream.url)


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nso",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n0\r\n",
    ],
    ids=short,
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_an_answer_cut_short_is_visibly_cut_short(stage: Stage, raw: bytes, version: str) -> None:
    upstream = stage.serve(once(raw))
    client = stage.client()
    client.send(f"GET / HTTP/{version}\r\nHost: h\r\n\r\n".encode())
    with pytest.raises(ConnectionError):
        client.answer()
    finish = stage.admitter.last()
    assert finish.attempts[0].startswith("failed ")
    assert not finish.cancelled
    nothing_left(stage, upstream.url)


@pytest.mark.parametrize("chunk", [b"x\r\n", b"4\r\nsomething\r\n", b"4\nsome\n"], ids=short)
def test_a_bad_chunk_is_a_502_or_a_visible_cut(stage: Stage, chunk: bytes) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n")
        until(lambda: stage.inside(has_begun))
        visit.send(chunk)
        visit.wait_for_end()

    upstream = stage.upstream(
        once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk)
    )
    stage.start(route("/together", upstream.url), route("/", stage.upstream(script).url))
    assert stage.client().get("/together").status == 502
    with pytest.raises(ConnectionError):
        stage.client().get("/apart")
    for finish in stage.admitter.finished:
        assert finish.attempts == ["failed the upstream's response is malformed"]


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_reset_in_the_middle_is_visible(stage: Stage, version: str) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\nsome")
        visit.owner.released.wait(5)
        visit.reset()

    upstream = stage.serve(script)
    client = stage.client()
    client.send(f"GET / HTTP/{version}\r\nHost: h\r\n\r\n".encode())
    while b"some" not in client.buffer:
        client.buffer += client.socket.recv(100)
    upstream.released.set()
    with pytest.raises(ConnectionError):
        client.answer()
    assert stage.admitter.last().attempts == ["failed the upstream closed the connection"]


def test_an_upstream_that_leaves_before_it_answers_is_a_502(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.reset()

    stage.serve(script)
    client = stage.client()
    assert client.get().status == 502
    assert client.post("/", b"x").status == 502


def test_more_body_than_promised_is_not_passed_on_nor_taken_for_an_answer(stage: Stage) -> None:
    upstream = stage.serve(
        once(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", close=False)
    )
    client = stage.client()
    assert client.get().body == b"ok"
    nothing_left(stage, upstream.url)
    assert client.get().body == b"ok"
    assert upstream.visits == 2


def test_bytes_that_nobody_asked_for_end_an_idle_connection(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(OK)
        visit.owner.released.wait(5)
        visit.send(OK)
        visit.wait_for_end()

    upstream = stage.serve(script)
    client = stage.client()
    assert client.get().body == b"ok"
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (1, 0))
    upstream.released.set()
    nothing_left(stage, upstream.url)


def test_a_kept_connection_that_had_died_is_replaced_without_a_word(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        first = visit.owner.visits == 1
        visit.read_head()
        visit.send(OK)
        visit.read_head()
        if first:
            visit.reset()  # as one does that had timed out
            return
        visit.send(OK)

    upstream = stage.serve(script)
    client = stage.client()
    assert client.get().status == 200
    assert client.get().status == 200
    assert upstream.visits == 2
    assert [finish.attempts for finish in stage.admitter.finished] == [["succeeded 200"]] * 2


@pytest.mark.parametrize(
    "request_line", ["POST / HTTP/1.1\r\nContent-Length: 0", "PUT / HTTP/1.1\r\nContent-Length: 1"]
)
def test_what_might_have_been_done_already_is_not_sent_again(
    stage: Stage, request_line: str
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(OK)
        visit.read_head()
        visit.reset()

    upstream = stage.serve(script)
    client = stage.client()
    assert client.get().status == 200
    client.send(f"{request_line}\r\nHost: h\r\n\r\n".encode() + b"x" * ("PUT" in request_line))
    assert client.answer().status == 502
    assert upstream.visits == 1
    assert stage.admitter.last(2).attempts == ["failed the upstream closed the connection"]


def test_a_fresh_connection_that_dies_is_not_tried_again(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.reset()

    upstream = stage.serve(script)
    assert stage.client().get().status == 502
    assert upstream.visits == 1


def test_an_early_answer_reaches_a_client_that_is_still_sending(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")
        visit.wait_for_end()

    upstream = stage.serve(script)
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nsome")
    answer = client.answer()
    assert (answer.status, answer.body) == (403, b"no")
    assert answer.fields[b"connection"] == b"close"
    nothing_left(stage, upstream.url)
    assert stage.admitter.last().attempts == ["succeeded 403"]


def test_an_upstream_of_http_1_0_is_asked_anew_each_time(stage: Stage) -> None:
    upstream = stage.serve(once(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", close=False))
    client = stage.client()
    assert client.get().body == b"ok"
    assert client.get().body == b"ok"
    assert upstream.visits == 2


def test_an_upstream_that_says_close_is_believed(stage: Stage) -> None:
    upstream = stage.serve(answering(headers=b"Connection: close\r\n"))
    client = stage.client()
    answer = client.get()
    assert b"connection" not in answer.fields
    assert client.get().status == 200
    assert upstream.visits == 2


def test_an_upstream_that_tires_of_a_silent_client_is_not_blamed(stage: Stage) -> None:
    def tiring(visit: Visit) -> None:
        visit.read_head()
        visit.reset()

    upstream = stage.upstream(tiring)
    stage.start(route("/", upstream.url))
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nab")
    assert client.answer().status == 502
    assert stage.admitter.last(1).attempts == ["cancelled"]
    nothing_left(stage, upstream.url)
