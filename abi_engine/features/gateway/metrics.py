"""The gateway's figures for a scraper: of the whole, of each route, of each upstream.

Names and units are as the Prometheus conventions have them. Refuses to grow without bound: beyond
a thousand routes or upstreams, further ones are counted together as `other`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from abi_engine.core.sample import Family, Kind, Sample
from abi_engine.features.gateway.admission import Cause
from abi_engine.features.gateway.live_route import LiveRoute
from abi_engine.features.gateway.metric_rows import (
    MOST_ROWS,
    OTHER,
    Name,
    Row,
    Rows,
    route_row,
    upstream_row,
)
from abi_engine.features.gateway.reports import ApiKeyStats, GatewayStats
from abi_engine.features.gateway.traffic import DURATIONS, REFUSALS, TrafficCounts
from abi_engine.features.gateway.upstreams import Upstream
from abi_engine.runtime.breaker import BreakerState

_QUANTILES: Final = (("0.5", 50.0), ("0.9", 90.0), ("0.99", 99.0), ("0.999", 99.9))
_CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
_EDGES: Final = (*map(repr, DURATIONS), "+Inf")

Read = Callable[[Row], float]
Figure = tuple[str, Kind, str, Read]

_ALWAYS: Final[tuple[Figure, ...]] = (
    ("limited_total", Kind.COUNTER, "Requests refused by a limit.", lambda row: row.totals.limited),
    ("errors_total", Kind.COUNTER, "Answers of class 5xx.", lambda row: row.totals.errors),
    (
        "retries_total",
        Kind.COUNTER,
        "Requests sent again to another upstream.",
        lambda row: row.totals.retries,
    ),
    (
        "cancelled_total",
        Kind.COUNTER,
        "Requests whose client left first.",
        lambda row: row.totals.cancelled,
    ),
    ("received_bytes_total", Kind.COUNTER, "Bodies of requests.", lambda row: row.totals.bytes_in),
    ("sent_bytes_total", Kind.COUNTER, "Bodies of answers.", lambda row: row.totals.bytes_out),
    ("in_flight", Kind.GAUGE, "Requests being worked on.", lambda row: row.states[0]),
)
_OF_ROUTES: Final[tuple[Figure, ...]] = (
    *_ALWAYS,
    (
        "crowded_total",
        Kind.COUNTER,
        "Requests whose turn did not come.",
        lambda row: row.counts[0],
    ),
    ("queued", Kind.GAUGE, "Requests that wait for their turn.", lambda row: row.states[1]),
)
_OF_UPSTREAMS: Final[tuple[Figure, ...]] = (
    (
        "retries_total",
        Kind.COUNTER,
        "Attempts after one at another upstream.",
        lambda row: row.totals.retries,
    ),
    ("sent_bytes_total", Kind.COUNTER, "Bodies of requests.", lambda row: row.totals.bytes_in),
    ("received_bytes_total", Kind.COUNTER, "Bodies of answers.", lambda row: row.totals.bytes_out),
    ("refused_total", Kind.COUNTER, "Refused by its breaker.", lambda row: row.counts[0]),
    ("trips_total", Kind.COUNTER, "How often its breaker opened.", lambda row: row.counts[1]),
    ("in_flight", Kind.GAUGE, "Attempts under way.", lambda row: row.states[0]),
    ("connections_idle", Kind.GAUGE, "Connections kept.", lambda row: row.states[1]),
    ("connections_busy", Kind.GAUGE, "Connections in use.", lambda row: row.states[2]),
    ("ill", Kind.GAUGE, "Whether a health check fails.", lambda row: row.states[3]),
)


class Sources(NamedTuple):
    """Where the figures come from.

    Attributes:
        stats: the whole gateway; traffic: its counts.
        routes, upstreams: all there are.
        connections: to an upstream, idle and busy.
        log_lost: lines of the access log that were lost.
        keys: the API keys, by name.
    """

    stats: GatewayStats
    traffic: TrafficCounts
    routes: Iterable[LiveRoute]
    upstreams: Iterable[Upstream]
    connections: Callable[[str], tuple[int, int]]
    log_lost: int
    keys: Sequence[ApiKeyStats] = ()


class Metrics:
    """Every family; remembers which routes and upstreams have a row of their own."""

    def __init__(self) -> None:
        self._routes = Rows(("route", "methods"))
        self._upstreams = Rows(("upstream",))

    def families(self, sources: Sources) -> tuple[Family, ...]:
        """The whole gateway first, then by route, then by upstream."""
        routes = self._routes.of(map(route_row, sources.routes))
        upstreams = self._upstreams.of(
            upstream_row(one, *sources.connections(one.name)) for one in sources.upstreams
        )
        return (
            *_gateway(sources),
            *_routes(_labelled(self._routes.labels, routes)),
            *_upstreams(_labelled(self._upstreams.labels, upstreams)),
            _keys(sources.keys),
        )


Labels = tuple[tuple[str, str], ...]
Labelled = list[tuple[Labels, Row]]


def _labelled(names: Name, rows: list[tuple[Name, Row]]) -> Labelled:
    return [(tuple(zip(names, name)), row) for name, row in rows]


def _gateway(sources: Sources) -> Iterator[Family]:
    stats, prefix = sources.stats, "abi_gateway_"
    rows: Labelled = [((), Row(sources.traffic.totals(), (), (stats.traffic.in_flight,)))]
    yield _requests(prefix, "Requests by class of the answer.", rows)
    yield _durations(prefix + "request_duration_seconds", "How long requests took.", rows)
    yield _recent(sources.traffic)
    yield from _figures(prefix, _ALWAYS, rows)
    yield _refusals(rows[0][1])
    for name, kind, help_, value in (
        (
            "connections_total",
            Kind.COUNTER,
            "Connections of clients that were opened.",
            stats.connections_total,
        ),
        (
            "breaker_trips_total",
            Kind.COUNTER,
            "How often a breaker opened.",
            stats.breaker_trips_total,
        ),
        (
            "access_log_lost_lines_total",
            Kind.COUNTER,
            "Lines of the access log that were lost.",
            sources.log_lost,
        ),
        ("connections_open", Kind.GAUGE, "Connections of clients.", stats.connections_open),
        ("routes", Kind.GAUGE, "Routes.", stats.routes),
        ("upstreams", Kind.GAUGE, "Upstreams.", stats.upstreams),
    ):
        yield Family(prefix + name, kind, help_, (Sample(value),))


def _routes(rows: Labelled) -> Iterator[Family]:
    prefix = "abi_gateway_route_"
    yield _requests(prefix, "Requests of a route by class of the answer.", rows)
    yield _durations(
        prefix + "request_duration_seconds", "How long requests of a route took.", rows
    )
    yield from _figures(prefix, _OF_ROUTES, rows)


def _keys(keys: Sequence[ApiKeyStats]) -> Family:
    samples = [Sample(key.requests_total, (("key", key.name),)) for key in keys[:MOST_ROWS]]
    others = sum(key.requests_total for key in keys[MOST_ROWS:])
    if len(keys) > MOST_ROWS:
        samples.append(Sample(others, (("key", OTHER),)))
    help_ = "Requests that a key opened a route for."
    return Family("abi_gateway_key_requests_total", Kind.COUNTER, help_, tuple(samples))


def _upstreams(rows: Labelled) -> Iterator[Family]:
    prefix = "abi_gateway_upstream_"
    yield _requests(prefix, "Attempts at an upstream by class of the answer.", rows)
    yield _durations(
        prefix + "response_duration_seconds", "From sending to the first byte of the answer.", rows
    )
    yield _by(
        prefix + "errors_total",
        "Attempts that failed, by cause.",
        rows,
        "cause",
        [(cause.value, place) for place, cause in enumerate(Cause)],
        lambda row: row.totals.causes,
    )
    yield from _figures(prefix, _OF_UPSTREAMS, rows)
    yield _states(rows)


def _figures(prefix: str, figures: Iterable[Figure], rows: Labelled) -> Iterator[Family]:
    for name, kind, help_, read in figures:
        samples = tuple(Sample(read(row), labels) for labels, row in rows)
        yield Family(prefix + name, kind, help_, samples)


def _requests(prefix: str, help_: str, rows: Labelled) -> Family:
    places = [(word, place) for place, word in enumerate(_CLASSES, 1)]
    statuses = lambda row: row.totals.statuses  # noqa: E731 - a name for one line
    return _by(prefix + "requests_total", help_, rows, "class", [*places, ("none", 0)], statuses)


def _refusals(row: Row) -> Family:
    places = [*((word, place) for place, word in enumerate(REFUSALS.values())), (OTHER, -1)]
    help_ = "Requests turned away before an upstream was asked, by reason."
    rows: Labelled = [((), row)]
    return _by(
        "abi_gateway_refused_total", help_, rows, "reason", places, lambda row: row.totals.refusals
    )


def _by(
    name: str,
    help_: str,
    rows: Labelled,
    label: str,
    places: Iterable[tuple[str, int]],
    read: Callable[[Row], tuple[int, ...]],
) -> Family:
    """A counter with one more label, whose words stand for places in a tuple."""
    words = tuple(places)
    samples = tuple(
        Sample(read(row)[place], (*labels, (label, word)))
        for labels, row in rows
        for word, place in words
    )
    return Family(name, Kind.COUNTER, help_, samples)


def _durations(name: str, help_: str, rows: Labelled) -> Family:
    samples: list[Sample] = []
    for labels, row in rows:
        below = tuple(accumulate(row.totals.durations))
        samples += [
            Sample(count, (*labels, ("le", edge)), "_bucket") for edge, count in zip(_EDGES, below)
        ]
        samples.append(Sample(row.totals.duration, labels, "_sum"))
        samples.append(Sample(below[-1], labels, "_count"))
    return Family(name, Kind.HISTOGRAM, help_, tuple(samples))


def _recent(traffic: TrafficCounts) -> Family:
    """Sum and count have no end: only the quantiles are of the last sixty seconds."""
    recent, totals = traffic.recent(), traffic.totals()
    percents = [percent for _, percent in _QUANTILES]
    found = recent.latency.percentiles(percents) if recent else [None] * len(percents)
    nothing = float("nan")  # what the data model asks for where nothing was measured
    samples = [
        Sample(nothing if value is None else value, (("quantile", word),))
        for (word, _), value in zip(_QUANTILES, found)
    ]
    samples.append(Sample(totals.duration, (), "_sum"))
    samples.append(Sample(sum(totals.durations), (), "_count"))
    return Family(
        "abi_gateway_recent_request_duration_seconds",
        Kind.SUMMARY,
        "How long requests took; quantiles of the last 60 s.",
        tuple(samples),
    )


def _states(rows: Labelled) -> Family:
    samples = tuple(
        Sample(value, (*labels, ("state", state.value)))
        for labels, row in rows
        for state, value in zip(BreakerState, row.states[-len(BreakerState) :])
    )
    help_ = "1 for the state that the breaker is in; for others together, how many."
    return Family("abi_gateway_upstream_breaker_state", Kind.GAUGE, help_, samples)
