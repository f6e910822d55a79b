"""The lists of the gateway: routes, breakers, limits. Refuses to compute what reports lack."""

from __future__ import annotations

from collections.abc import Iterable

from abi_engine.core.text import safe
from abi_engine.features.gateway.api import (
    LimitBy,
    LimitStats,
    RoutePage,
    RouteStats,
    UpstreamStats,
)
from abi_engine.runtime.breaker import BreakerReport, BreakerState
from abi_engine.runtime.limiter import LimitKind
from abi_tui.views import numbers
from abi_tui.views.table import Cell, Column, Table, Tone

ROUTES = (
    Column("breaker", "breaker"),
    Column("path", "route"),
    Column("traffic.rate_per_s", "req/s", right=True),
    Column("traffic.latency.p50_ms", "p50 ms", right=True),
    Column("traffic.latency.p99_ms", "p99 ms", right=True),
    Column("traffic.error_percent", "err %", right=True),
    Column("limit", "limit"),
)
BREAKERS = (
    Column("breaker.state", "breaker"),
    Column("upstream", "upstream"),
    Column("breaker.in_state_s", "for", right=True),
    Column("breaker.failures", "failures", right=True),
    Column("breaker.next_try_in_s", "next try in", right=True),
    Column("breaker.refused_total", "refused", right=True),
    Column("breaker.trips_total", "trips", right=True),
    Column("traffic.rate_per_s", "req/s", right=True),
    Column("traffic.latency.p99_ms", "p99 ms", right=True),
    Column("traffic.error_percent", "err %", right=True),
    Column("routes", "routes", right=True),
)
LIMITS = (
    Column("path", "route"),
    Column("limit.kind", "kind"),
    Column("limit.rate", "rate/s", right=True),
    Column("limit.burst", "burst", right=True),
    Column("limit.by", "by"),
    Column("keys", "clients", right=True),
    Column("allowed_total", "allowed", right=True),
    Column("limited_total", "limited", right=True),
    Column("limited_per_s", "limited/s", right=True),
)

NO_ROUTES = "no routes yet: abi gateway routes add /hello http://127.0.0.1:9000"
NO_MATCH = "no route passes the filter"
NO_BREAKERS = "no upstreams yet: a route brings its own (abi gateway routes add)"
NO_LIMITS = "no route has a limit: abi gateway routes add PATH URL --rate 100"

_KINDS = {
    LimitKind.TOKEN_BUCKET: "token bucket",
    LimitKind.SLIDING_WINDOW: "sliding window",
    LimitKind.FIXED_WINDOW: "fixed window",
}
_STATES = {
    BreakerState.CLOSED: ("●", "ok", Tone.OK),
    BreakerState.HALF_OPEN: ("◐", "half", Tone.WARN),
    BreakerState.OPEN: ("○", "OPEN", Tone.BAD),
}


def routes_table(page: RoutePage) -> Table:
    """The routes in the order of the page."""
    return Table(
        "gateway.routes",
        ROUTES,
        tuple(_route_row(route) for route in page.rows),
        tuple(route_key(route.path, route.methods) for route in page.rows),
        page.matched,
        NO_MATCH if page.total else NO_ROUTES,
    )


def breakers_table(upstreams: Iterable[UpstreamStats]) -> Table:
    """The upstreams with their breakers, in the given order."""
    rows = tuple(upstreams)
    return Table(
        "gateway.breakers",
        BREAKERS,
        tuple(map(_breaker_row, rows)),
        tuple(row.upstream for row in rows),
        len(rows),
        NO_BREAKERS,
    )


def limits_table(limits: Iterable[LimitStats]) -> Table:
    """The limits at work, in the given order."""
    rows = tuple(limits)
    return Table(
        "gateway.limits",
        LIMITS,
        tuple(map(_limit_row, rows)),
        tuple(route_key(row.path, row.methods) for row in rows),
        len(rows),
        NO_LIMITS,
    )


def breaker_cell(state: BreakerState, *, forced: bool = False, sick: bool = False) -> Cell:
    """A breaker's state: shape, word, capitals, then colour.

    Args:
        state: which.
        forced: a person holds it so.
        sick: health checks found that the upstream is not well, whatever its breaker says.
    """
    shape, word, tone = _STATES[state]
    words = [shape, word, *(("held",) if forced else ()), *(("SICK",) if sick else ())]
    return Cell(" ".join(words), Tone.BAD if sick else tone)


