"""Reports as an engine gives them, with figures that a test can look for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from abi_engine.core.feature import Health, State
from abi_engine.features.gateway.api import (
    GatewayReport,
    GatewayStats,
    Latency,
    LatencyBar,
    Route,
    RouteDetail,
    RouteLimit,
    RouteOrigin,
    RouteStats,
    Traffic,
    UpstreamStats,
)
from abi_engine.runtime.breaker import BreakerReport, BreakerState, Transition
from abi_engine.system import EngineStatus, FeatureStatus

NOW = datetime(2026, 11, 22, 12, 4, 11, tzinfo=UTC)
TRAFFIC = Traffic(
    requests_total=8412,
    status_2xx_total=8000,
    status_4xx_total=12,
    status_5xx_total=400,
    in_flight=3,
    errors_total=400,
    rate_per_s=1117.4,
    error_percent=12.5,
    latency=Latency(1.24, 4.0, 15.43, None),
    last_hit_at=NOW - timedelta(seconds=41),
)
OPENED = Transition(
    NOW - timedelta(seconds=12),
    BreakerState.CLOSED,
    BreakerState.OPEN,
    "5 consecutive failures",
    5,
    9,
)


def breaker(state: BreakerState = BreakerState.CLOSED, **facts: object) -> BreakerReport:
    values: dict[str, object] = {
        "state": state,
        "forced": False,
        "in_state_s": 12.0,
        "failures": 3,
        "failure_threshold": 5,
        "window_failures": 4,
        "window_calls": 50,
        "refused_total": 1234,
        "trips_total": 2,
        "trials_in_flight": 0,
        "trials_left": 0,
        "next_try_in_s": None,
        "last": None,
    }
    return BreakerReport(**(values | facts))  # type: ignore[arg-type]


def upstream(report: BreakerReport | None = None, name: str = "http://up:9000") -> UpstreamStats:
    return UpstreamStats(name, report or breaker(), TRAFFIC, 4, 2, 3, "connection refused")


def route(
    path: str = "/users/{id}",
    methods: tuple[str, ...] = (),
    *,
    upstreams: int = 1,
    ok: int = 1,
    state: BreakerState = BreakerState.CLOSED,
    enabled: bool = True,
    limit: str = "token 100/s",
) -> RouteStats:
    origin = RouteOrigin.RUNTIME
    return RouteStats(path, methods, upstreams, ok, state, limit, origin, enabled, TRAFFIC)


def detail(*upstreams: UpstreamStats, stats: RouteStats | None = None) -> RouteDetail:
    bars = (LatencyBar(1.0, 61, 61.0), LatencyBar(5.0, 30, 30.0), LatencyBar(None, 9, 9.0))
    found = upstreams or (upstream(),)
    row = stats or route()
    settings = Route(row.path, tuple(one.upstream for one in found), limit=RouteLimit())
    return RouteDetail(row, settings, found, bars)


def gateway_stats(**facts: object) -> GatewayStats:
    values: dict[str, object] = {
        "traffic": TRAFFIC,
        "routes": 24,
        "upstreams": 3,
        "breakers_closed": 3,
        "breakers_half_open": 0,
        "breakers_open": 0,
        "breaker_trips_total": 2,
        "refused_total": 7,
        "connections_open": 9,
        "connections_total": 1200,
    }
    return GatewayStats(**(values | facts))  # type: ignore[arg-type]


def gateway_report(stats: GatewayStats | None = None, trouble: str = "") -> GatewayReport:
    return GatewayReport("http://127.0.0.1:8080", trouble, stats or gateway_stats(), (), ())


def feature(name: str = "gateway", **facts: object) -> FeatureStatus:
    values: dict[str, object] = {
        "name": name,
        "summary": "what it is",
        "enabled": True,
        "built": True,
        "state": State.RUNNING,
        "health": Health(True, "accepts connections", NOW, 0.0),
    }
    return FeatureStatus(**(values | facts))  # type: ignore[arg-type]


def status(*features: FeatureStatus, trouble: tuple[str, ...] = ()) -> EngineStatus:
    return EngineStatus(
        State.RUNNING, "0.1.0", "3.11.7", 4242, NOW, 761.0, "/data", "/run/x.sock", "",
        12_687_769, 8, 1.5, features or (feature(),), trouble,
    )  # fmt: skip
