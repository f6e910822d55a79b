"""What the gateway tells of its routes and upstreams, and of the requests that went through.

Refuses to measure anything.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from abi_engine.features.gateway.route import Route, RouteLimit
from abi_engine.runtime.breaker import BreakerReport, BreakerState


class RouteOrigin(StrEnum):
    """Where a route comes from: the configuration, or a call while the engine ran."""

    CONFIG = "config"
    RUNTIME = "runtime"


class KeyOrigin(StrEnum):
    """Where an API key comes from: the configuration, or a call while the engine ran."""

    CONFIG = "config"
    RUNTIME = "runtime"


class Match(msgspec.Struct, frozen=True):
    """The route a path leads to.

    Attributes:
        route: the route.
        params: the values of its `{names}`, percent-decoded.
        tail: what `*` stands for, without a leading slash, as it is in `path`; empty where there is
            none.
        path: the path after normalisation.
    """

    route: Route
    params: dict[str, str]
    tail: str
    path: str


class Latency(msgspec.Struct, frozen=True):
    """Percentiles in milliseconds of the last 60 s; None where nothing was measured."""

    p50_ms: float | None = None
    p90_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None


class Traffic(msgspec.Struct, frozen=True):
    """What went through a route, an upstream or the gateway.

    Totals are since the start; `rate_per_s`, `error_percent`, `limited_per_s` and `latency` are of
    the last 60 s, so that trouble that is over looks over.

    Attributes:
        requests_total: answered requests, refused ones included.
        status_2xx_total … status_5xx_total: by class of the answer; 1xx are not counted.
        in_flight: being worked on now.
        limited_total: refused by a limit.
        errors_total: answers of class 5xx, and requests the upstream failed.
        retries_total: sent again to another upstream.
        cancelled_total: the client left before the answer was complete.
        bytes_in_total, bytes_out_total: of bodies, from and to clients.
        last_hit_at: the last request, UTC.
    """

    requests_total: int = 0
    status_2xx_total: int = 0
    status_3xx_total: int = 0
    status_4xx_total: int = 0
    status_5xx_total: int = 0
    in_flight: int = 0
    limited_total: int = 0
    errors_total: int = 0
    retries_total: int = 0
    cancelled_total: int = 0
    bytes_in_total: int = 0
    bytes_out_total: int = 0
    rate_per_s: float = 0.0
    error_percent: float = 0.0
    limited_per_s: float = 0.0
    latency: Latency = Latency()
    last_hit_at: datetime | None = None


class RouteStats(msgspec.Struct, frozen=True):
    """A row of the list of routes.

    Attributes:
        path, methods: the route's name.
        upstreams: how many; upstreams_ok: how many of them have a closed breaker, and no health
            check that finds them unhealthy.
        breaker: the worst state among them.
        limit: a few words such as `token 100/s`; empty where there is none.
        origin: configuration or run time; enabled: whether it answers.
        traffic: what went through it.
        queued: requests that wait for their turn now, where the route has `concurrency`.
        crowded_total: requests refused since the start because the queue was full, or their turn
            did not come in time.
    """

    path: str
    methods: tuple[str, ...]
    upstreams: int
    upstreams_ok: int
    breaker: BreakerState
    limit: str
    origin: RouteOrigin
    enabled: bool
    traffic: Traffic
    queued: int = 0
    crowded_total: int = 0


class RoutePage(msgspec.Struct, frozen=True):
    """A window of the list of routes.

    Attributes:
        total: all routes; matched: those that the filter lets through; rows: the window of them.
    """

    total: int
    matched: int
    rows: tuple[RouteStats, ...]


class RouteSort(StrEnum):
    """The order of the list of routes; all but `path` are largest first."""

    PATH = "path"
    RATE = "rate"
    P50 = "p50"
    P99 = "p99"
    ERRORS = "errors"
    LIMITED = "limited"
    LAST_HIT = "last_hit"


class UpstreamStats(msgspec.Struct, frozen=True):
    """An upstream: its breaker, its traffic and its connections.

    Attributes:
        upstream: `http://host:port` or `https://host:port`, its name.
        breaker: see `BreakerReport`.
        traffic: what went to it.
        connections_idle, connections_busy: open to it.
        routes: how many routes use it.
        last_error: the last thing that failed, in words; empty if nothing did.
        addresses: behind its name; empty while they are not known, or nothing listens.
        healthy: what health checks say; None where there are none, or no answer yet.
        check_error: what was wrong with the last check; empty if nothing was.
        check_age_s: how old the answer to it is.
    """

    upstream: str
    breaker: BreakerReport
    traffic: Traffic
    connections_idle: int
    connections_busy: int
    routes: int
    last_error: str = ""
    addresses: tuple[str, ...] = ()
    healthy: bool | None = None
    check_error: str = ""
    check_age_s: float | None = None


class LatencyBar(msgspec.Struct, frozen=True):
    """A share of the requests of the last 60 s: `up_to_ms` is None for the slowest class."""

    up_to_ms: float | None
    requests: int
    percent: float


class RouteDetail(msgspec.Struct, frozen=True):
    """One route with everything known of it."""

    stats: RouteStats
    route: Route
    upstreams: tuple[UpstreamStats, ...]
    latency_bars: tuple[LatencyBar, ...]


class LimitStats(msgspec.Struct, frozen=True):
    """A route's limit at work.

    Attributes:
        path, methods: the route.
        limit: the settings.
        keys: how many clients are remembered.
        allowed_total, limited_total: since the start; limited_per_s: of the last 60 s.
    """

    path: str
    methods: tuple[str, ...]
    limit: RouteLimit
    keys: int
    allowed_total: int
    limited_total: int
    limited_per_s: float


class ApiKeyStats(msgspec.Struct, frozen=True):
    """An API key, by its name: the key itself is known to nobody but its holder.

    Attributes:
        name: whose it is.
        origin: configuration or run time; enabled: whether it opens anything.
        created_at: UTC; None for one of the configuration.
        last_used_at: when it last opened a route, since the start; None where it has not.
        requests_total: requests that it opened a route for, those over a limit included, since the
            start.
    """

    name: str
    origin: KeyOrigin
    enabled: bool
    created_at: datetime | None
    last_used_at: datetime | None
    requests_total: int


class NewApiKey(msgspec.Struct, frozen=True):
    """An API key that was just made: the only time that it is told.

    Attributes:
        name: whose it is.
        key: what the client sends. Only its SHA-256 is kept.
    """

    name: str
    key: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"NewApiKey(name={self.name!r}, key='…')"


class GatewayStats(msgspec.Struct, frozen=True):
    """The gateway as a whole.

    Attributes:
        traffic: everything that came in, unmatched paths and refused requests included.
        routes, upstreams: how many there are.
        breakers_closed, breakers_half_open, breakers_open: upstreams by state.
        breaker_trips_total: how often one opened.
        refused_total: requests refused for their form (400, 408, 413, 414, 431).
        connections_open: of clients, now; connections_total: since the start.
    """

    traffic: Traffic
    routes: int
    upstreams: int
    breakers_closed: int
    breakers_half_open: int
    breakers_open: int
    breaker_trips_total: int
    refused_total: int
    connections_open: int
    connections_total: int


class WorkerState(StrEnum):
    """Where a worker process is in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    GONE = "gone"