def route_breaker_cell(route: RouteStats) -> Cell:
    """The worst breaker of a route; `2/3 ok` where some of several upstreams still answer."""
    if not route.enabled:
        return Cell("– off", Tone.DIM)
    shape, _, tone = _STATES[route.breaker]
    closed = route.breaker is BreakerState.CLOSED  # then health checks found what is not ok
    if route.upstreams_ok < route.upstreams and (route.upstreams_ok or closed):
        words = f"{shape} {route.upstreams_ok}/{route.upstreams} ok"
        return Cell(words, Tone.WARN if closed else tone)
    return breaker_cell(route.breaker)


def route_name(path: str, methods: tuple[str, ...]) -> str:
    """A route as people see it: its path, and its methods where not any will do."""
    return safe(" ".join((path, ",".join(methods)))) if methods else safe(path)


def route_key(path: str, methods: tuple[str, ...]) -> str:
    """What identifies a route: its path, after its first method where not any will do."""
    return f"{methods[0]} {path}" if methods else path


def split_route_key(key: str) -> tuple[str, str | None]:
    """The path and the method, or None, of a `route_key`."""
    if key.startswith("/"):
        return key, None
    method, _, path = key.partition(" ")
    return path, method


def limit_words(limit: LimitStats) -> str:
    """What a limit counts by, safe to show."""
    if limit.limit.by is LimitBy.HEADER:
        return f"header {safe(limit.limit.header)}"
    return limit.limit.by.value


def failures_text(breaker: BreakerReport) -> str:
    """The failures in a row against how many open it: `3/5`; `5+` where more came later."""
    threshold = numbers.count(breaker.failure_threshold)
    if breaker.failures > breaker.failure_threshold:
        return f"{threshold}+"
    return f"{numbers.count(breaker.failures)}/{threshold}"


def _route_row(route: RouteStats) -> tuple[Cell, ...]:
    traffic = route.traffic
    return (
        route_breaker_cell(route),
        Cell(route_name(route.path, route.methods), Tone.PLAIN if route.enabled else Tone.DIM),
        Cell(numbers.rate(traffic.rate_per_s)),
        Cell(numbers.milliseconds(traffic.latency.p50_ms)),
        Cell(numbers.milliseconds(traffic.latency.p99_ms)),
        Cell(numbers.percent(traffic.error_percent)),
        Cell(safe(route.limit)) if route.limit else Cell("none", Tone.DIM),
    )


def _breaker_row(row: UpstreamStats) -> tuple[Cell, ...]:
    breaker, traffic = row.breaker, row.traffic
    wait = breaker.next_try_in_s
    return (
        breaker_cell(breaker.state, forced=breaker.forced, sick=row.healthy is False),
        Cell(safe(row.upstream)),
        Cell(numbers.span(breaker.in_state_s)),
        Cell(failures_text(breaker)),
        Cell(numbers.NONE if wait is None else numbers.span(wait)),
        Cell(numbers.count(breaker.refused_total)),
        Cell(numbers.count(breaker.trips_total)),
        Cell(numbers.rate(traffic.rate_per_s)),
        Cell(numbers.milliseconds(traffic.latency.p99_ms)),
        Cell(numbers.percent(traffic.error_percent)),
        Cell(numbers.count(row.routes)),
    )


def _limit_row(row: LimitStats) -> tuple[Cell, ...]:
    limit = row.limit
    bucket = limit.kind is LimitKind.TOKEN_BUCKET
    return (
        Cell(route_name(row.path, row.methods)),
        Cell(_KINDS[limit.kind] if bucket else f"{_KINDS[limit.kind]} {limit.window:g} s"),
        Cell(numbers.setting(limit.rate)),
        Cell(numbers.count(limit.burst) if bucket else numbers.NONE),
        Cell(limit_words(row)),
        Cell(numbers.count(row.keys)),
        Cell(numbers.count(row.allowed_total)),
        Cell(numbers.count(row.limited_total)),
        Cell(numbers.rate(row.limited_per_s)),
    )
