from __future__ import annotations

import json
import socket

import pytest

from abi_engine.features.gateway.api import HeaderRules
from tests.engine.features.gateway.proxy.stage import Stage, route
from tests.engine.features.gateway.proxy.upstream import Upstream, Visit, answering, fields_of, once


def test_a_request_goes_to_the_upstream_and_its_answer_comes_back(stage: Stage) -> None:
    upstream = stage.serve()
    answer = stage.client().get("/users/42?x=1")
    assert (answer.status, answer.body) == (200, b"hello")
    assert upstream.heads[0].startswith(b"GET /users/42?x=1 HTTP/1.1\r\n")
    finish = stage.admitter.last()
    assert finish.attempts == ["succeeded 200"]
    assert (finish.bytes_in, finish.bytes_out) == (0, 5)
    assert stage.admitter.seen == [("GET", "/users/42?x=1", "127.0.0.1")]


def test_the_upstream_learns_who_asked(stage: Stage) -> None:
    upstream = stage.serve()
    forged = ("X-Forwarded-For: 6.6.6.6", "X-Request-ID: forged", "Via: 1.1 other")
    answer = stage.client().get("/", *forged)
    fields = fields_of(upstream.heads[0])
    assert fields[b"host"] == upstream.authority.encode()
    assert fields[b"x-forwarded-for"] == b"127.0.0.1"
    assert fields[b"x-forwarded-proto"] == b"http"
    assert fields[b"x-forwarded-host"] == b"gateway"
    assert fields[b"forwarded"] == b"for=127.0.0.1;proto=http;host=gateway"
    assert fields[b"via"].startswith(b"1.1 other, 1.1 abi-")
    assert fields[b"x-request-id"] == answer.fields[b"x-request-id"] != b"forged"
    assert stage.admitter.seen[0][2] == "127.0.0.1"


def test_the_host_is_the_upstream_s_of_each_route_and_the_client_s_of_each_request(
    stage: Stage,
) -> None:
    upstream = stage.upstream()
    kept = route("/kept", upstream.url, preserve_host=True)
    stage.start(kept, route("/", upstream.url))
    client = stage.client()
    for host in (b"one", b"two:80", b"one"):
        for target in (b"/kept", b"/"):
            client.send(b"GET %b HTTP/1.1\r\nHost: %b\r\n\r\n" % (target, host))
            assert client.answer().status == 200
            fields = fields_of(upstream.heads[-1])
            assert fields[b"host"] == (host if target == b"/kept" else upstream.authority.encode())
            assert fields[b"x-forwarded-host"] == host


def test_only_a_trusted_proxy_may_say_who_asked(stage: Stage) -> None:
    upstream = stage.serve(trust_forwarded=True)
    headers = ("X-Forwarded-For: 9.9.9.9", "X-Request-ID: theirs-1", "X-Forwarded-Proto: https")
    answer = stage.client().get("/", *headers)
    fields = fields_of(upstream.heads[0])
    assert fields[b"x-forwarded-for"] == b"9.9.9.9, 127.0.0.1"
    assert fields[b"x-forwarded-proto"] == b"https"
    assert fields[b"x-request-id"] == answer.fields[b"x-request-id"] == b"theirs-1"
    assert stage.admitter.seen[0][2] == "9.9.9.9"


def test_rules_of_the_route_are_applied_both_ways(stage: Stage) -> None:
    upstream = stage.serve(
        answering(headers=b"Server: secret\r\n"),
        route={
            "request_headers": HeaderRules(remove=("Cookie",), set={"X-Team": "a"}),
            "response_headers": HeaderRules(remove=("server",), add={"X-Frame": "deny"}),
        },
    )
    answer = stage.client().get("/", "Cookie: c", "X-Team: forged")
    fields = fields_of(upstream.heads[0])
    assert fields[b"x-team"] == b"a"
    assert b"cookie" not in fields
    assert b"server" not in answer.fields
    assert answer.fields[b"x-frame"] == b"deny"


def test_the_prefix_of_the_upstream_s_url_comes_first(stage: Stage) -> None:
    upstream = stage.upstream()
    stage.start(route("/", upstream.url + "/base"))
    stage.client().get("/x?y")
    assert upstream.heads[0].startswith(b"GET /base/x?y HTTP/1.1\r\n")


def test_one_upstream_connection_serves_many_requests_and_clients(stage: Stage) -> None:
    upstream = stage.serve()
    for _ in range(3):
        client = stage.client()
        for _ in range(5):
            assert client.get().status == 200
    assert upstream.visits == 1
    assert stage.proxy.connections(upstream.url) == (1, 0)


