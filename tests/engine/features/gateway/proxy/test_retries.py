"""What is sent to another upstream, and what is not."""

from __future__ import annotations

import socket
from collections.abc import Callable
from threading import Event

import pytest

from abi_engine.features.gateway.api import Retries
from tests.engine.features.gateway.proxy.client import Answer, Client
from tests.engine.features.gateway.proxy.stage import Stage, route
from tests.engine.features.gateway.proxy.test_upstream_trouble import unused_port
from tests.engine.features.gateway.proxy.upstream import (
    Script,
    Upstream,
    Visit,
    answering,
    echoing,
    once,
)

LOST = "failed the upstream closed the connection"
BODY = bytes(range(256)) * 16


def dying(visit: Visit) -> None:
    """Reads the whole request, and leaves."""
    visit.read_body(visit.read_head())
    visit.reset()


def hanging(visit: Visit) -> None:
    visit.read_head()
    visit.wait_for_end()


def two(stage: Stage, first: Script, second: Script | None = None, **options: object) -> Upstream:
    """Two upstreams behind `/`, the first of them always asked first; the second comes back."""
    upstream = stage.upstream(second or answering(b"second"))
    stage.start(route("/", stage.upstream(first).url, upstream.url, **options))
    return upstream


def attempts(stage: Stage, count: int = 1) -> list[str]:
    return stage.admitter.last(count).attempts


def in_chunks(client: Client, body: bytes, method: str = "PUT") -> Answer:
    client.send(f"{method} / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for start in range(0, len(body), 1000):
        piece = body[start : start + 1000]
        client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    client.send(b"0\r\n\r\n")
    return client.answer()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE", "POST", "PATCH"])
def test_any_request_goes_elsewhere_where_there_was_no_connection(
    stage: Stage, method: str
) -> None:
    upstream = stage.upstream()
    stage.start(route("/", f"http://127.0.0.1:{unused_port()}", upstream.url))
    assert stage.client().get(method=method).status == 200
    refused, answered = attempts(stage)
    assert refused.startswith("failed cannot connect")
    assert answered == "succeeded 200"


@pytest.mark.parametrize("size", [1, 200_000])
def test_a_body_that_was_not_sent_yet_goes_elsewhere_whole(stage: Stage, size: int) -> None:
    upstream = stage.upstream(echoing)
    stage.start(route("/", f"http://127.0.0.1:{unused_port()}", upstream.url))
    assert stage.client().post("/", b"x" * size).body == b"x" * size
    assert stage.admitter.last().bytes_in == size


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "DELETE"])
def test_what_may_be_done_twice_goes_elsewhere_after_a_failure(stage: Stage, method: str) -> None:
    two(stage, dying)
    assert stage.client().get(method=method).status == 200
    assert attempts(stage) == [LOST, "succeeded 200"]


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_not_be_done_twice_does_not(stage: Stage, method: str) -> None:
    upstream = two(stage, dying)
    assert stage.client().get(method=method).status == 502
    assert attempts(stage) == [LOST]
    assert upstream.visits == 0


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_answer_that_is_a_reason_is_thrown_away(stage: Stage, status: int) -> None:
    two(stage, answering(b"go away", f"{status} No"))
    client = stage.client()
    answer = client.get()
    assert (answer.status, answer.body) == (200, b"second")
    assert attempts(stage) == [f"failed answered {status}", "succeeded 200"]
    assert client.get().status == 200  # the client's connection has seen nothing of it


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf",
        b"HTTP/1.1 503 No\r\nContent-Length: 1000\r\n\r\nhalf",
        b"HTTP/1.1 503 No\r\n\r\nhalf",
    ],
)
def test_so_is_one_that_has_only_begun(stage: Stage, raw: bytes) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(raw)
        visit.wait_for_end()

    two(stage, script)
    assert stage.client().get().body == b"second"


def test_only_the_statuses_that_the_route_names_are_a_reason(stage: Stage) -> None:
    two(stage, answering(b"bug", "500 Oops"), retries=Retries(statuses=(503,)))
    answer = stage.client().get()
    assert (answer.status, answer.body) == (500, b"bug")
    assert attempts(stage) == ["failed answered 500"]


def test_an_answer_to_what_may_not_be_done_twice_is_passed_on(stage: Stage) -> None:
    upstream = two(stage, answering(b"busy", "503 Busy"))
    assert stage.client().post("/", b"x").body == b"busy"
    assert upstream.visits == 0


@pytest.mark.parametrize("raw", [b"garbage\r\n\r\n", b"HTTP/1.1 101 No\r\n\r\n"])
def test_nonsense_is_a_reason(stage: Stage, raw: bytes) -> None:
    two(stage, once(raw))
    assert stage.client().get().body == b"second"
    assert attempts(stage) == ["failed the upstream's response is malformed", "succeeded 200"]


