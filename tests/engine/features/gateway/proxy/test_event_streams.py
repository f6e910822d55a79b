"""Streams of events: passed on piece by piece, for as long as something comes."""

from __future__ import annotations

from threading import Semaphore

import pytest

from tests.engine.features.gateway.proxy.client import Client
from tests.engine.features.gateway.proxy.stage import Stage, route
from tests.engine.features.gateway.proxy.test_bodies import memory
from tests.engine.features.gateway.proxy.upstream import Script, Visit, once
from tests.scale import scaled

EVENTS = scaled(600, 3600)
"""An hour with an event a second: each is waited for until it has arrived, not for a second."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
GET = b"GET / HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n"
BRIEF = 0.2


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(number: int) -> bytes:
    return b'id: %d\nevent: tick\ndata: {"number": %d}\n\n' % (number, number)


def begin(client: Client) -> None:
    """Ask for a stream, and take its head."""
    client.send(GET)
    client.fill_until(b"\r\n\r\n")
    head, _, client.buffer = client.buffer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head


def dripping(head: bytes) -> Script:
    """Sends a comment now and then, for longer than `BRIEF`, and then nothing."""

    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(head + b"\r\n")
        for _ in range(10):
            visit.owner.released.wait(BRIEF / 4)
            visit.send(b": still here\n\n")
        visit.wait_for_end()

    return script


@pytest.mark.timeout(scaled(60, 300))
@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_an_hour_of_events_arrives_one_by_one_and_nothing_grows(stage: Stage, framing: str) -> None:
    arrived = Semaphore(0)
    chunked = framing == "chunked"

    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(HEAD + b"Transfer-Encoding: chunked\r\n" * chunked + b"\r\n")
        for number in range(EVENTS):
            visit.send(chunk(event(number)) if chunked else event(number))
            assert arrived.acquire(timeout=10), "the last event did not arrive"
        visit.send(b"0\r\n\r\n" * chunked)

    stage.serve(script)
    client = stage.client()
    begin(client)
    settled = 0
    for number in range(EVENTS):
        expected = chunk(event(number))
        assert client.take(len(expected)) == expected
        arrived.release()
        settled = memory() if number == EVENTS // 10 else settled
    assert memory() - settled < 4 << 20
    assert client.take(5) == b"0\r\n\r\n"
    finish = stage.admitter.last()
    assert (finish.status, finish.attempts) == (200, ["succeeded 200"])
    assert finish.bytes_out == sum(len(event(number)) for number in range(EVENTS))


def test_a_stream_of_events_outlives_the_total_and_not_the_idle_time(stage: Stage) -> None:
    stage.serve(dripping(HEAD), route={"timeouts": {"total": BRIEF, "idle": BRIEF}})
    client = stage.client()
    begin(client)
    with pytest.raises(ConnectionError):
        client.rest()  # cut in the middle of its chunks, so that the end is no end
    assert client.buffer.count(b": still here\n\n") == 10
    assert stage.admitter.last().attempts == ["failed the upstream stopped in the middle"]


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b"text/event-stream", b"text/plain"),
        HEAD.replace(b"text/event-stream", b"text/plain; was=text/event-stream"),
        b"HTTP/1.1 200 OK\r\nX-Type: text/event-stream\r\n",
    ],
)
def test_other_answers_do_not_outlive_it(stage: Stage, head: bytes) -> None:
    stage.serve(dripping(head), route={"timeouts": {"total": BRIEF}})
    client = stage.client()
    begin(client)
    with pytest.raises(ConnectionError):
        client.rest()
    assert stage.admitter.last().attempts == ["failed the request took too long as a whole"]


@pytest.mark.parametrize("name", [b"Text/Event-Stream", b" text/event-stream ;charset=utf-8"])
def test_the_type_may_be_written_in_any_way(stage: Stage, name: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type:" + name + b"\r\n"
    stage.serve(dripping(head), route={"timeouts": {"total": BRIEF, "idle": BRIEF}})
    client = stage.client()
    begin(client)
    with pytest.raises(ConnectionError):
        client.rest()
    assert stage.admitter.last().attempts == ["failed the upstream stopped in the middle"]


def test_the_breaker_learns_of_a_stream_when_it_begins(stage: Stage) -> None:
    stage.serve(dripping(HEAD))
    client = stage.client()
    begin(client)
    (attempt,) = stage.inside(lambda plane: [one._exchange._attempt for one in plane.clients])
    assert (attempt.outcome, attempt.settlings) == ("open", 1)
    client.reset()
    assert stage.admitter.last().attempts == ["cancelled"]


def test_a_stream_that_is_refused_tells_nothing_good(stage: Stage) -> None:
    raw = HEAD.replace(b"200 OK", b"500 Oops") + b"Content-Length: 2\r\n\r\nno"
    stage.serve(once(raw))
    assert stage.client().get().status == 500
    assert stage.admitter.last().attempts == ["failed answered 500"]


def test_streams_live_beside_other_requests(stage: Stage) -> None:
    stream, plain = stage.upstream(dripping(HEAD)), stage.upstream()
    stage.start(route("/plain", plain.url), route("/", stream.url))
    streams = [stage.client() for _ in range(50)]
    for client in streams:
        begin(client)
    asking = stage.client()
    for _ in range(100):
        assert asking.get("/plain").status == 200
    for client in streams:
        client.fill_until(b": still here\n\n")
