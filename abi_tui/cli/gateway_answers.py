"""What the gateway's commands show: now, or as it was recorded. Refuses to mix the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from abi_engine.core.errors import FeatureDisabled
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import (
    GatewayReport,
    LimitStats,
    RoutePage,
    RouteSort,
    RouteStats,
    UpstreamNotFound,
    UpstreamStats,
)
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer
from abi_tui.cli.suggestions import nearest
from abi_tui.views import gateway, gateway_details, gateway_workers
from abi_tui.views.window import route_page

if TYPE_CHECKING:
    from abi_engine.service.connect import OpenEngine

PAGE = 10_000
SHOWN = 200
EVERYTHING = 1_000_000


def routes(
    invocation: Invocation, engine: OpenEngine, sort: str, words: str, at: float | None
) -> Answer:
    """The list of routes."""
    order, wanted = RouteSort(sort), rows_wanted(invocation)
    if at is None:
        moment, page = datetime.now(UTC), _route_page(engine, order, words, wanted)
    else:
        moment, report = recorded(engine, at)
        page = route_page(report.routes, sort=order, limit=wanted, offset=0, filter=words)
    table = gateway.routes_table(page)
    return Answer("gateway.routes/1", page.rows, table, moment, page.matched)


def route(engine: OpenEngine, path: str, method: str | None) -> Answer:
    """One route."""
    with nearest(engine, path):
        found = engine.gateway.route_detail(path, method)
    now = datetime.now(UTC)
    return Answer("gateway.route/1", found, gateway_details.route_detail(found, now), now)


def breakers(invocation: Invocation, engine: OpenEngine, at: float | None) -> Answer:
    """The list of breakers."""
    if at is None:
        moment, found = datetime.now(UTC), engine.gateway.breakers()
        total = len(found)
    else:
        moment, report = recorded(engine, at)
        found, total = report.upstreams, report.stats.upstreams
    rows = found[: rows_wanted(invocation)]
    return Answer("gateway.breakers/1", rows, gateway.breakers_table(rows), moment, total)


def breaker(engine: OpenEngine, upstream: str) -> Answer:
    """One upstream."""
    found: tuple[UpstreamStats, ...] = engine.gateway.breakers()
    one = next((row for row in found if row.upstream == upstream.rstrip("/")), None)
    with nearest(engine, upstream):
        if one is None:
            raise UpstreamNotFound(f"no route uses the upstream '{safe(upstream)}'")
    now = datetime.now(UTC)
    return Answer("gateway.breaker/1", one, gateway_details.breaker_detail(one, now), now)


def limits(invocation: Invocation, engine: OpenEngine) -> Answer:
    """The list of limits."""
    wanted = rows_wanted(invocation)
    found: list[LimitStats] = []
    while len(found) <= wanted:
        size = min(wanted + 1 - len(found), PAGE)
        page = engine.gateway.limits(limit=size, offset=len(found))
        found += page
        if len(page) < size:
            break
    rows = tuple(found[:wanted])
    more = f"the first {wanted} shown: --limit shows more" if len(found) > wanted else ""
    return Answer("gateway.limits/1", rows, gateway.limits_table(rows), more=more)


def workers(engine: OpenEngine) -> Answer:
    """The processes that serve clients."""
    found = engine.gateway.workers()
    return Answer("gateway.workers/1", found, gateway_workers.workers_table(found))


def stats(engine: OpenEngine, at: float | None) -> Answer:
    """The gateway as a whole."""
    if at is None:
        moment, found = datetime.now(UTC), engine.gateway.stats()
    else:
        moment, report = recorded(engine, at)
        found = report.stats
    return Answer("gateway.stats/1", found, gateway_details.stats_detail(found, moment), moment)


def recorded(engine: OpenEngine, at: float) -> tuple[datetime, GatewayReport]:
    """The gateway's part of the report that was recorded nearest before a moment.

    Raises:
        NotFound: nothing so old is kept.
        FeatureDisabled: the gateway did not run then.
    """
    report = engine.system.report(at=at)
    found = report.of("gateway", GatewayReport)
    if found is None:
        raise FeatureDisabled(f"the gateway did not run at {report.at:%H:%M:%S} UTC")
    return report.at, found


def rows_wanted(invocation: Invocation) -> int:
    """How many rows: as asked, else a screenful for people and everything for programs."""
    if invocation.limit is not None:
        return invocation.limit
    return SHOWN if invocation.format is Format.TABLE else EVERYTHING


def _route_page(engine: OpenEngine, sort: RouteSort, words: str, wanted: int) -> RoutePage:
    found: list[RouteStats] = []
    while True:
        size = min(wanted - len(found), PAGE)
        page = engine.gateway.route_stats(sort=sort, limit=size, offset=len(found), filter=words)
        found += page.rows
        if len(page.rows) < size or len(found) >= wanted:
            return RoutePage(page.total, page.matched, tuple(found))
