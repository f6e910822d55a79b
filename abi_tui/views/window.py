"""Filters and orders lists that are here already: what the engine does for lists that are not.

Refuses patterns: a filter is letters, so that no text from a person reaches a regular expression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from abi_engine.features.gateway.api import RoutePage, RouteSort, RouteStats
from abi_tui.views.table import Table

_NEVER = datetime.min.replace(tzinfo=UTC)


def matches(words: str, text: str) -> bool:
    """Whether the letters of `words` occur in `text` in that order, in either case.

    `!` in front turns it round; nothing matches everything.
    """
    if words.startswith("!") and len(words) > 1:
        return not matches(words[1:], text)
    rest = iter(text.casefold())
    return all(letter in rest for letter in words.casefold().strip() if not letter.isspace())


def route_page(
    routes: Sequence[RouteStats],
    *,
    sort: RouteSort,
    limit: int,
    offset: int,
    filter: str,  # noqa: A002 - as in the API
) -> RoutePage:
    """A window of routes, as `GatewayApi.route_stats` gives it."""
    found = [route for route in routes if matches(filter, route.path)]
    found.sort(key=lambda route: (route.path, route.methods))
    if sort is not RouteSort.PATH:
        found.sort(key=_ORDERS[sort], reverse=True)
    return RoutePage(len(routes), len(found), tuple(found[offset : offset + limit]))


def matching(table: Table, words: str) -> list[int]:
    """The indexes of the rows in which `words` match."""
    texts = (" ".join(cell.text for cell in row) for row in table.rows)
    return [index for index, text in enumerate(texts) if matches(words, text)]


def narrowed(table: Table, indexes: Sequence[int]) -> Table:
    """A table of only these rows."""
    rows, keys = tuple(table.rows[i] for i in indexes), tuple(table.keys[i] for i in indexes)
    return table._replace(rows=rows, keys=keys, total=len(rows))


_ORDERS: dict[RouteSort, Callable[[RouteStats], float | datetime]] = {
    RouteSort.RATE: lambda route: route.traffic.rate_per_s,
    RouteSort.P50: lambda route: route.traffic.latency.p50_ms or 0.0,
    RouteSort.P99: lambda route: route.traffic.latency.p99_ms or 0.0,
    RouteSort.ERRORS: lambda route: route.traffic.error_percent,
    RouteSort.LIMITED: lambda route: route.traffic.limited_per_s,
    RouteSort.LAST_HIT: lambda route: route.traffic.last_hit_at or _NEVER,
}