def test_no_more_idle_connections_are_kept_than_asked_for(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        while visit.read_head():
            visit.owner.released.wait(5)
            visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    upstream = stage.serve(script, pool_size=2)
    clients = [stage.client() for _ in range(5)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    stage.eventually(lambda _: upstream.visits == 5)
    assert stage.proxy.connections(upstream.url) == (0, 5)
    upstream.released.set()
    for client in clients:
        assert client.answer().status == 204
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (2, 0))


def test_an_idle_connection_is_closed_after_a_while(stage: Stage) -> None:
    upstream = stage.serve(pool_idle=0.1)
    assert stage.client().get().status == 200
    stage.eventually(lambda plane: plane.pool.counts(upstream.url) == (0, 0))


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "304 Not Modified", "404 Nope"])
def test_head_and_answers_without_a_body_leave_the_connections_usable(
    stage: Stage, status: str
) -> None:
    def script(visit: Visit) -> None:
        while head := visit.read_head():
            bodiless = status[:3] in ("204", "304")
            length = b"" if status[:3] == "204" else b"Content-Length: 5\r\n"
            visit.send(b"HTTP/1.1 " + status.encode() + b"\r\n" + length + b"\r\n")
            if not bodiless and not head.startswith(b"HEAD"):
                visit.send(b"hello")

    upstream = stage.serve(script)
    client = stage.client()
    for method in ("HEAD", "GET", "HEAD", "HEAD", "GET"):
        answer = client.get(method=method)
        assert answer.status == int(status[:3])
        assert (b"content-length" in answer.fields) == (answer.status != 204)
        expected = b"" if method == "HEAD" or answer.status in (204, 304) else b"hello"
        assert answer.body == expected
    assert upstream.visits == 1


def test_an_answer_204_has_no_length_whatever_the_upstream_says(stage: Stage) -> None:
    upstream = stage.serve(once(b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", close=False))
    client = stage.client()
    for _ in range(2):
        assert b"content-length" not in client.get().fields
        upstream.released.set()


def test_an_answer_that_ends_with_its_connection_becomes_chunks(stage: Stage) -> None:
    stage.serve(once(b"HTTP/1.1 200 OK\r\n\r\nsome body"))
    client = stage.client()
    answer = client.get()
    assert answer.fields[b"transfer-encoding"] == b"chunked"
    assert answer.body == b"some body"
    assert client.get().status == 200  # the client's connection lives on


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n\r\nsome body",
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4\r\nsome\r\n5\r\n body\r\n0\r\n\r\n"
        ),
    ],
)
def test_a_client_of_http_1_0_gets_no_chunks(stage: Stage, raw: bytes) -> None:
    stage.serve(once(raw))
    client = stage.client()
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    answer = client.answer()
    assert answer.body == b"some body"
    assert answer.fields[b"connection"] == b"close"
    assert b"transfer-encoding" not in answer.fields


def test_a_client_of_http_1_0_may_keep_its_connection(stage: Stage) -> None:
    stage.serve()
    client = stage.client()
    for _ in range(2):
        client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert client.answer().fields[b"connection"] == b"keep-alive"
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.answer().fields[b"connection"] == b"close"
    assert client.is_closed()


def test_a_client_that_asks_for_the_end_gets_it(stage: Stage) -> None:
    stage.serve()
    client = stage.client()
    assert client.get("/", "Connection: close").fields[b"connection"] == b"close"
    assert client.is_closed()


def test_an_absolute_target_is_forwarded_as_a_path(stage: Stage) -> None:
    upstream = stage.serve(route={"preserve_host": True})
    client = stage.client()
    client.send(b"GET http://asked:81/x?y HTTP/1.1\r\nHost: ignored\r\n\r\n")
    assert client.answer().status == 200
    assert upstream.heads[0].startswith(b"GET /x?y HTTP/1.1\r\nHost: asked:81\r\n")


def test_an_upgrade_is_not_forwarded_as_one(stage: Stage) -> None:
    upstream = stage.serve()
    client = stage.client()
    answer = client.get(
        "/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: x"
    )
    assert answer.status == 200
    fields = fields_of(upstream.heads[0])
    assert not {b"connection", b"upgrade", b"http2-settings"} & set(fields)
    assert client.get().status == 200


