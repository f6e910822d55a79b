"""The contract of the gateway: routes, limits, breakers, and what they measured.

Refuses to import anything that opens a socket: clients, commands and help read this file alone.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Protocol

import msgspec

from abi_engine.core.errors import AbiError, AlreadyExists, Category, InvalidArguments, NotFound
from abi_engine.core.operation import operation
from abi_engine.runtime.breaker import BreakerReport, BreakerState
from abi_engine.runtime.limiter import LimitSettings, RateDecision

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Offset = Annotated[int, msgspec.Meta(ge=0)]


class Balance(StrEnum):
    """How an upstream is chosen among those whose breaker lets requests through."""

    ROUND_ROBIN = "round_robin"
    LEAST_IN_FLIGHT = "least_in_flight"
    WEIGHTED = "weighted"
    CONSISTENT_HASH = "consistent_hash"


class LimitBy(StrEnum):
    """Whose requests are counted together."""

    ADDRESS = "address"
    HEADER = "header"
    ROUTE = "route"


class RouteLimit(LimitSettings, frozen=True, forbid_unknown_fields=True):
    """A limit of a route.

    Attributes:
        by: whose requests are counted together: one client address, one value of a header, all.
        header: the header's name, where `by` is `header`; a request without it counts by address.
        enabled: false means no limit, which TOML cannot say with a missing value.
    """

    by: LimitBy = LimitBy.ADDRESS
    header: str = ""
    enabled: bool = True


class Timeouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a request may take, in seconds.

    Attributes:
        connect: until the connection to the upstream stands.
        first_byte: from the end of the request until the response begins.
        idle: without a byte either way, once bodies flow.
        total: from the first byte of the request to the last of the response.
    """

    connect: Seconds = 5.0
    first_byte: Seconds = 30.0
    idle: Seconds = 60.0
    total: Seconds = 300.0


class HeaderRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done to the headers of a message: first `remove`, then `set`, then `add`."""

    set: dict[str, str] = {}
    add: dict[str, str] = {}
    remove: tuple[str, ...] = ()


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where requests go.

    Attributes:
        path: `/static`, `/users/{id}` or `/files/*`; `*` stands for the rest, and comes last.
        upstreams: `http://host:port[/prefix]`, from 1 to 64.
        methods: upper case; empty means any method. A route for GET answers HEAD too, unless HEAD
            has one of its own; one for a method wins over one for any on the same path.
        weights: one for each upstream, where `balance` is `weighted`.
        balance: how an upstream is chosen.
        hash_header: what `consistent_hash` hashes; empty means the client's address.
        strip_prefix: whole segments taken off the front of the path before it is forwarded.
        limit: None means no limit (in TOML: `limit.enabled = false`).
        timeouts: how long things may take.
        max_body: largest request body in bytes; 0 means none may be sent.
        preserve_host: forward the client's `Host` instead of the upstream's own.
        request_headers, response_headers: rules for headers.
        enabled: a disabled route answers 503.
    """

    path: str
    upstreams: tuple[str, ...]
    methods: tuple[str, ...] = ()
    weights: tuple[Annotated[int, msgspec.Meta(ge=1, le=10_000)], ...] = ()
    balance: Balance = Balance.ROUND_ROBIN
    hash_header: str = ""
    strip_prefix: str = ""
    limit: RouteLimit | None = RouteLimit()
    timeouts: Timeouts = Timeouts()
    max_body: Annotated[int, msgspec.Meta(ge=0, le=1 << 60)] = 2 << 30
    preserve_host: bool = False
    request_headers: HeaderRules = HeaderRules()
    response_headers: HeaderRules = HeaderRules()
    enabled: bool = True


class RouteOrigin(StrEnum):
    """Where a route comes from: the configuration, or a call while the engine ran."""

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
        upstreams: how many; upstreams_ok: how many of them have a closed breaker.
        breaker: the worst state among them.
        limit: a few words such as `token 100/s`; empty where there is none.
        origin: configuration or run time; enabled: whether it answers.
        traffic: what went through it.
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
        upstream: `http://host:port`, its name.
        breaker: see `BreakerReport`.
        traffic: what went to it.
        connections_idle, connections_busy: open to it.
        routes: how many routes use it.
        last_error: the last thing that failed, in words; empty if nothing did.
    """

    upstream: str
    breaker: BreakerReport
    traffic: Traffic
    connections_idle: int
    connections_busy: int
    routes: int
    last_error: str = ""


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


class InvalidRoute(InvalidArguments):
    """A route's pattern, upstream or rule is malformed, or conflicts with another route."""

    code = "invalid_route"


class RouteExists(AlreadyExists):
    """A route with that path and method is there already."""

    code = "route_exists"


class RouteNotFound(NotFound):
    """No route has that path and method."""

    code = "route_not_found"


class UpstreamNotFound(NotFound):
    """No route uses that upstream."""

    code = "upstream_not_found"


