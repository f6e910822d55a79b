"""Short configured times; nothing here measures how long something took."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread

import pytest

from abi_engine.features.gateway.config import Limits
from tests.engine.features.gateway.proxy.stage import Stage, route
from tests.engine.features.gateway.proxy.upstream import Visit, answering

BRIEF = 0.15
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n"


def hanging(visit: Visit) -> None:
    visit.read_head()
    visit.wait_for_end()


def test_a_head_that_does_not_come_to_its_end_is_a_408(stage: Stage) -> None:
    stage.serve(limits=Limits(header_timeout=BRIEF))
    client = stage.client()
    client.send(b"GET / HTTP/1.1\r\nHo")
    answer = client.answer()
    assert (answer.status, answer.fields[b"connection"]) == (408, b"close")
    assert stage.admitter.refusals == [408]


def test_dripping_a_head_wins_no_time(stage: Stage) -> None:
    stage.serve(limits=Limits(header_timeout=BRIEF))
    client = stage.client()
    client.socket.settimeout(0.01)
    client.send(b"GET / HTTP/1.1\r\nX: ")
    while True:
        client.send(b"y")
        try:
            client.buffer += client.socket.recv(1000)
            break
        except TimeoutError:
            continue
    client.socket.settimeout(5)
    assert client.answer().status == 408


def test_an_idle_connection_is_closed_without_a_word(stage: Stage) -> None:
    stage.serve(limits=Limits(keepalive_timeout=BRIEF))
    fresh, used = stage.client(), stage.client()
    assert used.get().status == 200
    assert used.is_closed()
    assert fresh.is_closed()
    assert stage.admitter.refusals == []


def test_a_body_that_comes_too_slowly_is_a_408(stage: Stage) -> None:
    upstream = stage.serve(hanging, limits=Limits(body_grace=BRIEF, body_rate=1000))
    client = stage.client()
    client.send(POST + b"x" * 10)
    answer = client.answer()
    assert (answer.status, answer.fields[b"connection"]) == (408, b"close")
    finish = stage.admitter.last()
    assert (finish.status, finish.bytes_in, finish.attempts) == (408, 10, ["cancelled"])
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (0, 0))


def test_a_body_at_its_rate_may_take_longer_than_the_grace(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_body(visit.read_head())
        visit.owner.released.set()
        visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    upstream = stage.serve(script, limits=Limits(body_grace=BRIEF, body_rate=100))
    client = stage.client()
    client.send(POST + b"x" * 990)  # worth 9.9 s
    assert not upstream.released.wait(BRIEF * 2)
    client.send(b"x" * 10)
    assert client.answer().status == 204


def test_a_client_that_an_upstream_keeps_waiting_is_not_blamed(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.owner.released.wait(10)
        visit.wait_for_end()

    upstream = stage.serve(script, limits=Limits(body_grace=0.5, body_rate=1 << 30))
    client = stage.client()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")

    def push() -> None:
        with suppress(OSError):  # it ends when the gateway does
            client.send(b"x" * 100_000_000)

    pushing = Thread(target=push)
    pushing.start()
    assert not upstream.released.wait(1.2)
    assert stage.admitter.finished == []
    stage.proxy.stop(0.5)
    pushing.join(5)


def test_an_upstream_that_never_answers_is_a_504(stage: Stage) -> None:
    upstream = stage.serve(hanging, route={"timeouts": {"first_byte": BRIEF}})
    client = stage.client()
    assert client.get().status == 504
    assert stage.admitter.last().attempts == ["failed the upstream did not answer in time"]
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (0, 0))
    assert client.post("/", b"body").status == 504


def test_interim_responses_and_dripped_heads_are_no_answer(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 O")
        visit.wait_for_end()

    stage.serve(script, route={"timeouts": {"first_byte": BRIEF}})
    assert stage.client().get().status == 504


def test_the_wait_for_an_answer_begins_when_the_request_is_complete(stage: Stage) -> None:
    upstream = stage.serve(answering(), route={"timeouts": {"first_byte": BRIEF}})
    client = stage.client()
    client.send(POST + b"x")
    stage.eventually(lambda _: bool(upstream.heads))
    assert not upstream.released.wait(BRIEF * 2)
    client.send(b"x" * 999)
    assert client.answer().status == 200


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_an_upstream_that_stops_in_the_middle_ends_the_answer_visibly(
    stage: Stage, version: str
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\nsome")
        visit.wait_for_end()

    stage.serve(script, route={"timeouts": {"idle": BRIEF}})
    client = stage.client()
    client.send(f"GET / HTTP/{version}\r\nHost: h\r\n\r\n".encode())
    with pytest.raises(ConnectionError):
        client.answer()
    assert stage.admitter.last().attempts == ["failed the upstream stopped in the middle"]


def test_an_answer_that_drips_lives_as_long_as_it_drips(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            visit.send(b"x")
            visit.owner.released.wait(BRIEF / 4)

    stage.serve(script, route={"timeouts": {"idle": BRIEF}})
    assert stage.client().get().body == b"x" * 10


def test_no_answer_outlives_the_total(stage: Stage) -> None:
    def dripping(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while not visit.owner.released.wait(0.01):
            visit.send(b"x")

    drip, hang = stage.upstream(dripping), stage.upstream(hanging)
    times = {"total": BRIEF}
    stage.start(route("/drip", drip.url, timeouts=times), route("/hang", hang.url, timeouts=times))
    assert stage.client().get("/hang").status == 504
    assert stage.admitter.last().attempts == ["failed the request took too long as a whole"]
    with pytest.raises(ConnectionError):
        stage.client().get("/drip")
    finish = stage.admitter.last(2)
    assert finish.attempts == ["failed the request took too long as a whole"]
    assert finish.bytes_out > 0


def test_a_connection_that_does_not_come_about_is_a_504(stage: Stage) -> None:
    # A listener whose queue is full does not answer; the first connections fill it.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        url = f"http://127.0.0.1:{port}"
        stage.start(route("/", url, timeouts={"connect": BRIEF}))
        client = stage.client()
        assert client.get().status == 504
        assert client.post("/", b"x" * 100).status == 504
        attempts = stage.admitter.last(2).attempts
        assert attempts == ["failed connecting to the upstream took too long"]
        stage.eventually(lambda plane: plane.pool.counts(url) == (0, 0))
        for filler in fillers:
            filler.close()


def test_a_client_that_reads_nothing_is_cut_off_and_no_fault_of_the_upstream(
    stage: Stage,
) -> None:
    def script(visit: Visit) -> None:
        block = b"x" * 1_000_000
        visit.read_head()
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(100):
            visit.send(block)

    stage.serve(script, route={"timeouts": {"idle": BRIEF}})
    client = stage.client(receive_buffer=4096)
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    finish = stage.admitter.last()
    assert finish.attempts == ["cancelled"]
    assert finish.bytes_out < 50_000_000


def test_a_client_that_leaves_its_answer_in_the_wire_is_closed(stage: Stage) -> None:
    limits = Limits(keepalive_timeout=BRIEF)
    stage.serve(answering(b"x" * 3_000_000), limits=limits, route={"timeouts": {"idle": BRIEF}})
    for ending in ("", "Connection: close\r\n"):
        client = stage.client(receive_buffer=4096)
        client.send(f"GET / HTTP/1.1\r\nHost: h\r\n{ending}\r\n".encode())
        assert client.socket.recv(100)
    stage.eventually(lambda plane: not plane.clients)