def test_connect_is_refused_with_what_is_allowed(stage: Stage) -> None:
    stage.serve()
    client = stage.client()
    client.send(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
    answer = client.answer()
    assert answer.status == 405
    assert b"GET" in answer.fields[b"allow"]
    assert stage.admitter.refusals == [405]


def test_a_request_that_comes_back_to_its_gateway_is_a_loop(stage: Stage) -> None:
    stage.start()
    assert stage.proxy.address is not None
    port = stage.proxy.address[1]
    stage.admitter.routes.append(route("/", f"http://127.0.0.1:{port}"))
    answer = stage.client().get()
    assert answer.status == 508
    assert stage.admitter.refusals == [508]
    assert stage.admitter.last().attempts == ["failed answered 508"]


def test_an_answer_of_500_and_above_is_a_failure_of_the_upstream(stage: Stage) -> None:
    stage.serve(answering(status="503 Busy"))
    assert stage.client().get().status == 503
    assert stage.admitter.last().attempts == ["failed answered 503"]


def test_the_library_plane_s_refusals_are_answered_with_their_headers(stage: Stage) -> None:
    upstream = stage.upstream()
    stage.start(route("/only", upstream.url, methods=("GET", "HEAD")))
    client = stage.client()
    for target, method, status, header in (
        ("/nowhere", "GET", 404, None),
        ("/limited", "GET", 429, (b"retry-after", b"3")),
        ("/only", "POST", 405, (b"allow", b"GET, HEAD")),
    ):
        answer = client.get(target, method=method)
        assert answer.status == status
        assert header is None or answer.fields[header[0]] == header[1]
        problem = json.loads(answer.body)
        assert problem["status"] == status
        assert problem["request_id"] == answer.fields[b"x-request-id"].decode()
        assert answer.fields[b"content-type"] == b"application/problem+json"
        assert b"date" in answer.fields
    assert stage.admitter.refusals == [404, 429, 405]
    assert upstream.visits == 0


def test_a_refused_head_gets_the_length_and_no_body(stage: Stage) -> None:
    stage.start()
    client = stage.client()
    answer = client.get("/nowhere", method="HEAD")
    assert (answer.status, answer.body) == (404, b"")
    assert int(answer.fields[b"content-length"]) > 0
    assert client.get("/nowhere").status == 404


def test_no_upstream_to_try_is_said_with_when_to_come_back(stage: Stage) -> None:
    upstream = stage.serve()
    stage.admitter.closed_to_attempts = True
    client = stage.client()
    answer = client.get()
    assert (answer.status, answer.fields[b"retry-after"]) == (503, b"7")
    assert stage.admitter.last().attempts == []
    stage.admitter.closed_to_attempts = False
    assert client.get().status == 200
    assert upstream.visits == 1


def test_a_refused_body_that_has_come_already_does_not_cost_the_connection(stage: Stage) -> None:
    stage.serve(route={"max_body": 10})
    client = stage.client()
    assert client.post("/", b"x" * 11).status == 413
    answer = client.post("/", b"x" * 10)
    assert answer.status == 200
    finish = stage.admitter.last(2)
    assert (finish.status, finish.bytes_in) == (200, 10)


def test_interim_responses_are_passed_on_but_for_continue(stage: Stage) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n")
        visit.send(b"Connection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    stage.serve(script)
    client = stage.client()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    everything = client.rest()
    assert everything.startswith(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n"
    )
    assert everything.endswith(b"\r\n\r\nok")


def test_a_client_of_http_1_0_gets_no_interim_responses(stage: Stage) -> None:
    stage.serve(
        once(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    )
    client = stage.client()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.rest().startswith(b"HTTP/1.1 200 OK\r\n")


def test_an_ipv6_upstream_and_listener_work(stage: Stage) -> None:
    upstream: Upstream = stage.upstream(family=socket.AF_INET6)
    stage.start(route("/", upstream.url), host="::1")
    answer = stage.client().get()
    assert answer.status == 200
    fields = fields_of(upstream.heads[0])
    assert fields[b"host"] == upstream.authority.encode()
    assert fields[b"x-forwarded-for"] == b"::1"
    assert fields[b"forwarded"].startswith(b'for="[::1]";')


def test_small_packets_are_sent_at_once(stage: Stage) -> None:
    stage.serve()
    client = stage.client()
    assert client.get().status == 200

    def undelayed(plane: object) -> bool:
        (connection,) = plane.clients
        sock = connection._transport.get_extra_info("socket")
        return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    assert stage.inside(undelayed)