def test_a_bad_body_is_a_reason_while_nothing_has_gone_out(stage: Stage) -> None:
    two(stage, once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"))
    answer = stage.client().get()
    assert answer.body == b"second"
    assert b"transfer-encoding" not in answer.fields


def test_an_answer_that_has_gone_out_in_part_is_not_begun_again(stage: Stage) -> None:
    upstream = two(stage, once(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"))
    with pytest.raises(ConnectionError):
        stage.client().get()
    assert attempts(stage) == [LOST]
    assert upstream.visits == 0


def test_interim_responses_that_went_out_are_part_of_the_answer(stage: Stage) -> None:
    upstream = two(stage, once(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"))
    assert stage.client().get().status == 502
    assert upstream.visits == 0


@pytest.mark.parametrize("send", [Client.post, in_chunks])
def test_a_body_is_kept_and_sent_again(stage: Stage, send: Callable[..., Answer]) -> None:
    two(stage, dying, echoing)
    client = stage.client()
    if send is in_chunks:
        answer = in_chunks(client, BODY)
    else:
        client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)
        answer = client.answer()
    assert answer.body == BODY
    finish = stage.admitter.last()
    assert finish.attempts == [LOST, "succeeded 200"]
    assert finish.bytes_in == len(BODY)


def test_a_body_larger_than_what_is_kept_is_not_sent_again(stage: Stage) -> None:
    upstream = two(stage, dying, echoing, retries=Retries(held_body=len(BODY)))
    client = stage.client()
    assert in_chunks(client, BODY).body == BODY
    assert in_chunks(client, BODY + b"x").status == 502
    assert stage.inside(lambda plane: [one._exchange for one in plane.clients]) == [None]
    assert upstream.visits == 1


def test_a_body_under_way_goes_on_elsewhere(stage: Stage) -> None:
    gone = Event()

    def script(visit: Visit) -> None:
        head = visit.read_head()
        assert b"Content-Length: 20" in head
        visit.read(10)
        gone.set()
        visit.reset()

    two(stage, script, echoing)
    client = stage.client()
    client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 20\r\n\r\n0123456789")
    assert gone.wait(5)
    stage.eventually(lambda _: stage.admitter.retries < 1000)
    client.send(b"abcdefghij")
    assert client.answer().body == b"0123456789abcdefghij"


def test_a_client_that_waits_for_leave_is_told_once(stage: Stage) -> None:
    two(stage, dying, echoing)
    client = stage.client()
    client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    client.fill_until(b"\r\n\r\n")
    client.send(b"body")
    assert client.answer().body == b"body"
    assert client.interim == [b"HTTP/1.1 100 Continue"]


def test_no_more_upstreams_are_tried_than_the_route_says(stage: Stage) -> None:
    upstreams = [stage.upstream(dying) for _ in range(4)]
    urls = [upstream.url for upstream in upstreams]
    stage.start(
        route("/never", *urls, retries=Retries(attempts=0)),
        route("/twice", *urls, retries=Retries(attempts=2)),
        route("/", *urls[:2], retries=Retries(attempts=8)),
    )
    client = stage.client()
    for count, (target, tried) in enumerate((("/never", 1), ("/twice", 3), ("/", 2)), 1):
        assert client.get(target).status == 502
        assert attempts(stage, count) == [LOST] * tried
    assert [upstream.visits for upstream in upstreams] == [3, 2, 1, 0]


@pytest.mark.parametrize("first", [answering(b"busy", "503 Busy"), dying])
def test_without_a_budget_the_answer_or_the_trouble_stays_as_it_is(
    stage: Stage, first: Script
) -> None:
    upstream = two(stage, first)
    stage.admitter.retries = 0
    answer = stage.client().get()
    assert (answer.status, answer.body == b"busy") in ((503, True), (502, False))
    assert len(attempts(stage)) == 1
    assert upstream.visits == 0


def test_where_nothing_was_sent_no_budget_is_needed(stage: Stage) -> None:
    upstream = stage.upstream()
    stage.start(route("/", f"http://127.0.0.1:{unused_port()}", upstream.url))
    stage.admitter.retries = 0
    for _ in range(10):
        assert stage.client().post("/", b"x").status == 200


def test_an_upstream_that_does_not_answer_is_given_up_for_another(stage: Stage) -> None:
    two(stage, hanging, timeouts={"first_byte": 0.15})
    assert stage.client().get().body == b"second"
    assert attempts(stage) == ["failed the upstream did not answer in time", "succeeded 200"]


def test_so_is_one_that_does_not_let_itself_be_connected(stage: Stage) -> None:
    # A listener whose queue is full does not answer; the first connections fill it.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        place = listener.getsockname()
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(place)
        full, upstream = f"http://127.0.0.1:{place[1]}", stage.upstream(echoing)
        stage.start(route("/", full, upstream.url, timeouts={"connect": 0.15}))
        assert stage.client().post("/", b"kept").body == b"kept"
        for filler in fillers:
            filler.close()


def test_the_total_is_that_of_all_attempts_together(stage: Stage) -> None:
    upstream = two(stage, hanging, hanging, timeouts={"first_byte": 0.3, "total": 0.45})
    assert stage.client().get().status == 504
    assert attempts(stage) == [
        "failed the upstream did not answer in time",
        "failed the request took too long as a whole",
    ]
    assert upstream.visits == 1


def test_an_upgrade_goes_elsewhere_too(stage: Stage) -> None:
    def accepting(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello")

    two(stage, answering(b"", "503 Busy"), accepting)
    client = stage.client()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    client.fill_until(b"hello")
    assert client.buffer.startswith(b"HTTP/1.1 101 ")


def test_nothing_of_a_retry_stays_behind(stage: Stage) -> None:
    first, second = stage.upstream(answering(b"", "503 Busy")), stage.upstream()
    stage.start(route("/", first.url, second.url))
    client = stage.client()
    for _ in range(20):
        assert client.get().status == 200
    stage.eventually(lambda plane: plane.pool.counts(first.url) == (0, 0))
    assert stage.proxy.connections(second.url) == (1, 0)
