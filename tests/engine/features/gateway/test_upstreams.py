"""Where upstreams are, and how long they are known."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.features.gateway.api import InvalidRoute
from abi_engine.features.gateway.upstreams import Upstreams, parse_upstream
from abi_engine.runtime.breaker import BreakerSettings, BreakerState, Transition


@pytest.mark.parametrize(
    ("url", "name", "prefix"),
    [
        ("http://127.0.0.1:9001", "http://127.0.0.1:9001", ""),
        ("http://api.example", "http://api.example:80", ""),
        ("HTTP://API.Example:8080/", "http://api.example:8080", ""),
        ("http://h:1/v1", "http://h:1", "/v1"),
        ("http://h:1//v1/./x/", "http://h:1", "/v1/x"),
        ("http://h:1/a%2fb", "http://h:1", "/a%2Fb"),
        ("http://[::1]:9/x", "http://[::1]:9", "/x"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]:80", ""),
        ("http://my_service-1:80", "http://my_service-1:80", ""),
        ("https://Api.example/v1", "https://api.example:443", "/v1"),
        ("HTTPS://[::1]:8443", "https://[::1]:8443", ""),
    ],
)
def test_an_address_has_one_name(url: str, name: str, prefix: str) -> None:
    address = parse_upstream(url)
    assert (address.name, address.prefix) == (name, prefix)
    assert parse_upstream(address.name).name == name


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "no URL"),
        ("127.0.0.1:80", "no URL"),
        ("ftp://h", "'ftp' is neither"),
        ("\x1b[31m://h", r"\\x1b"),
        ("http://user:secret@h", "user name"),
        ("http://h?x=1", "a query"),
        ("http://h/a?x=1", "a query"),
        ("http://h#x", "a fragment"),
        ("http://", "its host"),
        ("http://:80", "its host"),
        ("http://h h", "its host"),
        ("http://h\r\nx", "its host"),
        ("http://é", "its host"),
        ("http://" + "h" * 300, "its host"),
        ("http://h:0", "its port"),
        ("http://h:65536", "its port"),
        ("http://h:-1", "its port"),
        ("http://h:8a", "its port"),
        ("http://h:٣", "its port"),
        ("http://[::1", "IPv6"),
        ("http://[127.0.0.1]", "IPv6"),
        ("http://[fe80::1%25eth0]", "IPv6"),
        ("http://[::1]x", "its port"),
        ("http://h/../x", "climbs"),
        ("http://h/%zz", "percent-escape"),
        ("http://h/" + "a" * 3000, "no URL"),
    ],
)
def test_what_is_no_origin_with_a_prefix_is_refused(url: str, words: str) -> None:
    with pytest.raises(InvalidRoute, match=words) as caught:
        parse_upstream(url)
    assert caught.value.message.isprintable()


@given(st.text())
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_upstream("http://" + text)
    except InvalidRoute:
        return
    assert parse_upstream(address.name).name == address.name
    assert 1 <= address.port <= 65_535


def upstreams(told: list[tuple[str, Transition]] | None = None) -> Upstreams:
    def on_transition(name: str, transition: Transition) -> None:
        if told is not None:
            told.append((name, transition))

    return Upstreams(BreakerSettings(), ManualClock(), Random(1), on_transition)


def test_routes_share_an_upstream_and_its_breaker() -> None:
    known = upstreams()
    (one,) = known.acquire([parse_upstream("http://h:1/a")])
    (other,) = known.acquire([parse_upstream("http://h:1/b")])
    assert one.upstream is other.upstream
    assert one.upstream.routes == 2
    assert (one.address.prefix, other.address.prefix) == ("/a", "/b")


def test_an_upstream_is_forgotten_with_its_last_route() -> None:
    known = upstreams()
    one = known.acquire([parse_upstream("http://h:1")])
    two = known.acquire([parse_upstream("http://h:1"), parse_upstream("http://h:2")])
    known.release(two)
    assert known.get("http://h:2") is None
    assert known.get("http://h:1") is one[0].upstream
    known.release(one)
    assert len(known) == 0
    again = known.acquire([parse_upstream("http://h:1")])
    assert again[0].upstream is not one[0].upstream


def test_a_route_with_two_paths_of_one_upstream_uses_it_once() -> None:
    known = upstreams()
    targets = known.acquire([parse_upstream("http://h:1/a"), parse_upstream("http://h:1/b")])
    assert targets[0].upstream.routes == 1
    known.release(targets)
    assert len(known) == 0


def test_trips_are_counted_beyond_the_life_of_an_upstream() -> None:
    told: list[tuple[str, Transition]] = []
    known = upstreams(told)
    targets = known.acquire([parse_upstream("http://h:1")])
    for _ in range(5):
        targets[0].upstream.breaker.record(False)
    known.release(targets)
    assert known.trips == 1
    assert [(name, transition.after) for name, transition in told] == [
        ("http://h:1", BreakerState.OPEN)
    ]