class WorkerStats(msgspec.Struct, frozen=True):
    """A process that serves clients for the gateway.

    Attributes:
        worker: its number, from 0; pid: its process.
        state: where it is in its life; uptime_s: for how long it has lived.
        requests_total: answered by it; connections_open: of clients, now.
    """

    worker: int
    pid: int
    state: WorkerState
    uptime_s: float
    requests_total: int
    connections_open: int


class GatewayReport(msgspec.Struct, frozen=True):
    """What the dashboard shows of the gateway.

    Attributes:
        listening: `http://host:port`; empty where it does not listen, with the reason in `trouble`.
        stats: the whole.
        routes: the busiest, at most 200; `stats.routes` tells how many there are.
        upstreams: those with trouble first, at most 200.
    """

    listening: str
    trouble: str
    stats: GatewayStats
    routes: tuple[RouteStats, ...]
    upstreams: tuple[UpstreamStats, ...]


class TestAnswer(msgspec.Struct, frozen=True):
    """The answer to a test request that really went through the gateway.

    Attributes:
        status: of the answer; duration_ms: until its last byte; size_bytes: of its body.
        request_id: as the access log has it.
        match: the path pattern of the route it took; empty where none matched.
        upstream: who answered; empty where the gateway did.
        headers: of the answer, in order.
        body: its beginning, at most 4 KiB.
    """

    __test__ = False  # not a test, whatever its name

    status: int
    duration_ms: float
    size_bytes: int
    request_id: str
    match: str
    upstream: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
