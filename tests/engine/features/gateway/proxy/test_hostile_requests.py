from __future__ import annotations

import json

import pytest

from abi_engine.features.gateway.config import Limits
from tests.engine.features.gateway.proxy.hostile import (
    INSIDE,
    REFUSED_CHUNKS,
    REFUSED_HEADS,
    short,
)
from tests.engine.features.gateway.proxy.stage import LIMITS, Stage
from tests.engine.features.gateway.proxy.surprising import FORWARDED, Meant
from tests.engine.features.gateway.proxy.upstream import Visit, echoing, fields_of

CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
FORGIVEN = b"\r\nGET"  # one empty line in front is what old clients send after a body


def refused(stage: Stage, raw: bytes, status: int, step: int = 1 << 20) -> None:
    client = stage.client()
    for start in range(0, len(raw), step):
        client.send(raw[start : start + step])
    answer = client.answer()
    assert answer.status == status
    assert answer.fields[b"connection"] == b"close"
    assert json.loads(answer.body)["status"] == status
    client.stop_sending()
    assert client.rest() == b""


@pytest.mark.parametrize(
    "raw", [raw for raw in REFUSED_HEADS if not raw.startswith(FORGIVEN)], ids=short
)
def test_a_hostile_head_is_answered_400_and_nothing_behind_it_is_read(
    stage: Stage, raw: bytes
) -> None:
    upstream = stage.serve()
    refused(stage, raw + INSIDE, 400)
    assert upstream.heads == []
    assert stage.admitter.refusals == [400]


@pytest.mark.parametrize("raw", REFUSED_HEADS[::7], ids=short)
def test_how_a_hostile_head_arrives_changes_nothing(stage: Stage, raw: bytes) -> None:
    stage.serve()
    if not raw.startswith(FORGIVEN):
        refused(stage, raw, 400, step=1)


@pytest.mark.parametrize("body", REFUSED_CHUNKS, ids=short)
def test_a_hostile_chunk_is_answered_400_and_never_becomes_a_request(
    stage: Stage, body: bytes
) -> None:
    def script(visit: Visit) -> None:
        while head := visit.read_head():
            visit.read_body(head)
            visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    upstream = stage.serve(script)
    refused(stage, CHUNKED + body + INSIDE, 400)
    assert not any(b"smuggled" in head for head in upstream.heads)
    finish = stage.admitter.last()
    assert (finish.status, finish.attempts) == (400, ["cancelled"])


@pytest.mark.parametrize("meant", FORWARDED, ids=lambda meant: short(meant.raw))
@pytest.mark.parametrize("step", [1 << 20, 7])
def test_what_is_forwarded_has_one_meaning(stage: Stage, meant: Meant, step: int) -> None:
    seen: list[tuple[bytes, ...]] = []

    def script(visit: Visit) -> None:
        while head := visit.read_head():
            fields_of(head)  # none twice
            seen.append((*head.split(b" ", 2)[:2], visit.read_body(head)))
            visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    stage.serve(script)
    client = stage.client()
    raw = meant.raw + b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    for start in range(0, len(raw), step):
        client.send(raw[start : start + step])
    for _ in range(1 + meant.lives):
        assert client.answer().status == 204
    client.stop_sending()
    assert client.rest() == b""
    rest = [(b"GET", b"/last", b"")] if meant.lives else []
    assert seen == [(meant.method, meant.target, meant.body), *rest]


def test_an_empty_line_in_front_is_forgiven_once(stage: Stage) -> None:
    stage.serve()
    client = stage.client()
    client.send(b"\r\n" + INSIDE)
    assert client.answer().status == 200
    for byte in b"\r\n" + INSIDE:
        client.send(bytes((byte,)))
    assert client.answer().status == 200
    refused(stage, b"\r\n\r\n" + INSIDE, 400)


SMALL = Limits(header_size=512, header_count=5, url_size=100)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /" + b"a" * 100 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (b"GET /" + b"a" * 300, 414),
        (b"A" * 300, 414),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 500 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 600, 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: y\r\n" * 5 + b"\r\n", 431),
    ],
    ids=short,
)
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_an_oversize_head_is_refused_by_name(
    stage: Stage, raw: bytes, status: int, step: int
) -> None:
    stage.serve(limits=SMALL)
    client = stage.client()
    try:
        for start in range(0, len(raw), step):
            client.send(raw[start : start + step])
    except ConnectionError:
        pass  # it was refused before the end
    assert client.answer().status == status


def test_a_head_of_just_the_right_size_is_taken(stage: Stage) -> None:
    stage.serve(limits=SMALL)
    start = b"GET / HTTP/1.1\r\nHost: h\r\nX: "
    raw = start + b"a" * (512 - len(start) - 4) + b"\r\n\r\n"
    client = stage.client()
    client.send(raw)
    assert client.answer().status == 200
    client.send(b"GET /" + b"a" * 99 + b" HTTP/1.1\r\nHost: h\r\n\r\n")
    assert client.answer().status == 200


def test_a_refused_upload_can_read_its_answer(stage: Stage) -> None:
    stage.serve(echoing, route={"max_body": 1000}, linger=5.0)
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n")
    client.send(b"x" * 8_000_000)  # as a client does that reads only when it has sent everything
    answer = client.answer()
    assert (answer.status, answer.fields[b"connection"]) == (413, b"close")


def test_a_chunked_upload_is_cut_off_where_it_grows_too_large(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.wait_for_end()

    stage.serve(script, route={"max_body": 1000}, linger=5.0)
    client = stage.client()
    client.send(CHUNKED + (b"64\r\n" + b"x" * 100 + b"\r\n") * 10_000)
    answer = client.answer()
    assert (answer.status, answer.fields[b"connection"]) == (413, b"close")
    finish = stage.admitter.last()
    assert (finish.status, finish.attempts) == (413, ["cancelled"])
    assert finish.bytes_in < 1_000_000


def test_no_body_is_allowed_where_none_is(stage: Stage) -> None:
    stage.serve(route={"max_body": 0})
    client = stage.client()
    assert client.post("/", b"").status == 200
    assert client.post("/", b"x").status == 413


def test_what_surrounds_a_body_cannot_reach_into_the_next_request(stage: Stage) -> None:
    upstream = stage.serve(echoing)
    client = stage.client()
    body = b"GET /inside HTTP/1.1\r\nHost: h\r\n\r\n"
    client.send(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    client.send(CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) + INSIDE)
    assert client.answer().body == body
    assert client.answer().body == body
    assert client.answer().status == 200
    paths = [head.split(b" ")[1] for head in upstream.heads]
    assert paths == [b"/a", b"/", b"/smuggled"]


def test_beyond_the_limit_of_connections_clients_are_told(stage: Stage) -> None:
    limits = Limits(connections=2, keepalive_timeout=LIMITS.keepalive_timeout)
    stage.serve(limits=limits)
    first, second = stage.client(), stage.client()
    assert (first.get().status, second.get().status) == (200, 200)
    third = stage.client()
    answer = third.answer()
    assert (answer.status, answer.fields[b"connection"]) == (503, b"close")
    assert b"retry-after" in answer.fields
    third.stop_sending()
    assert third.rest() == b""
    first.socket.close()
    stage.eventually(lambda plane: len(plane.clients) == 1)
    assert stage.client().get().status == 200
