"""A list that is here is filtered and ordered as the engine does it with one that is not."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.api import (
    Latency,
    RouteOrigin,
    RouteSort,
    RouteStats,
    Traffic,
)
from abi_engine.runtime.breaker import BreakerState
from abi_tui.views.table import Cell, Column, Table
from abi_tui.views.window import matches, matching, narrowed, route_page

LETTERS = st.text("abc/[]{}.*! ", max_size=8)


def _route(path: str, rate: float, p99: float | None, hit: datetime | None) -> RouteStats:
    traffic = Traffic(rate_per_s=rate, latency=Latency(p99_ms=p99), last_hit_at=hit)
    return RouteStats(path, (), 1, 1, BreakerState.CLOSED, "", RouteOrigin.CONFIG, True, traffic)


ROUTES = st.lists(
    st.builds(
        _route,
        LETTERS.map(lambda text: "/" + text),
        st.floats(0, 100),
        st.one_of(st.none(), st.floats(0, 100)),
        st.one_of(st.none(), st.datetimes().map(lambda at: at.replace(tzinfo=UTC))),
    ),
    max_size=30,
)


@given(LETTERS, LETTERS)
def test_letters_match_in_their_order(words: str, text: str) -> None:
    wanted = words.removeprefix("!") if len(words) > 1 else words
    pattern = ".*".join(re.escape(letter) for letter in wanted if not letter.isspace())
    found = re.search(pattern, text, re.DOTALL) is not None
    turned = words.startswith("!") and len(words) > 1
    if not wanted.startswith("!"):
        assert matches(words, text) == (found != turned)


def test_case_does_not_matter_and_nothing_matches_everything() -> None:
    assert matches("USR", "/users/list")
    assert matches("", "anything")
    assert matches("!", "a!b")
    assert not matches("!us", "/users")


@given(ROUTES, st.sampled_from(RouteSort), st.integers(1, 10), st.integers(0, 20), LETTERS)
def test_a_window_is_a_part_of_the_ordered_whole(
    routes: list[RouteStats], sort: RouteSort, limit: int, offset: int, words: str
) -> None:
    whole = route_page(routes, sort=sort, limit=10_000, offset=0, filter=words)
    page = route_page(routes, sort=sort, limit=limit, offset=offset, filter=words)
    assert page.rows == whole.rows[offset : offset + limit]
    assert page.total == len(routes)
    assert page.matched == len(whole.rows)
    assert all(matches(words, row.path) for row in whole.rows)


@given(ROUTES)
def test_every_order_but_that_of_paths_begins_with_the_largest(routes: list[RouteStats]) -> None:
    by_path = route_page(routes, sort=RouteSort.PATH, limit=100, offset=0, filter="").rows
    assert [row.path for row in by_path] == sorted(row.path for row in routes)
    by_rate = route_page(routes, sort=RouteSort.RATE, limit=100, offset=0, filter="").rows
    rates = [row.traffic.rate_per_s for row in by_rate]
    assert rates == sorted(rates, reverse=True)


@pytest.mark.parametrize("sort", RouteSort)
def test_every_order_knows_routes_that_were_never_used(sort: RouteSort) -> None:
    routes = [_route("/b", 0.0, None, None), _route("/a", 0.0, None, None)]
    page = route_page(routes, sort=sort, limit=10, offset=0, filter="")
    assert [row.path for row in page.rows] == ["/a", "/b"]


def test_a_table_is_narrowed_with_its_keys() -> None:
    columns = (Column("a", "a"), Column("b", "b"))
    rows = tuple((Cell(one), Cell(other)) for one, other in (("x", "1"), ("y", "2"), ("z", "12")))
    table = Table("t", columns, rows, ("k1", "k2", "k3"), 3)
    found = narrowed(table, matching(table, "2"))
    assert found.keys == ("k2", "k3")
    assert found.total == 2
    assert found.rows == rows[1:]
