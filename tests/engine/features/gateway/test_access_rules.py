"""Settings about who may use a route are refused where they could not do what they say."""

from __future__ import annotations

from typing import Any

import pytest

from abi_engine.features.gateway.api import (
    AuthScheme,
    Concurrency,
    Cors,
    InvalidRoute,
    Route,
    RouteAuth,
)
from abi_engine.features.gateway.route_rules import Listener, as_route, check_route

NOWHERE = Listener("", 0)
UP = ("http://127.0.0.1:9001",)
PAGE = "https://app.example"


def made(**settings: Any) -> Route:
    return as_route(Route("/a", UP, **settings))


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        (RouteAuth(accept=()), "no key could ever come"),
        (RouteAuth(accept=(AuthScheme.BEARER, AuthScheme.BEARER)), "twice"),
        (RouteAuth(header=""), "no header name"),
        (RouteAuth(header="X Key"), "no header name"),
        (RouteAuth(header="X-\x1b[2J"), "no header name"),
        (RouteAuth(header="Authorization"), "bearer"),
        (RouteAuth(header="Host"), "reads or writes itself"),
        (RouteAuth(header="x-request-id"), "reads or writes itself"),
        (RouteAuth(header="Content-Length"), "reads or writes itself"),
        (RouteAuth(header="connection"), "reads or writes itself"),
        (RouteAuth(keys=("a b",)), "no key may be called"),
        (RouteAuth(keys=("",)), "no key may be called"),
        (RouteAuth(keys=("a", "a")), "twice"),
    ],
)
def test_auth_that_could_not_work_is_refused(auth: RouteAuth, words: str) -> None:
    with pytest.raises(InvalidRoute) as caught:
        check_route(made(auth=auth), NOWHERE)
    assert words in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("cors", "words"),
    [
        (Cors(()), "origins is empty"),
        (Cors(("*", PAGE)), "* stands for all"),
        (Cors(("*",), credentials=True), "every page act for its visitors"),
        (Cors((PAGE, PAGE)), "twice"),
        (Cors((PAGE + "/",)), f"write '{PAGE}'"),
        (Cors((PAGE + "/path?x",)), f"write '{PAGE}'"),
        (Cors(("HTTPS://App.Example",)), f"write '{PAGE}'"),
        (Cors(("https://App.example",)), f"write '{PAGE}'"),
        (Cors((PAGE + ":443",)), "leave out port 443"),
        (Cors(("http://a:80",)), "leave out port 80"),
        (Cors((PAGE + ":",)), "expected scheme"),
        (Cors((PAGE + ":99999",)), "expected scheme"),
        (Cors(("app.example",)), "expected scheme"),
        (Cors(("https://*.example",)), "expected scheme"),
        (Cors(("https://user@app.example",)), "expected scheme"),
        (Cors(("https://a b",)), "expected scheme"),
        (Cors(("https://",)), "expected scheme"),
        (Cors(("",)), "expected scheme"),
        (Cors(("https://caf\u00e9.example",)), "no browser sends that"),
        (Cors(("https://a\n.example",)), "no browser sends that"),
        (Cors(("https://" + "a" * 300,)), "no browser sends that"),
        (Cors((PAGE,), methods=("get",)), "upper case"),
        (Cors((PAGE,), methods=("G T",)), "no method"),
        (Cors((PAGE,), methods=("*",)), "no method"),
        (Cors((PAGE,), methods=("GET", "GET")), "twice"),
        (Cors((PAGE,), headers=("X One",)), "no header name"),
        (Cors((PAGE,), headers=("X-One", "x-one")), "twice"),
        (Cors((PAGE,), expose=("",)), "no header name"),
        (Cors((PAGE,), expose=("*",), credentials=True), "means nothing"),
        (Cors((PAGE,), max_age=-1), ">= 0"),
    ],
)
def test_cors_that_could_not_work_is_refused(cors: Cors, words: str) -> None:
    with pytest.raises(InvalidRoute) as caught:
        check_route(made(cors=cors), NOWHERE)
    assert words in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"upgrades": ("web socket",)}, "no protocol"),
        ({"upgrades": ("",)}, "no protocol"),
        ({"upgrades": ("a/",)}, "no protocol"),
        ({"upgrades": ("WebSocket",)}, "lower case"),
        ({"upgrades": ("h2c",)}, "lead past the gateway"),
        ({"upgrades": ("tls/1.2",)}, "lead past the gateway"),
        ({"upgrades": ("a", "a")}, "twice"),
        ({"concurrency": Concurrency(0)}, ">= 1"),
        ({"concurrency": Concurrency(1, -1)}, ">= 0"),
        ({"concurrency": Concurrency(1, 1, 0.0)}, "> 0"),
        ({"concurrency": 5}, "concurrency"),
        ({"auth": True}, "auth"),
        ({"cors": {"origins": "x"}}, "cors"),
    ],
)
def test_other_settings_that_could_not_work_are_refused(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidRoute) as caught:
        check_route(made(**settings), NOWHERE)
    assert words in caught.value.message


@pytest.mark.parametrize(
    "settings",
    [
        {"auth": RouteAuth()},
        {"auth": RouteAuth(header="Authentication", keys=("a.b_c-d",), forward=True)},
        {"cors": Cors(("*",), headers=("*",), expose=("*",))},
        {"cors": Cors((PAGE, "null", "http://localhost:3000"), credentials=True)},
        {"cors": Cors(("http://[::1]:3000", "https://a:80", "app://page"))},
        {"cors": Cors((PAGE,), methods=("GET", "PROPFIND"), headers=("X-One",), max_age=0)},
        {"concurrency": Concurrency(1)},
        {"upgrades": ()},
        {"upgrades": ("websocket", "my-protocol/1.0")},
    ],
)
def test_what_can_work_is_taken(settings: dict[str, Any]) -> None:
    route = made(**settings)
    assert check_route(route, NOWHERE)
    assert as_route(route) == route
