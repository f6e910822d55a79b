"""Routes that cannot work are refused with what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from abi_engine.core.errors import InvalidArguments
from abi_engine.features.gateway.api import (
    Balance,
    HeaderRules,
    HealthCheck,
    InvalidRoute,
    LimitBy,
    Route,
    RouteLimit,
    Timeouts,
)
from abi_engine.features.gateway.route_rules import Listener, as_route, check_route

NOWHERE = Listener("", 0)
UP = ("http://127.0.0.1:9001",)
TWO = ("http://127.0.0.1:9001", "http://127.0.0.1:9002")


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (Route("", UP), "begin with /"),
        (Route("users", UP), "begin with /"),
        (Route("/a/*/b", UP), "last segment"),
        (Route("/a*", UP), "whole segment"),
        (Route("/{id}/{id}", UP), "same name"),
        (Route("/{}", UP), "whole segment"),
        (Route("/{a b}", UP), "whole segment"),
        (Route("/a//b", UP), "write '/a/b'"),
        (Route("/a/../b", UP), "write '/b'"),
        (Route("/%41", UP), "write '/A'"),
        (Route("/a%2fb", UP), "write '/a%2Fb'"),
        (Route("/caf\u00e9", UP), "beyond ASCII"),
        (Route("/a?b", UP), "question mark"),
        (Route("/\x1b[31m", UP), "control character"),
        (Route("/" + "a" * 2048, UP), "2049 characters"),
        (Route("/a", ()), "0 upstreams"),
        (Route("/a", tuple(f"http://h:{n}" for n in range(1, 66))), "65 upstreams"),
        (Route("/a", UP * 2), "twice"),
        (Route("/a", UP, health_check=HealthCheck(host="a b")), "health_check.host"),
        (Route("/a", UP, health_check=HealthCheck(host="a\r\nX: y")), "health_check.host"),
        (Route("/a", UP, health_check=HealthCheck(path="/a b")), "path"),
        (Route("/a", UP, methods=("get",)), "GET"),
        (Route("/a", UP, methods=("GET", "GET")), "twice"),
        (Route("/a", UP, methods=("G T",)), "no method"),
        (Route("/a", UP, methods=("",)), "no method"),
        (Route("/a", UP, methods=("CONNECT",)), "not served"),
        (Route("/a", UP, methods=("*",)), "not served"),
        (Route("/a", TWO, balance=Balance.WEIGHTED), "0 weights for 2"),
        (Route("/a", TWO, balance=Balance.WEIGHTED, weights=(1,)), "1 weights for 2"),
        (Route("/a", TWO, weights=(1, 2)), "balance = weighted"),
        (Route("/a", TWO, balance=Balance.WEIGHTED, weights=(0, 1)), ">= 1"),
        (Route("/a", UP, hash_header="a b"), "hash_header"),
        (Route("/a", UP, strip_prefix="b"), "begins with /"),
        (Route("/a", UP, strip_prefix="/a/"), "begins with /"),
        (Route("/ab/*", UP, strip_prefix="/a"), "not what the path begins with"),
        (Route("/a", UP, limit=RouteLimit(rate=0.0)), "limit.rate"),
        (Route("/a", UP, limit=RouteLimit(rate=float("nan"))), "rate"),
        (Route("/a", UP, limit=RouteLimit(burst=0)), ">= 1"),
        (Route("/a", UP, limit=RouteLimit(by=LimitBy.HEADER)), "limit.header"),
        (Route("/a", UP, timeouts=Timeouts(connect=-1.0)), "> 0"),
        (Route("/a", UP, timeouts=Timeouts(total=float("inf"))), "<= 86400"),
        (Route("/a", UP, max_body=-1), ">= 0"),
        (Route("/a", UP, request_headers=HeaderRules(set={"a b": "x"})), "header"),
        (Route("/a", UP, response_headers=HeaderRules(set={"X": "a\r\nb: c"})), "X"),
        (Route("/a", UP, response_headers=HeaderRules(remove=("Content-Length",))), "Length"),
    ],
)
def test_a_route_that_cannot_work_is_refused(route: Route, words: str) -> None:
    with pytest.raises(InvalidRoute) as caught:
        check_route(as_route(route), NOWHERE)
    assert words in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "fields",
    [
        {"path": 5},
        {"path": None},
        {"upstreams": "http://h"},
        {"upstreams": (1,)},
        {"methods": "GET"},
        {"weights": ("a",)},
        {"balance": "fastest"},
        {"limit": {"rate": -1}},
        {"limit": "none"},
        {"enabled": "yes"},
        {"timeouts": None},
        {"max_body": 1.5},
        {"path": object()},
    ],
)
def test_a_field_of_another_type_is_refused(fields: dict[str, Any]) -> None:
    values: dict[str, Any] = {"path": "/a", "upstreams": UP, **fields}
    with pytest.raises(InvalidArguments):
        as_route(Route(**values))


@pytest.mark.parametrize("value", [None, "/a", {"path": "/a"}, 5])
def test_what_is_no_route_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArguments, match="expected a Route"):
        as_route(value)


def test_lists_and_words_are_taken_for_tuples_and_choices() -> None:
    given: dict[str, Any] = {
        "upstreams": list(TWO),
        "balance": "least_in_flight",
        "methods": ["GET"],
    }
    assert as_route(Route("/a", **given)) == Route(
        "/a", TWO, methods=("GET",), balance=Balance.LEAST_IN_FLIGHT
    )
    assert as_route(Route("/a", **given)).balance is Balance.LEAST_IN_FLIGHT


@pytest.mark.parametrize(
    "route",
    [
        Route("/", UP),
        Route("/*", UP),
        Route("/a/{id}/b/*", UP, methods=("GET", "PROPFIND")),
        Route("/a", UP, strip_prefix="/a"),
        Route("/a/*", UP, strip_prefix="/a", limit=None),
        Route("/a", TWO, balance=Balance.WEIGHTED, weights=(1, 10_000)),
        Route("/a", TWO, balance=Balance.CONSISTENT_HASH, hash_header="X-User"),
        Route("/.well-known/a", UP, limit=RouteLimit(by=LimitBy.HEADER, header="X-Key")),
        Route("/a%2Fb/%7Bx%7D", UP, max_body=0),
    ],
)
def test_a_route_that_can_work_is_taken(route: Route) -> None:
    assert len(check_route(route, NOWHERE)) == len(route.upstreams)


@pytest.mark.parametrize(
    ("listening", "upstream"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("127.0.0.1", "http://localhost:8080/x"),
        ("localhost", "http://127.0.0.1:8080"),
        ("localhost", "http://[::1]:8080"),
        ("127.0.0.1", "http://0.0.0.0:8080"),
        ("0.0.0.0", "http://127.0.0.9:8080"),
        ("::", "http://localhost:8080"),
        ("gate.example", "http://GATE.example:8080"),
    ],
)
def test_the_gateway_is_no_upstream_of_itself(listening: str, upstream: str) -> None:
    with pytest.raises(InvalidRoute, match="this gateway itself"):
        check_route(Route("/a", (upstream,)), Listener(listening, 8080))


@pytest.mark.parametrize(
    ("listening", "upstream"),
    [
        ("127.0.0.1", "http://127.0.0.1:8081"),
        ("127.0.0.1", "http://127.0.0.2:8080"),
        ("127.0.0.1", "http://10.0.0.1:8080"),
        ("0.0.0.0", "http://10.0.0.1:8080"),
    ],
)
def test_another_server_is_an_upstream(listening: str, upstream: str) -> None:
    check_route(Route("/a", (upstream,)), Listener(listening, 8080))
