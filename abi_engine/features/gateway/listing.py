"""Windows of the lists of routes, limits and upstreams, in some order, filtered.

Refuses to build a row outside of the window; an order is kept for a second, so that lists of ten
thousand routes may be asked for all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, Protocol

from abi_engine.core.clock import Clock
from abi_engine.features.gateway.api import (
    LimitStats,
    RoutePage,
    RouteSort,
    RouteStats,
    UpstreamStats,
)
from abi_engine.features.gateway.limiting import LimitGate, limit_words
from abi_engine.features.gateway.live_route import LiveRoute
from abi_engine.features.gateway.table import RouteTable
from abi_engine.features.gateway.traffic import error_percent
from abi_engine.features.gateway.upstreams import Upstream
from abi_engine.runtime.breaker import BreakerState

_ORDER_AGE: Final = 1.0
_TROUBLE: Final = {BreakerState.OPEN: 0, BreakerState.HALF_OPEN: 1, BreakerState.CLOSED: 2}


class Links(Protocol):
    """What is known of the way to upstreams."""

    def connections(self, upstream: str) -> tuple[int, int]:
        """How many connections are idle, and how many busy."""
        ...

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of a host."""
        ...


class Listing:
    """The lists. Thread-safe.

    Args:
        table: the routes.
        clock: tells how old an order is.
    """

    def __init__(self, table: RouteTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._lock = Lock()
        self._orders: dict[RouteSort, tuple[float, Sequence[LiveRoute], Sequence[LiveRoute]]] = {}

    def page(self, sort: RouteSort, limit: int, offset: int, filter: str) -> RoutePage:  # noqa: A002 - the operation's word
        """See `GatewayApi.route_stats`."""
        order = self.order(sort)
        found = [live for live in order if matches(filter, live.route.path)] if filter else order
        rows = tuple(route_stats(live) for live in found[offset : offset + limit])
        return RoutePage(len(order), len(found), rows)

    def limits(self, limit: int, offset: int) -> tuple[LimitStats, ...]:
        """See `GatewayApi.limits`."""
        gated = [(live, live.gate) for live in self._table.all() if live.gate]
        gated.sort(key=lambda pair: pair[1].limited, reverse=True)
        return tuple(_limit_stats(*pair) for pair in gated[offset : offset + limit])

    def order(self, sort: RouteSort) -> Sequence[LiveRoute]:
        """Every route in some order; by path where it is the same."""
        lives = self._table.all()
        if sort is RouteSort.PATH:
            return lives
        now = self._clock.monotonic()
        with self._lock:
            kept = self._orders.get(sort)
            if kept and kept[1] is lives and 0 <= now - kept[0] < _ORDER_AGE:
                return kept[2]
            order = sorted(lives, key=_KEYS[sort], reverse=True)
            self._orders[sort] = now, lives, order
        return order


def matches(words: str, text: str) -> bool:
    """Whether the letters of `words` occur in `text` in that order, in either case.

    `!` in front turns it round; nothing matches everything.
    """
    if words.startswith("!") and len(words) > 1:
        return not matches(words[1:], text)
    rest = iter(text.casefold())
    return all(letter in rest for letter in words.casefold() if not letter.isspace())


def route_stats(live: LiveRoute) -> RouteStats:
    """A row of the list of routes."""
    route = live.route
    upstreams = {target.upstream for target in live.targets}
    states = [upstream.breaker.state for upstream in upstreams]
    ill = {target.upstream for target in live.targets if target.is_ill}
    return RouteStats(
        path=route.path,
        methods=route.methods,
        upstreams=len(states),
        upstreams_ok=sum(one.breaker.state is BreakerState.CLOSED for one in upstreams - ill),
        breaker=min(states, key=_TROUBLE.__getitem__),
        limit=limit_words(route.limit),
        origin=live.origin,
        enabled=live.enabled,
        traffic=live.traffic.snapshot(),
        queued=live.turns.waiting if live.turns else 0,
        crowded_total=live.turns.refused if live.turns else 0,
    )


def upstream_stats(upstream: Upstream, links: Links, clock: Clock) -> UpstreamStats:
    """A row of the list of upstreams."""
    idle, busy = links.connections(upstream.name)
    checks = upstream.checks
    answered = [check.checked_at for check in checks if check.checked_at is not None]
    known = [check.healthy for check in checks if check.healthy is not None]
    return UpstreamStats(
        upstream=upstream.name,
        breaker=upstream.breaker.report(),
        traffic=upstream.traffic.snapshot(),
        connections_idle=idle,
        connections_busy=busy,
        routes=upstream.routes,
        last_error=upstream.last_error,
        addresses=links.addresses(upstream.host),
        healthy=all(known) if known else None,
        check_error=next((check.error for check in checks if check.error), ""),
        check_age_s=max(clock.monotonic() - min(answered), 0.0) if answered else None,
    )


def by_trouble(upstreams: Sequence[Upstream]) -> list[Upstream]:
    """Upstreams whose breaker is open first, then half open, then closed; each the ill ones first,
    then by name.
    """
    return sorted(
        upstreams, key=lambda one: (_TROUBLE[one.breaker.state], not one.is_ill, one.name)
    )


def _limit_stats(live: LiveRoute, gate: LimitGate) -> LimitStats:
    return LimitStats(
        path=live.route.path,
        methods=live.route.methods,
        limit=gate.settings,
        keys=gate.keys(),
        allowed_total=gate.allowed,
        limited_total=gate.limited,
        limited_per_s=gate.limited_per_s(),
    )


def _rate(live: LiveRoute) -> float:
    tally = live.traffic.tally()
    return tally.calls / tally.seconds


def _limited(live: LiveRoute) -> float:
    tally = live.traffic.tally()
    return tally.limited / tally.seconds


def _percentile(percent: float) -> Callable[[LiveRoute], float]:
    def key(live: LiveRoute) -> float:
        if not live.traffic.tally().calls:
            return 0.0
        recent = live.traffic.recent()
        return (recent and recent.latency.percentile(percent)) or 0.0

    return key


_KEYS: Final[dict[RouteSort, Callable[[LiveRoute], float]]] = {
    RouteSort.RATE: _rate,
    RouteSort.P50: _percentile(50.0),
    RouteSort.P99: _percentile(99.0),
    RouteSort.ERRORS: lambda live: error_percent(live.traffic.tally()),
    RouteSort.LIMITED: _limited,
    RouteSort.LAST_HIT: lambda live: live.traffic.last_hit,
}