class TooManyRoutes(AbiError):
    """`max_routes` are there already."""

    code = "too_many_routes"
    category = Category.CONFIG


class GatewayNotListening(AbiError):
    """The gateway has no listener in this engine, so no request can go through it."""

    code = "gateway_not_listening"
    category = Category.NETWORK


class GatewayApi(Protocol):
    """An API gateway. Any thread may call it; nothing here waits for an upstream but
    `send_test_request`.
    """

    @operation
    def add_route(self, route: Route) -> None:
        """Add a route; requests find it from the moment this returns.

        Durable on return in an engine with a data directory: the route is in its `routes.toml`,
        synced.

        Raises:
            InvalidRoute: the pattern, an upstream or a rule is malformed.
            RouteExists: the path has a route for one of its methods.
            TooManyRoutes: `max_routes` are there.
        """
        ...

    @operation
    def remove_route(self, path: str, method: str | None = None) -> bool:
        """Remove the route of `path` for `method`, or all of them; tell whether there was one.

        A route with several methods loses the one and keeps the others; `*` as a method is the
        route for any. Every other match stays as it is. A route added at run time is gone for good
        on return; one from the configuration comes back with the next start.
        """
        ...

    @operation
    def set_route_enabled(self, path: str, method: str | None, enabled: bool) -> None:
        """Switch a route off (it answers 503) or on again, until the engine stops.

        Raises:
            RouteNotFound: there is no such route.
        """
        ...

    @operation(safe=True)
    def routes(self, *, limit: Limit = 1000, offset: Offset = 0) -> tuple[Route, ...]:
        """The routes as they were given, by path."""
        ...

    @operation(safe=True)
    def route_stats(
        self,
        *,
        sort: RouteSort = RouteSort.PATH,
        limit: Limit = 1000,
        offset: Offset = 0,
        filter: str = "",  # noqa: A002 - the word for it; shadows nothing in a Protocol
    ) -> RoutePage:
        """A window of the routes with what went through them.

        Args:
            sort: the order.
            limit: how many rows.
            offset: how many to pass over.
            filter: letters that occur in the path in this order; `!` in front: that do not.
        """
        ...

    @operation(safe=True)
    def route_detail(self, path: str, method: str | None = None) -> RouteDetail:
        """Everything known of one route.

        Raises:
            RouteNotFound: there is no such route.
        """
        ...

    @operation(safe=True)
    def match_route(self, path: str, method: str = "GET") -> Match | None:
        """The route that a request would take, or None; counts nothing.

        Static segments win over `{params}`, which win over `*`; of the patterns that match, the
        first that has the method wins. The path is normalised first, a query is cut off.

        Raises:
            InvalidArguments: the path cannot be normalised.
        """
        ...

    @operation
    def check_rate_limit(self, route: str, client: str) -> RateDecision:
        """Count one request of `client` on the route with the path `route`.

        A route without a limit always allows, and says that the largest number there is remains.
        A path with several routes uses the first by method.

        Raises:
            RouteNotFound: there is no such route.
        """
        ...

    @operation(safe=True)
    def limits(self, *, limit: Limit = 1000, offset: Offset = 0) -> tuple[LimitStats, ...]:
        """The limits at work, those that refuse most first."""
        ...

    @operation
    def record_upstream_result(self, upstream: str, ok: bool, latency: float = 0.0) -> None:
        """Tell an upstream's breaker of a call of `latency` seconds made elsewhere.

        Raises:
            UpstreamNotFound: no route uses it.
        """
        ...

    @operation(safe=True)
    def breakers(self) -> tuple[UpstreamStats, ...]:
        """Every upstream with its breaker, those with trouble first."""
        ...

    @operation(safe=True)
    def breaker_state(self, upstream: str) -> BreakerState:
        """The state of an upstream's breaker.

        Raises:
            UpstreamNotFound: no route uses it.
        """
        ...

    @operation
    def reset_breaker(self, upstream: str) -> None:
        """Close a breaker, forget its counts, and release it if it was held.

        Raises:
            UpstreamNotFound: no route uses it.
        """
        ...

    @operation
    def force_breaker(self, upstream: str, state: BreakerState | None) -> None:
        """Hold a breaker open or closed until it is released with None or reset.

        Raises:
            UpstreamNotFound: no route uses it.
            InvalidArguments: it cannot be held half open.
        """
        ...

    @operation(safe=True)
    def stats(self) -> GatewayStats:
        """The gateway as a whole; cheap at ten calls a second under load."""
        ...

    @operation
    def send_test_request(
        self, path: str, method: str = "GET", *, timeout: Seconds = 10.0
    ) -> TestAnswer:
        """Send a real request through the gateway's own listener and return the answer.

        Raises:
            GatewayNotListening: this engine has no listener.
            TimedOut: no answer within `timeout` seconds.
        """
        ...
