"""Which upgrades pass, and what becomes of the others."""

from __future__ import annotations

import pytest

from abi_engine.features.gateway.api import HeaderRules
from tests.engine.features.gateway.proxy.client import Answer, Client
from tests.engine.features.gateway.proxy.hostile import short
from tests.engine.features.gateway.proxy.stage import Stage, route
from tests.engine.features.gateway.proxy.upstream import Visit, fields_of

ASKED = (
    b"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
)
GRANTED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain"


def accepting(visit: Visit) -> None:
    """Upgrades at once, then sends everything back until the client ends."""
    visit.read_head()
    visit.send(GRANTED + b"Sec-WebSocket-Accept: x\r\n\r\n")
    if visit.buffer:
        visit.send(visit.buffer)
    while data := visit.socket.recv(65536):
        visit.send(data)


def plainly(visit: Visit) -> None:
    while head := visit.read_head():
        visit.read_body(head)
        visit.send(PLAIN)


def upgraded(client: Client, asked: bytes = ASKED + b"\r\n") -> dict[bytes, bytes]:
    """The fields of the 101 that the client is answered."""
    client.send(asked)
    client.fill_until(b"\r\n\r\n")
    head, _, client.buffer = client.buffer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return fields_of(head)


def asked_plainly(stage: Stage, raw: bytes) -> tuple[Answer, dict[bytes, bytes]]:
    """The answer to a request, and the fields that its upstream saw."""
    upstream = stage.serve(plainly)
    client = stage.client()
    client.send(raw)
    answer = client.answer()
    (head,) = upstream.heads
    return answer, fields_of(head)


@pytest.mark.parametrize(
    "raw",
    [
        ASKED.replace(b"websocket", b"h2c") + b"HTTP2-Settings: AAMAAABk\r\n\r\n",
        ASKED.replace(b"websocket", b"chat/2") + b"\r\n",
        ASKED.replace(b"websocket", b"websocket, h2c") + b"\r\n",
        ASKED + b"Upgrade: h2c\r\n\r\n",
        ASKED.replace(b"websocket", b"web socket") + b"\r\n",
        ASKED.replace(b"websocket", b"") + b"\r\n",
        ASKED.replace(b"keep-alive, Upgrade", b"keep-alive") + b"\r\n",
        ASKED.replace(b"keep-alive, Upgrade", b"close, upgrade") + b"\r\n",
        ASKED.replace(b"Connection: keep-alive, Upgrade\r\n", b"") + b"\r\n",
        ASKED.replace(b"GET", b"POST") + b"\r\n",
        ASKED.replace(b"GET", b"OPTIONS") + b"\r\n",
        ASKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n",
        ASKED + b"Content-Length: 0\r\n\r\n",
        ASKED + b"Content-Length: 4\r\n\r\nbody",
        ASKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=short,
)
def test_an_upgrade_that_is_not_clear_or_not_allowed_is_served_plainly(
    stage: Stage, raw: bytes
) -> None:
    answer, fields = asked_plainly(stage, raw)
    assert (answer.status, answer.body) == (200, b"plain")
    assert not {b"upgrade", b"connection", b"http2-settings"} & fields.keys()


def test_a_route_may_allow_no_upgrade_or_others(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(GRANTED.replace(b"WebSocket", b"chat/2") + b"\r\n")

    plain, other = stage.upstream(plainly), stage.upstream(script)
    stage.start(route("/none", plain.url, upgrades=()), route("/", other.url, upgrades=("chat/2",)))
    client = stage.client()
    client.send(ASKED.replace(b"/chat", b"/none") + b"\r\n")
    assert client.answer().body == b"plain"
    fields = upgraded(stage.client(), ASKED.replace(b"websocket", b"Chat/2") + b"\r\n")
    assert fields[b"upgrade"] == b"chat/2"


def test_an_upstream_that_does_not_upgrade_is_believed_and_nothing_behind_is_a_request(
    stage: Stage,
) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
        visit.wait_for_end()

    upstream = stage.serve(script)
    client = stage.client()
    client.send(ASKED + b"Sec-WebSocket-Version: 777\r\n\r\n" + NEXT)
    answer = client.answer()
    assert (answer.status, answer.body) == (426, b"no")
    assert answer.fields[b"connection"] == b"close"
    client.stop_sending()
    assert client.rest() == b""
    assert len(upstream.heads) == 1


def test_nothing_behind_an_upgrade_that_the_gateway_refuses_is_a_request(stage: Stage) -> None:
    upstream = stage.upstream(plainly)
    stage.start(route("/next", upstream.url))
    client = stage.client()
    client.send(ASKED + b"\r\n" + NEXT)
    answer = client.answer()
    assert (answer.status, answer.fields[b"connection"]) == (404, b"close")
    client.stop_sending()
    assert client.rest() == b""
    assert upstream.heads == []


@pytest.mark.parametrize("asked", [ASKED + b"\r\n", NEXT], ids=["asked", "not asked"])
@pytest.mark.parametrize(
    "head",
    [
        GRANTED.replace(b"WebSocket", b"h2c"),
        GRANTED.replace(b"WebSocket", b"websocket, h2c"),
        GRANTED.replace(b"Upgrade: WebSocket\r\n", b""),
        GRANTED.replace(b"Connection: upgrade\r\n", b""),
        GRANTED + b"Content-Length: 5\r\n",
        GRANTED + b"Transfer-Encoding: chunked\r\n",
        GRANTED.replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=short,
)
def test_a_101_that_answers_no_question_is_a_502(stage: Stage, asked: bytes, head: bytes) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(head + b"\r\n" + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        visit.wait_for_end()

    upstream = stage.serve(script)
    client = stage.client()
    client.send(asked)
    assert client.answer().status == 502
    assert stage.admitter.last().attempts == ["failed the upstream's response is malformed"]
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (0, 0))


def test_a_101_that_nobody_asked_for_is_a_502(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(GRANTED + b"\r\n")
        visit.wait_for_end()

    upstream = stage.serve(script, route={"upgrades": ()})
    client = stage.client()
    for asked in (NEXT, ASKED + b"\r\n"):
        client.send(asked)
        assert client.answer().status == 502
    assert upstream.visits == 2


def test_an_upgrade_goes_out_on_a_kept_connection_and_does_not_come_back(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        while head := visit.read_head():
            if b"Upgrade" in head:
                visit.send(GRANTED + b"\r\nbye")
                return
            visit.send(PLAIN)

    upstream = stage.serve(script)
    assert stage.client().get().status == 200
    client = stage.client()
    upgraded(client)
    assert client.rest() == b"bye"
    client.socket.close()
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (0, 0))
    assert upstream.visits == 1
    assert stage.client().get().status == 200
    assert upstream.visits == 2


def test_rules_of_the_route_are_applied_to_an_upgrade(stage: Stage) -> None:
    upstream = stage.serve(
        accepting,
        route={
            "request_headers": HeaderRules(set={"X-Team": "a"}),
            "response_headers": HeaderRules(remove=("sec-websocket-accept",)),
        },
    )
    client = stage.client()
    assert b"sec-websocket-accept" not in upgraded(client)
    assert fields_of(upstream.heads[0])[b"x-team"] == b"a"


def test_an_upgrade_that_takes_too_long_is_a_504(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.wait_for_end()

    stage.serve(script, route={"timeouts": {"first_byte": 0.15}})
    client = stage.client()
    client.send(ASKED + b"\r\n")
    answer = client.answer()
    assert (answer.status, answer.fields[b"connection"]) == (504, b"close")
