"""The contract of the gateway: routes, limits, breakers, and what they measured.

Refuses to import anything that opens a socket: clients, commands and help read this file alone.
"""

from __future__ import annotations

from typing import Annotated, Protocol

import msgspec

from abi_engine.core.errors import AbiError, AlreadyExists, Category, InvalidArguments, NotFound
from abi_engine.core.operation import operation
from abi_engine.features.gateway.reports import (
    ApiKeyStats,
    GatewayReport,
    GatewayStats,
    KeyOrigin,
    Latency,
    LatencyBar,
    LimitStats,
    Match,
    NewApiKey,
    RouteDetail,
    RouteOrigin,
    RoutePage,
    RouteSort,
    RouteStats,
    TestAnswer,
    Traffic,
    UpstreamStats,
    WorkerState,
    WorkerStats,
)
from abi_engine.features.gateway.route import (
    AuthScheme,
    Balance,
    Concurrency,
    Cors,
    HeaderRules,
    HealthCheck,
    LimitBy,
    Retries,
    Route,
    RouteAuth,
    RouteLimit,
    Seconds,
    Timeouts,
    UpstreamTls,
)
from abi_engine.runtime.breaker import BreakerState
from abi_engine.runtime.limiter import RateDecision

__all__ = [
    "ApiKeyStats",
    "AuthScheme",
    "Balance",
    "Concurrency",
    "Cors",
    "GatewayApi",
    "GatewayNotListening",
    "GatewayReport",
    "GatewayStats",
    "HeaderRules",
    "HealthCheck",
    "InvalidRoute",
    "KeyExists",
    "KeyNotFound",
    "KeyOrigin",
    "Latency",
    "LatencyBar",
    "Limit",
    "LimitBy",
    "LimitStats",
    "Match",
    "NewApiKey",
    "Offset",
    "Retries",
    "Route",
    "RouteAuth",
    "RouteDetail",
    "RouteExists",
    "RouteLimit",
    "RouteNotFound",
    "RouteOrigin",
    "RoutePage",
    "RouteSort",
    "RouteStats",
    "Seconds",
    "TestAnswer",
    "Timeouts",
    "TooManyRoutes",
    "Traffic",
    "UpstreamNotFound",
    "UpstreamStats",
    "UpstreamTls",
    "WorkerState",
    "WorkerStats",
]

Limit = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
Offset = Annotated[int, msgspec.Meta(ge=0)]


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


class KeyExists(AlreadyExists):
    """An API key of that name is there already."""

    code = "key_exists"


class KeyNotFound(NotFound):
    """No API key has that name."""

    code = "key_not_found"


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
        """The routes as they were given, by path; values of header rules are `<hidden>`."""
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
        """Everything known of one route but the values of its header rules.

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

    @operation
    def api_keys(self) -> tuple[ApiKeyStats, ...]:
        """The API keys by name, and what they were used for; never the keys themselves."""
        ...

    @operation
    def add_api_key(self, name: str) -> NewApiKey:
        """Make an API key: 32 random bytes, of which only the SHA-256 is kept.

        This answer is the only place where the key is ever told. It opens routes from the moment
        this returns, and is durable then in an engine with a data directory: its digest is in
        `keys.toml`, synced.

        Args:
            name: whose it is: up to 64 letters, digits, `.`, `_` and `-`.

        Raises:
            KeyExists: there is one of that name.
            InvalidArguments: the name has another form.
        """
        ...

    @operation
    def remove_api_key(self, name: str) -> bool:
        """Remove an API key, and tell whether there was one; no request gets in with it any more.

        One that was made at run time is gone for good on return; one from the configuration comes
        back with the next start, or when the configuration is read again.
        """
        ...

    @operation(safe=True)
    def stats(self) -> GatewayStats:
        """The gateway as a whole; cheap at ten calls a second under load."""
        ...

    @operation(safe=True)
    def workers(self) -> tuple[WorkerStats, ...]:
        """The processes that serve clients, by number; none where the engine's own does.

        What they counted is a quarter of a second old at most.
        """
        ...

    @operation
    def send_test_request(
        self,
        path: str,
        method: str = "GET",
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout: Seconds = 10.0,
    ) -> TestAnswer:
        """Send a real request through the gateway's own listener and return the answer.

        Args:
            path: with its query, as it goes out.
            method: as it goes out.
            headers: names and values, in order; their values are never logged or repeated.
            timeout: seconds for all of it.

        Raises:
            GatewayNotListening: this engine has no listener.
            InvalidArguments: a path, a method or a header that cannot be sent, or a header that
                would frame the request another way.
            TimedOut: no answer within `timeout` seconds.
        """
        ...
