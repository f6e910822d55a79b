"""Answers without a body, interim answers and trailers: what is passed on, and what is kept."""

from __future__ import annotations

import pytest

from tests.engine.features.gateway.proxy.hostile import short
from tests.engine.features.gateway.proxy.stage import Stage, route
from tests.engine.features.gateway.proxy.test_upstream_trouble import unused_port
from tests.engine.features.gateway.proxy.upstream import Visit, once

CHUNKED = b"Transfer-Encoding: chunked\r\n"
EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


def raw_answers(raw: bytes) -> object:
    """Answers every request with the same bytes."""

    def script(visit: Visit) -> None:
        while visit.read_head():
            visit.send(raw)

    return script


@pytest.mark.parametrize(
    ("method", "status", "fields", "kept"),
    [
        ("HEAD", 200, b"Content-Length: 5\r\n", True),
        ("HEAD", 200, b"", True),
        ("HEAD", 200, CHUNKED, False),
        ("HEAD", 204, b"Content-Length: 5\r\n", False),
        ("GET", 204, b"", True),
        ("GET", 204, b"Content-Length: 0\r\n", True),
        ("GET", 204, b"Content-Length: 5\r\n", False),
        ("GET", 204, CHUNKED, False),
        ("GET", 205, b"Content-Length: 0\r\n", True),
        ("GET", 205, b"Content-Length: 5\r\n", False),
        ("GET", 205, CHUNKED, False),
        ("GET", 304, b"", True),
        ("GET", 304, b"Content-Length: 5\r\n", True),
        ("GET", 304, CHUNKED, False),
        ("HEAD", 304, b"Content-Length: 5\r\n", True),
    ],
)
def test_a_connection_is_used_again_only_where_no_body_can_follow(
    stage: Stage, method: str, status: int, fields: bytes, kept: bool
) -> None:
    upstream = stage.serve(raw_answers(b"HTTP/1.1 %d X\r\n%b\r\n" % (status, fields)))
    client = stage.client()
    for _ in range(3):
        answer = client.get(method=method)
        assert (answer.status, answer.body) == (status, b"")
        assert b"transfer-encoding" not in answer.fields
    assert upstream.visits == (1 if kept else 3)


@pytest.mark.parametrize("status", [204, 205, 304])
@pytest.mark.parametrize("fields", [b"Content-Length: %d\r\n" % len(EVIL), CHUNKED, b""])
def test_a_body_where_there_can_be_none_reaches_nobody(
    stage: Stage, status: int, fields: bytes
) -> None:
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVIL), EVIL) if fields is CHUNKED else EVIL
    stage.serve(raw_answers(b"HTTP/1.1 %d X\r\n%b\r\n" % (status, fields) + body))
    client = stage.client()
    for _ in range(5):
        assert client.get().status == status
    assert client.buffer == b""


def test_an_answer_205_has_no_content_and_says_so(stage: Stage) -> None:
    stage.serve(once(b"HTTP/1.1 205 Reset\r\n\r\nsomething"))
    client = stage.client()
    answer = client.get()
    assert (answer.status, answer.fields[b"content-length"]) == (205, b"0")
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.rest().endswith(b"\r\n\r\n")


def test_any_interim_answer_is_passed_on_before_the_last(stage: Stage) -> None:
    raw = b"".join(b"HTTP/1.1 %d X\r\nX-Number: %d\r\n\r\n" % (n, n) for n in (102, 103, 199))
    stage.serve(raw_answers(raw + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    client = stage.client()
    for _ in range(2):
        client.interim = []
        assert client.get().body == b"ok"
        assert [head.split()[1] for head in client.interim] == [b"102", b"103", b"199"]
        assert b"X-Number: 103" in client.interim[1]


@pytest.mark.parametrize("fields", [b"Content-Length: 5\r\n", CHUNKED])
@pytest.mark.parametrize("status", [100, 103])
def test_an_interim_answer_with_a_body_is_a_502(stage: Stage, status: int, fields: bytes) -> None:
    raw = b"HTTP/1.1 %d X\r\n%b\r\nhello" % (status, fields)
    stage.serve(once(raw + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
    client = stage.client()
    assert client.get().status == 502
    assert client.interim == []


TRAILERS = b"5\r\nhello\r\n0\r\nX-Sum: 1\r\nContent-Length: 99\r\n\r\n"


def test_trailers_of_an_answer_are_checked_and_dropped(stage: Stage) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n" + CHUNKED + b"\r\n" + TRAILERS
    upstream = stage.serve(raw_answers(raw))
    client = stage.client()
    for _ in range(2):
        answer = client.get("/", "TE: trailers")
        assert answer.body == b"hello"
        assert b"trailer" not in answer.fields
    client.stop_sending()
    assert client.rest() == b""
    assert upstream.visits == 1
    assert b"TE" not in upstream.heads[0]


def test_trailers_of_a_request_are_checked_and_dropped(stage: Stage) -> None:
    seen: list[bytes] = []

    def script(visit: Visit) -> None:
        while visit.read_head():
            visit.fill_until(b"\r\n0\r\n")
            seen.append(visit.buffer)
            visit.buffer = b""
            visit.send(b"HTTP/1.1 204 X\r\n\r\n")

    stage.serve(script)
    client = stage.client()
    for _ in range(2):
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nTrailer: X-Sum\r\n" + CHUNKED + b"\r\n")
        client.send(TRAILERS)
        assert client.answer().status == 204
    assert seen == [b"5\r\nhello\r\n0\r\n\r\n"] * 2


@pytest.mark.parametrize(
    "end",
    [
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nX : y\r\n\r\n",
        b"0\r\n folded: y\r\n\r\n",
        b"0\r\nX: \0\r\n",
    ],
    ids=short,
)
def test_a_malformed_trailer_is_refused_either_way(stage: Stage, end: bytes) -> None:
    raw = b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n5\r\nhello\r\n" + end
    upstream = stage.serve(once(raw))
    assert stage.client().get().status == 502
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + CHUNKED + b"\r\n5\r\nhello\r\n" + end)
    assert client.answer().status == 400
    assert upstream.visits <= 2


def test_leave_to_send_a_body_is_given_where_it_can_be_sent_and_not_before(stage: Stage) -> None:
    stage.start(route("/", f"http://127.0.0.1:{unused_port()}"))
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    answer = client.answer()
    assert (answer.status, answer.fields[b"connection"]) == (502, b"close")
    assert client.interim == []


def test_leave_is_not_given_to_a_body_that_is_here(stage: Stage) -> None:
    stage.serve()
    client = stage.client()
    client.send(
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody"
    )
    assert client.answer().status == 200
    assert client.interim == []


def test_unasked_bytes_on_a_kept_connection_are_no_answer(stage: Stage) -> None:
    sent = [False]

    def script(visit: Visit) -> None:
        while visit.read_head():
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            if not sent[0]:
                sent[0] = True
                visit.owner.released.wait(10)
                visit.send(EVIL)
                visit.wait_for_end()

    upstream = stage.serve(script)
    client = stage.client()
    assert client.get().body == b"ok"
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (1, 0))

    def take(plane: object) -> object:
        """The kept connection, asked for in the pass of the loop in which the bytes came."""
        (shelf,) = plane.pool._shelves.values()
        upstream.released.set()
        (kept,) = shelf.idle
        while kept.is_quiet():
            pass
        return shelf.take()

    assert stage.inside(take) is None
    assert client.get().body == b"ok"
    assert upstream.visits == 2
