"""The gateway's figures for a scraper. Refuses to name a single route: there may be thousands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from abi_engine.core.sample import Family, Kind, Sample
from abi_engine.features.gateway.api import GatewayStats, Traffic, UpstreamStats
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.runtime.breaker import BreakerState

_BY_UPSTREAM: Final[tuple[tuple[str, Kind, str, Callable[[UpstreamStats], float]], ...]] = (
    ("requests_total", Kind.COUNTER, "Attempts.", lambda one: one.traffic.requests_total),
    ("errors_total", Kind.COUNTER, "Attempts that failed.", lambda one: one.traffic.errors_total),
    (
        "refused_total",
        Kind.COUNTER,
        "Refused by its breaker.",
        lambda one: one.breaker.refused_total,
    ),
    (
        "trips_total",
        Kind.COUNTER,
        "How often its breaker opened.",
        lambda one: one.breaker.trips_total,
    ),
    ("in_flight", Kind.GAUGE, "Attempts under way.", lambda one: one.traffic.in_flight),
    ("connections_idle", Kind.GAUGE, "Connections kept.", lambda one: one.connections_idle),
    ("connections_busy", Kind.GAUGE, "Connections in use.", lambda one: one.connections_busy),
)
_QUANTILES: Final = (("0.5", 50.0), ("0.9", 90.0), ("0.99", 99.0), ("0.999", 99.9))


def families(
    stats: GatewayStats, counts: TrafficCounts, upstreams: Sequence[UpstreamStats]
) -> tuple[Family, ...]:
    """Every family, whole gateway first, then by upstream."""
    return (*_gateway(stats, counts), *_upstreams(upstreams))


def _gateway(stats: GatewayStats, counts: TrafficCounts) -> Iterable[Family]:
    traffic = stats.traffic
    yield Family(
        "abi_gateway_requests_total",
        Kind.COUNTER,
        "Requests by class of the answer.",
        tuple(_by_class(traffic)),
    )
    yield _summary(counts)
    for name, help_, value in (
        ("limited_total", "Requests refused by a limit.", traffic.limited_total),
        ("errors_total", "Answers of class 5xx.", traffic.errors_total),
        ("retries_total", "Requests sent again to another upstream.", traffic.retries_total),
        ("cancelled_total", "Requests whose client left first.", traffic.cancelled_total),
        ("refused_total", "Requests refused for their form.", stats.refused_total),
        ("received_bytes_total", "Bodies from clients.", traffic.bytes_in_total),
        ("sent_bytes_total", "Bodies to clients.", traffic.bytes_out_total),
        ("connections_total", "Connections of clients.", stats.connections_total),
        ("breaker_trips_total", "How often a breaker opened.", stats.breaker_trips_total),
    ):
        yield _one(name, Kind.COUNTER, help_, value)
    for name, help_, value in (
        ("in_flight", "Requests being worked on.", traffic.in_flight),
        ("connections_open", "Connections of clients, now.", stats.connections_open),
        ("routes", "Routes.", stats.routes),
        ("upstreams", "Upstreams.", stats.upstreams),
    ):
        yield _one(name, Kind.GAUGE, help_, value)


def _upstreams(upstreams: Sequence[UpstreamStats]) -> Iterable[Family]:
    yield Family(
        "abi_gateway_upstream_breaker_state",
        Kind.GAUGE,
        "1 for the state the breaker is in.",
        tuple(_state(one, state) for one in upstreams for state in BreakerState),
    )
    for name, kind, help_, value in _BY_UPSTREAM:
        samples = tuple(Sample(value(one), (("upstream", one.upstream),)) for one in upstreams)
        yield Family(f"abi_gateway_upstream_{name}", kind, help_, samples)


def _state(one: UpstreamStats, state: BreakerState) -> Sample:
    labels = ("upstream", one.upstream), ("state", state.value)
    return Sample(int(one.breaker.state is state), labels)


def _by_class(traffic: Traffic) -> Iterable[Sample]:
    for word, value in (
        ("2xx", traffic.status_2xx_total),
        ("3xx", traffic.status_3xx_total),
        ("4xx", traffic.status_4xx_total),
        ("5xx", traffic.status_5xx_total),
    ):
        yield Sample(value, (("class", word),))


def _summary(counts: TrafficCounts) -> Family:
    recent = counts.recent()
    percents = [percent for _, percent in _QUANTILES]
    found = recent.latency.percentiles(percents) if recent else [None] * len(percents)
    nothing = float("nan")  # what the data model asks for where nothing was measured
    samples = [
        Sample(nothing if value is None else value, (("quantile", word),))
        for (word, _), value in zip(_QUANTILES, found)
    ]
    samples += [Sample(counts.duration, (), "_sum"), Sample(counts.requests, (), "_count")]
    return Family(
        "abi_gateway_request_duration_seconds",
        Kind.SUMMARY,
        "How long requests took; quantiles of the last 60 s.",
        tuple(samples),
    )


def _one(name: str, kind: Kind, help_: str, value: float) -> Family:
    return Family(f"abi_gateway_{name}", kind, help_, (Sample(value),))
