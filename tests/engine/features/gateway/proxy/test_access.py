"""Keys, CORS and header rules on real requests: what goes to the upstream, and what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from abi_engine.features.gateway.api import (
    AuthScheme,
    Concurrency,
    Cors,
    HeaderRules,
    InvalidRoute,
    Route,
    RouteAuth,
    RouteLimit,
)
from tests.engine.features.gateway.proxy.client import Answer
from tests.engine.features.gateway.proxy.served import Served
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.features.gateway.proxy.upstream import Visit, answering, fields_of, once

PAGE = "https://app.example"
ORIGIN = f"Origin: {PAGE}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.close()


def allowed_origin(answer: Answer) -> bytes | None:
    return answer.fields.get(b"access-control-allow-origin")


# Keys.


def test_a_key_opens_a_route_and_goes_no_further(served: Served) -> None:
    upstream = served.serve(auth=RouteAuth())
    key = served.gateway.add_api_key("ci").key
    client = served.client()
    refused = client.get("/", "X-API-Key: wrong")
    assert refused.status == 401
    assert refused.fields[b"www-authenticate"].startswith(b'Bearer realm="gateway"')
    assert json.loads(refused.body)["detail"] == "the key is not known here"
    for header in (f"X-API-Key: {key}", f"Authorization: Bearer {key}", f"x-api-KEY: {key}"):
        assert client.get("/", header, "X-Other: 1").status == 200
    assert len(upstream.heads) == 3
    for head in upstream.heads:
        assert key.encode() not in head
        assert fields_of(head)[b"x-other"] == b"1"


def test_the_same_connection_is_asked_each_time(served: Served) -> None:
    upstream = served.serve(auth=RouteAuth())
    key = served.gateway.add_api_key("ci").key
    client = served.client()
    assert client.get("/", f"X-API-Key: {key}").status == 200
    assert client.get("/").status == 401
    assert client.get("/", f"X-API-Key: {key}").status == 200
    served.gateway.remove_api_key("ci")
    assert client.get("/", f"X-API-Key: {key}").status == 401
    assert len(upstream.heads) == 2


def test_a_key_is_forwarded_where_the_route_says_so(served: Served) -> None:
    upstream = served.serve(auth=RouteAuth(forward=True))
    key = served.gateway.add_api_key("ci").key
    assert served.client().get("/", f"Authorization: Bearer {key}").status == 200
    assert fields_of(upstream.heads[0])[b"authorization"] == b"Bearer " + key.encode()


def test_a_key_that_a_connection_option_hides_is_none(served: Served) -> None:
    upstream = served.serve(auth=RouteAuth())
    key = served.gateway.add_api_key("ci").key
    client = served.client()
    assert client.get("/", f"X-API-Key: {key}", "Connection: x-api-key").status == 401
    assert client.get("/", f"X-API-Key: {key}", f"X-API-Key: {key}").status == 401
    assert not upstream.heads


def test_a_rule_gives_the_upstream_a_credential_in_place_of_the_clients(served: Served) -> None:
    rules = HeaderRules(set={"Authorization": "Basic b3VyczpvdXJz"}, add={"X-API-Key": "ours"})
    upstream = served.serve(auth=RouteAuth(), request_headers=rules)
    key = served.gateway.add_api_key("ci").key
    assert served.client().get("/", f"X-API-Key: {key}").status == 200
    fields = fields_of(upstream.heads[0])
    assert fields[b"authorization"] == b"Basic b3VyczpvdXJz"
    assert fields[b"x-api-key"] == b"ours"


@pytest.mark.parametrize(
    "name",
    [
        "X-Request-ID",
        "x-request-id",
        "X_Request_Id",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
    ],
)
def test_no_rule_forges_what_the_gateway_vouches_for(served: Served, name: str) -> None:
    url = ("http://127.0.0.1:1",)
    for rules in (
        HeaderRules(set={name: "1"}),
        HeaderRules(add={name: "1"}),
        HeaderRules(remove=(name,)),
    ):
        for route in (
            Route("/", url, request_headers=rules),
            Route("/", url, response_headers=rules),
        ):
            with pytest.raises(InvalidRoute, match="no rule may touch"):
                served.gateway.add_route(route)


def test_a_body_sent_without_a_key_reaches_nobody(served: Served) -> None:
    upstream = served.serve(auth=RouteAuth())
    client = served.client()
    assert client.post("/", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").status == 401
    assert client.get("/").status == 401  # the body was no request
    assert not upstream.heads


def test_the_access_log_names_the_key(tmp_path: Path) -> None:
    served = Served(tmp_path, access_log="access.log")
    try:
        served.serve(auth=RouteAuth(keys=("ci",)))
        keys = [served.gateway.add_api_key(name).key for name in ("ci", "other")]
        client = served.client()
        for key in (*keys, "wrong"):
            client.get("/", f"X-API-Key: {key}")
    finally:
        served.close()
    lines = [json.loads(line) for line in (tmp_path / "access.log").read_text().splitlines()]
    found = [(line["status"], line["key"], line["error"]) for line in lines]
    assert found == [(200, "ci", ""), (403, "other", "forbidden"), (401, "", "no_key")]
    assert not any(key in (tmp_path / "access.log").read_text() for key in keys)


# CORS.


def test_a_browser_that_asks_beforehand_is_answered_by_the_gateway(served: Served) -> None:
    upstream = served.serve(
        methods=("POST",), auth=RouteAuth(), cors=Cors((PAGE,), headers=("X-API-Key",))
    )
    client = served.client()
    asked = (ORIGIN, "Access-Control-Request-Method: POST")
    answer = client.get("/", *asked, "Access-Control-Request-Headers: x-api-key", method="OPTIONS")
    assert answer.status == 204
    assert b"content-length" not in answer.fields
    assert b"content-type" not in answer.fields
    assert allowed_origin(answer) == PAGE.encode()
    assert answer.fields[b"access-control-allow-methods"] == b"POST"
    assert answer.fields[b"x-request-id"]
    evil = client.get(
        "/", "Origin: https://evil.example", "Access-Control-Request-Method: POST", method="OPTIONS"
    )
    assert (evil.status, allowed_origin(evil)) == (403, None)
    assert not upstream.heads


def test_the_upstreams_own_word_on_it_is_replaced(served: Served) -> None:
    headers = (
        b"Access-Control-Allow-Origin: *\r\naccess-control-allow-CREDENTIALS: true\r\n"
        b"Vary: Accept-Encoding\r\nX-Other: 1\r\n"
    )
    served.serve(answering(headers=headers), cors=Cors((PAGE,)))
    client = served.client()
    client.send(f"GET / HTTP/1.1\r\nHost: h\r\n{ORIGIN}\r\n\r\n".encode())
    client.fill_until(b"hello")
    head = client.buffer.lower()
    client.buffer = b""
    assert head.count(b"access-control-") == 1
    assert f"access-control-allow-origin: {PAGE}\r\n".encode() in head
    assert b"vary: accept-encoding\r\n" in head
    assert b"vary: origin\r\n" in head
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\nOrigin: https://evil.example\r\n\r\n")
    client.fill_until(b"hello")
    assert b"access-control-" not in client.buffer.lower()


def test_no_rule_overrules_what_the_route_tells_browsers(served: Served) -> None:
    rules = HeaderRules(
        set={"Access-Control-Allow-Origin": "*", "X-Set": "1"}, remove=("Vary", "X-Other")
    )
    served.serve(
        answering(headers=b"X-Other: 1\r\nVary: Cookie\r\n"),
        cors=Cors((PAGE,)),
        response_headers=rules,
    )
    answer = served.client().get("/", ORIGIN)
    assert allowed_origin(answer) == PAGE.encode()
    assert answer.fields[b"vary"] == b"Origin"
    assert answer.fields[b"x-set"] == b"1"
    assert b"x-other" not in answer.fields


def test_without_cors_the_upstream_speaks_for_itself(served: Served) -> None:
    served.serve(answering(headers=b"Access-Control-Allow-Origin: https://its.own\r\n"))
    answer = served.client().get("/", ORIGIN)
    assert allowed_origin(answer) == b"https://its.own"


def test_a_page_can_read_every_refusal(served: Served) -> None:
    up = served.upstream(once(b"", close=True)).url
    down = "http://127.0.0.1:1"
    cors, none = Cors((PAGE,)), RouteLimit(rate=0.001, burst=1)
    auth = RouteAuth(accept=(AuthScheme.API_KEY,))
    gateway = served.gateway
    gateway.add_route(Route("/key", (up,), cors=cors, auth=auth))
    gateway.add_route(Route("/limit", (down,), cors=cors, limit=none))
    gateway.add_route(Route("/off", (up,), cors=cors, enabled=False))
    gateway.add_route(Route("/large", (up,), cors=cors, max_body=1))
    gateway.add_route(Route("/lost", (up,), cors=cors))
    client = served.client()
    answers = [
        client.get("/key", ORIGIN),
        client.get("/limit", ORIGIN),
        client.get("/limit", ORIGIN),
        client.get("/off", ORIGIN),
        client.get("/lost", ORIGIN),
        client.post("/large", b"four", ORIGIN),
    ]
    assert [answer.status for answer in answers] == [401, 502, 429, 503, 502, 413]
    assert [allowed_origin(answer) for answer in answers] == [PAGE.encode()] * 6


def test_a_refusal_by_the_queue_can_be_read_by_the_page(served: Served) -> None:
    def script(visit: Visit) -> None:
        visit.read_head()
        visit.owner.released.wait(10)

    upstream = served.serve(script, cors=Cors((PAGE,)), concurrency=Concurrency(1))
    busy, other = served.client(), served.client()
    busy.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    until(lambda: bool(upstream.heads))
    answer = other.get("/", ORIGIN)
    assert (answer.status, allowed_origin(answer)) == (503, PAGE.encode())
    assert answer.fields[b"retry-after"] == b"1"
