"""What a demo without a screen found: figures, and whether those that count the same agree.

Refuses to judge by time: a check compares counts, never how fast something was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from abi_engine.core.events import Event
from abi_engine.features.gateway.api import GatewayReport, Latency, RouteStats, UpstreamStats
from abi_engine.system import Report
from abi_tui.demo.steering import DemoStatus, UpstreamCounts
from abi_tui.demo.upstreams import Role

SCHEMA = "demo/1"
LIMITED = "429"


class Check(msgspec.Struct, frozen=True):
    """Two that counted the same thing.

    Attributes:
        name: what was counted.
        expected, found: how often, by the one and by the other.
        ok: whether they agree.
    """

    name: str
    expected: int
    found: int
    ok: bool


class UpstreamRow(msgspec.Struct, frozen=True):
    """An upstream as the gateway and as itself saw it.

    Attributes:
        name: what it is like; upstream: its address.
        forwarded_total: requests that the gateway sent it, those it refused or cut off included.
        answered_total: answers of it that the gateway counted.
        received_total, replied_total: requests it read, answers it sent.
        trips_total: how often its breaker opened.
    """

    name: str
    upstream: str
    forwarded_total: int
    answered_total: int
    received_total: int
    replied_total: int
    trips_total: int


class TransitionRow(msgspec.Struct, frozen=True):
    """A breaker that changed its state."""

    at: datetime
    upstream: str
    kind: str
    message: str


class DemoReport(msgspec.Struct, frozen=True):
    """The whole.

    Attributes:
        duration_s: how long traffic flowed.
        requests_total: requests that the clients sent and got an answer to; rate_per_s: of them.
        answers_total: by status.
        unanswered_total: requests without an answer, by reason.
        skipped_total: requests left out because too many waited or it was too late.
        limited_total: refused by a limit; retries_total: sent again to another upstream.
        latency: of the last 60 s, as the gateway measured it.
        routes: every route with what went through it.
        upstreams: see `UpstreamRow`.
        transitions: of breakers, oldest first.
        checks: see `Check`; ok: whether all of them agree.
        traffic_cpu_percent: of one core, upstreams, clients and load generator together.
        engine_cpu_percent: of one core; engine_memory_bytes: resident at the end.
    """

    duration_s: float
    requests_total: int
    rate_per_s: float
    answers_total: dict[str, int]
    unanswered_total: dict[str, int]
    skipped_total: int
    limited_total: int
    retries_total: int
    latency: Latency
    routes: tuple[RouteStats, ...]
    upstreams: tuple[UpstreamRow, ...]
    transitions: tuple[TransitionRow, ...]
    checks: tuple[Check, ...]
    ok: bool
    traffic_cpu_percent: float
    engine_cpu_percent: float
    engine_memory_bytes: int


def demo_report(
    report: Report, status: DemoStatus, events: tuple[Event, ...], seconds: float
) -> DemoReport:
    """The whole, from what engine and scenery say once nothing is in flight.

    Args:
        report: of the engine.
        status: of upstreams and traffic.
        events: of the gateway, newest first.
        seconds: how long traffic flowed.
    """
    gateway = report.of("gateway", GatewayReport)
    assert gateway is not None  # the demo's engine has one
    answered = sum(status.answered_total.values())
    checks = tuple(_checks(gateway, status))
    return DemoReport(
        duration_s=seconds,
        requests_total=answered,
        rate_per_s=answered / seconds,
        answers_total=status.answered_total,
        unanswered_total=status.unanswered_total,
        skipped_total=status.skipped_total,
        limited_total=gateway.stats.traffic.limited_total,
        retries_total=gateway.stats.traffic.retries_total,
        latency=gateway.stats.traffic.latency,
        routes=gateway.routes,
        upstreams=tuple(_upstream_rows(gateway, status)),
        transitions=tuple(_transitions(events)),
        checks=checks,
        ok=all(check.ok for check in checks),
        traffic_cpu_percent=100 * status.cpu_s / status.uptime_s,
        engine_cpu_percent=100 * report.engine.cpu_s / report.engine.uptime_s,
        engine_memory_bytes=report.engine.memory_bytes,
    )


def _checks(gateway: GatewayReport, status: DemoStatus) -> Iterator[Check]:
    traffic, control = gateway.stats.traffic, _counts(status)[Role.CONTROL]
    answered = sum(status.answered_total.values())
    yield _check("requests without an answer", 0, sum(status.unanswered_total.values()))
    yield _check("requests still in flight", 0, status.in_flight + traffic.in_flight)
    steered = control.received_total
    yield _check("answers: clients got, gateway gave", answered + steered, traffic.requests_total)
    limited = status.answered_total.get(LIMITED, 0)
    yield _check("answers 429: clients got, gateway gave", limited, traffic.limited_total)
    for row in _upstream_rows(gateway, status):
        name = f"answers of {row.name}: it sent, gateway got"
        yield _check(name, row.replied_total, row.answered_total)
        if row.name != Role.FAILING:  # which cannot count what it refused
            name = f"requests to {row.name}: it read, gateway sent"
            yield _check(name, row.received_total, row.forwarded_total)


def _check(name: str, expected: int, found: int) -> Check:
    return Check(name, expected, found, expected == found)


def _upstream_rows(gateway: GatewayReport, status: DemoStatus) -> Iterator[UpstreamRow]:
    counts = {row.url: row for row in status.upstreams}
    for seen in sorted(gateway.upstreams, key=lambda row: counts[row.upstream].name):
        own = counts[seen.upstream]
        yield UpstreamRow(
            name=own.name,
            upstream=own.url,
            forwarded_total=seen.traffic.requests_total,
            answered_total=_answered(seen),
            received_total=own.received_total,
            replied_total=sum(own.replied_total.values()),
            trips_total=seen.breaker.trips_total,
        )


def _answered(seen: UpstreamStats) -> int:
    traffic = seen.traffic
    return (
        traffic.status_2xx_total
        + traffic.status_3xx_total
        + traffic.status_4xx_total
        + traffic.status_5xx_total
    )


def _counts(status: DemoStatus) -> dict[str, UpstreamCounts]:
    return {row.name: row for row in status.upstreams}


def _transitions(events: tuple[Event, ...]) -> Iterator[TransitionRow]:
    for event in reversed(events):
        if event.kind.startswith("breaker_"):
            yield TransitionRow(event.at, event.subject, event.kind, event.message)
