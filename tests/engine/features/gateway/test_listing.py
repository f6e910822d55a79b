"""Windows of long lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.api import RouteLimit, RouteSort, RouteStats
from abi_engine.features.gateway.listing import matches
from abi_engine.runtime.breaker import BreakerState
from tests.engine.features.gateway.made_gateway import MadeGateway, route

ONE, TWO = "http://127.0.0.1:9001", "http://127.0.0.1:9002"


def busy() -> MadeGateway:
    """Four routes, each first in another order."""
    made = MadeGateway(
        route("/a"),
        route("/b/fast"),
        route("/c/slow"),
        route("/d/limited", limit=RouteLimit(rate=0.001, burst=1)),
    )
    for _ in range(10):
        made.request("/b/fast", latency=0.001)
    for latency in (0.5, 0.5, 2.0):
        made.request("/c/slow", 500, latency)
    made.clock.advance(1)
    for _ in range(5):
        made.admit("/d/limited")
    return made


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (RouteSort.PATH, ["/a", "/b/fast", "/c/slow", "/d/limited"]),
        (RouteSort.RATE, ["/b/fast", "/d/limited", "/c/slow", "/a"]),
        (RouteSort.P50, ["/c/slow", "/b/fast", "/a", "/d/limited"]),
        (RouteSort.P99, ["/c/slow", "/b/fast", "/a", "/d/limited"]),
        (RouteSort.ERRORS, ["/c/slow", "/a", "/b/fast", "/d/limited"]),
        (RouteSort.LIMITED, ["/d/limited", "/a", "/b/fast", "/c/slow"]),
        (RouteSort.LAST_HIT, ["/d/limited", "/b/fast", "/c/slow", "/a"]),
    ],
)
def test_routes_come_in_the_order_asked_for(sort: RouteSort, expected: list[str]) -> None:
    made = busy()
    assert [row.path for row in made.gateway.route_stats(sort=sort).rows] == expected


def test_every_order_is_that_of_what_the_rows_say() -> None:
    rows = busy().gateway.route_stats(sort=RouteSort.RATE).rows
    rates = [row.traffic.rate_per_s for row in rows]
    assert rates == sorted(rates, reverse=True)


def test_windows_side_by_side_are_the_whole_list() -> None:
    made = MadeGateway(*(route(f"/r/{number:03}") for number in range(25)))
    rows: list[RouteStats] = []
    for offset in range(0, 30, 10):
        page = made.gateway.route_stats(limit=10, offset=offset)
        assert (page.total, page.matched) == (25, 25)
        rows += page.rows
    assert [row.path for row in rows] == [f"/r/{number:03}" for number in range(25)]
    assert made.gateway.route_stats(offset=1000).rows == ()
    assert len(made.gateway.routes(limit=7, offset=20)) == 5


def test_a_filter_narrows_before_the_window_is_cut() -> None:
    made = MadeGateway(*(route(f"/{word}/x") for word in ("users", "user-stats", "items")))
    page = made.gateway.route_stats(filter="UX", limit=1)
    assert (page.total, page.matched, len(page.rows)) == (3, 2, 1)
    page = made.gateway.route_stats(filter="!us")
    assert [row.path for row in page.rows] == ["/items/x"]


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        ("", "/a", True),
        ("!", "/a!", True),
        ("!", "/a", False),
        ("usid", "/users/{id}", True),
        ("dius", "/users/{id}", False),
        ("U s", "/users", True),
        ("!us", "/users", False),
        ("!x", "/users", True),
        (".*", "/users", False),
        ("(", "/a(b", True),
    ],
)
def test_letters_are_found_in_their_order(words: str, text: str, found: bool) -> None:
    assert matches(words, text) is found


@given(st.text(max_size=8), st.text(max_size=20))
def test_what_is_left_out_is_what_is_not_found(words: str, text: str) -> None:
    if words.strip() and not words.startswith("!"):
        assert matches("!" + words, text) is not matches(words, text)


def test_an_order_is_kept_for_a_second_and_no_longer() -> None:
    made = busy()
    before = made.gateway.route_stats(sort=RouteSort.RATE).rows
    for _ in range(50):
        made.request("/a")
    assert made.gateway.route_stats(sort=RouteSort.RATE).rows[0].path == before[0].path
    made.clock.advance(1)
    assert made.gateway.route_stats(sort=RouteSort.RATE).rows[0].path == "/a"


def test_a_new_route_is_in_every_order_at_once() -> None:
    made = busy()
    made.gateway.route_stats(sort=RouteSort.RATE)
    made.gateway.add_route(route("/new"))
    assert made.gateway.route_stats(sort=RouteSort.RATE).matched == 5
    made.gateway.remove_route("/b/fast")
    rows = made.gateway.route_stats(sort=RouteSort.RATE).rows
    assert "/b/fast" not in {row.path for row in rows}


def test_a_route_shows_the_worst_of_its_breakers() -> None:
    made = MadeGateway(route("/a", upstreams=(ONE, TWO)), route("/b", upstreams=(TWO,)))
    for _ in range(5):
        made.gateway.record_upstream_result(ONE, False)
    first, second = made.gateway.route_stats().rows
    assert (first.upstreams, first.upstreams_ok, first.breaker) == (2, 1, BreakerState.OPEN)
    assert (second.upstreams_ok, second.breaker) == (1, BreakerState.CLOSED)
    made.clock.advance(30)
    assert made.gateway.route_stats().rows[0].breaker is BreakerState.HALF_OPEN


def test_upstreams_with_trouble_come_first() -> None:
    names = [f"http://h{number}:80" for number in range(4)]
    made = MadeGateway(route("/a", upstreams=tuple(names)))
    for _ in range(5):
        made.gateway.record_upstream_result(names[2], False)
    made.clock.advance(30)
    for _ in range(5):
        made.gateway.record_upstream_result(names[3], False)
    order = [one.upstream for one in made.gateway.breakers()]
    assert order == [names[3], names[2], names[0], names[1]]
    assert [one.upstream for one in made.gateway.report().upstreams] == order


def test_limits_that_refuse_most_come_first() -> None:
    limit = RouteLimit(rate=0.001, burst=1)
    made = MadeGateway(route("/a"), *(route(path, limit=limit) for path in ("/b", "/c")))
    for _ in range(3):
        made.admit("/c")
    made.gateway.check_rate_limit("/b", "someone")
    first, second = made.gateway.limits()
    assert (first.path, first.allowed_total, first.limited_total) == ("/c", 1, 2)
    assert (second.path, second.allowed_total, second.keys) == ("/b", 1, 1)
    assert first.limited_per_s > 0
    assert made.gateway.limits(limit=1, offset=1) == (second,)
