from __future__ import annotations

from threading import Thread
from typing import Any

from abi_engine.features.gateway.config import Limits
from tests.engine.features.gateway.proxy.stage import Stage, route
from tests.engine.features.gateway.proxy.upstream import Visit, echoing, once


def request(number: int, body: bytes, *, chunked: bool) -> bytes:
    first = b"POST /%d HTTP/1.1\r\nHost: h\r\n" % number
    if chunked:
        framing = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        return first + framing % (len(body), body)
    return first + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def test_answers_come_in_the_order_of_the_requests(stage: Stage) -> None:
    upstream = stage.serve(echoing)
    client = stage.client()
    bodies = [b"%d" % number * (number % 50 + 1) for number in range(200)]
    raw = b"".join(
        request(number, body, chunked=number % 2 == 0) for number, body in enumerate(bodies)
    )
    for start in range(0, len(raw), 997):
        client.send(raw[start : start + 997])
    assert [client.answer().body for _ in bodies] == bodies
    assert len(upstream.heads) == 200
    assert upstream.visits == 1


def test_the_gateway_s_own_answers_keep_their_place(stage: Stage) -> None:
    upstream = stage.upstream(echoing)
    stage.start(route("/there", upstream.url))
    client = stage.client()
    client.send(
        b"GET /there HTTP/1.1\r\nHost: h\r\n\r\n"
        b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"
        b"POST /nowhere HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody"
        b"HEAD /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"
        b"GET /there HTTP/1.1\r\nHost: h\r\n\r\n"
        b"nonsense\r\n\r\n"
    )
    statuses = [client.answer(to_head=number == 3).status for number in range(6)]
    assert statuses == [200, 404, 404, 404, 200, 400]


def test_thousands_of_requests_at_once_are_all_answered(stage: Stage) -> None:
    stage.start()
    client = stage.client()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 5000)
    assert all(client.answer().status == 404 for _ in range(5000))


def test_a_flood_of_requests_lets_others_have_their_turn(stage: Stage) -> None:
    stage.start()
    flooding, other = stage.client(), stage.client()
    admit = stage.admitter.admit

    def admit_and_let_the_other_ask(method: str, target: str, *rest: Any) -> Any:
        if not stage.admitter.seen:
            other.send(b"GET /other HTTP/1.1\r\nHost: h\r\n\r\n")
        return admit(method, target, *rest)

    stage.admitter.admit = admit_and_let_the_other_ask
    flooding.send(b"GET /flood HTTP/1.1\r\nHost: h\r\n\r\n" * 1000)
    assert all(flooding.answer().status == 404 for _ in range(1000))
    assert other.answer().status == 404
    targets = [target for _, target, _ in stage.admitter.seen]
    assert targets.index("/other") < 500


def test_a_flood_of_requests_is_not_taken_in_faster_than_it_is_answered(stage: Stage) -> None:
    stage.start()
    client = stage.client()
    request = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    sending = Thread(target=client.send, args=(request * 20_000,))
    sending.start()
    most = 0
    for _ in range(20_000):
        assert client.answer().status == 404
        if not client.buffer:
            most = max(most, stage.inside(lambda plane: max(map(waiting_bytes, plane.clients))))
    sending.join(5)
    assert most < 3 * (256 << 10)  # what a few reads of the loop bring in


def waiting_bytes(connection: Any) -> int:
    return len(connection._buffer)


def test_beyond_the_limit_nothing_more_is_read(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        while visit.read_head():
            visit.owner.released.wait(10)
            visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    upstream = stage.serve(script, limits=Limits(pipeline=4))
    client = stage.client()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    stage.eventually(lambda _: len(upstream.heads) == 1)

    def waiting(plane: object) -> tuple[bool, int]:
        (connection,) = plane.clients
        return connection._paused, len(connection._buffer)

    request = b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 1000 + b"\r\n\r\n"
    for number in range(1, 5):
        client.send(request)
        size = number * len(request)
        stage.eventually(lambda plane, size=size: waiting(plane)[1] == size)
        assert stage.inside(waiting)[0] is (number == 4)
    client.socket.setblocking(False)
    sent = 0
    try:
        for _ in range(50_000):
            sent += client.socket.send(request)
    except BlockingIOError:
        pass
    assert stage.inside(waiting) == (True, 4 * len(request))
    client.socket.settimeout(10)
    rest = -sent % len(request)
    upstream.released.set()
    count = 5 + sent // len(request)
    assert all(client.answer().status == 204 for _ in range(count))
    if rest:
        client.send(request[-rest:])
        assert client.answer().status == 204


def test_a_request_behind_a_broken_answer_is_not_answered(stage: Stage) -> None:
    stage.serve(once(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nsome"))
    client = stage.client()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 2)
    try:
        while data := client.socket.recv(1000):
            client.buffer += data
    except ConnectionError:
        pass
    assert client.buffer.count(b"HTTP/1.1 ") <= 1
    assert len(stage.admitter.finished) == 1


def test_a_request_behind_one_that_asks_for_the_end_is_not_read(stage: Stage) -> None:
    upstream = stage.serve()
    client = stage.client()
    client.send(
        b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"
    )
    assert client.rest().count(b"HTTP/1.1 ") == 1
    assert len(upstream.heads) == 1
