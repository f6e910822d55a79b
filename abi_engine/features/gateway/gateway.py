"""The gateway: the library plane for every interface, and the proxy where it listens."""

from __future__ import annotations

import sys
from functools import partial
from random import Random
from secrets import token_bytes
from typing import Final

from abi_engine.core.errors import InvalidArguments
from abi_engine.core.feature import Context, Feature, State
from abi_engine.core.sample import Family
from abi_engine.core.text import safe
from abi_engine.features.gateway import listing
from abi_engine.features.gateway.admitter import RouteAdmitter
from abi_engine.features.gateway.api import (
    ApiKeyStats,
    GatewayApi,
    GatewayReport,
    GatewayStats,
    InvalidRoute,
    LimitStats,
    Match,
    NewApiKey,
    Route,
    RouteDetail,
    RoutePage,
    RouteSort,
    TestAnswer,
    UpstreamNotFound,
    UpstreamStats,
    WorkerStats,
)
from abi_engine.features.gateway.arguments import (
    check_method,
    check_seconds,
    check_switch,
    check_text,
    check_window,
    choice,
)
from abi_engine.features.gateway.breaker_events import tell_transition
from abi_engine.features.gateway.checks import Checks, tell_health
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.key_file import KeyFile
from abi_engine.features.gateway.keys import KeyRing, check_distinct, check_name
from abi_engine.features.gateway.latencies import latency_bars
from abi_engine.features.gateway.listening import Listening
from abi_engine.features.gateway.metrics import Metrics, Sources
from abi_engine.features.gateway.outward import Outward
from abi_engine.features.gateway.paths import BadTarget, split_target
from abi_engine.features.gateway.route_book import RouteBook, not_found
from abi_engine.features.gateway.route_file import RouteFile
from abi_engine.features.gateway.route_rules import Listener
from abi_engine.features.gateway.table import Resolved, RouteTable
from abi_engine.features.gateway.tls_contexts import TlsContexts
from abi_engine.features.gateway.traces import Traces
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.features.gateway.upstreams import Upstream, Upstreams, parse_upstream
from abi_engine.features.gateway.workers.library import Library
from abi_engine.runtime.breaker import BreakerState
from abi_engine.runtime.limiter import RateDecision

REPORT_ROWS: Final = 200
TRACE_TIMEOUT: Final = 1.0
RELOADABLE: Final = frozenset(
    (
        "access_log_format",
        "access_log_keep",
        "access_log_size",
        "breaker",
        "dns_refresh",
        "drain_timeout",
        "keys",
        "limits",
        "linger",
        "max_routes",
        "pool_idle",
        "pool_size",
        "routes",
        "tls",
        "trace_context",
        "trust_forwarded",
    )
)


class Gateway(Feature, GatewayApi):
    """Implements `GatewayApi`.

    Args:
        config: see `GatewayConfig`.
        context: what the engine gives; with a data directory, routes added at run time last.
    """

    reloadable = RELOADABLE

    def __init__(self, config: GatewayConfig, context: Context) -> None:
        super().__init__(context)
        self.config = config
        clock, events = context.clock, context.events
        random = Random()  # noqa: S311 - jitter is no secret
        file = RouteFile(context.data_dir) if context.data_dir is not None else None
        self._table = RouteTable()
        checks = Checks(clock, partial(tell_health, events))
        self._outward = outward = Outward(checks=checks, contexts=TlsContexts())
        told = partial(tell_transition, events)
        self._upstreams = Upstreams(config.breaker, clock, random, told, checks)
        self._book = RouteBook(
            self._table,
            self._upstreams,
            config.max_routes,
            clock,
            events,
            file,
            outward.contexts,
        )
        self._traffic = TrafficCounts(clock)
        self._metrics = Metrics()
        self._traces = Traces()
        keys = KeyFile(context.data_dir) if context.data_dir is not None else None
        self._keys = KeyRing(clock, events, keys, token_bytes)
        self._admitter = RouteAdmitter(
            self._table, self._traffic, self._traces, config.breaker.reset_timeout, self._keys
        )
        self._listing = listing.Listing(self._table, clock)
        self._loaded = False
        library = Library(
            self._table, self._upstreams, self._traffic, self._traces, self._keys, self._admitter
        )
        self._listening = Listening(config, self._admitter, context, outward, library)

    # Routes.

    def add_route(self, route: Route) -> None:
        self._book.add(route)
        self._keys.expect(route)
        self._listening.sync()

    def remove_route(self, path: str, method: str | None = None) -> bool:
        check_text("path", path)
        check_method(method)
        was_there = self._book.remove(path, method)
        self._listening.sync()
        return was_there

    def set_route_enabled(self, path: str, method: str | None, enabled: bool) -> None:
        check_text("path", path)
        check_method(method)
        check_switch("enabled", enabled)
        self._book.set_enabled(path, method, enabled)
        self._listening.sync()

    def routes(self, *, limit: int = 1000, offset: int = 0) -> tuple[Route, ...]:
        check_window(limit, offset)
        return tuple(live.told for live in self._table.all()[offset : offset + limit])

    def route_stats(
        self,
        *,
        sort: RouteSort = RouteSort.PATH,
        limit: int = 1000,
        offset: int = 0,
        filter: str = "",  # noqa: A002 - the contract's word
    ) -> RoutePage:
        check_window(limit, offset)
        check_text("filter", filter)
        return self._listing.page(choice("sort", sort, RouteSort), limit, offset, filter)

    def route_detail(self, path: str, method: str | None = None) -> RouteDetail:
        check_text("path", path)
        check_method(method)
        live = self._table.get(path, method)
        if live is None:
            raise not_found(path, method)
        upstreams = dict.fromkeys(target.upstream for target in live.targets)
        return RouteDetail(
            stats=listing.route_stats(live),
            route=live.told,
            upstreams=tuple(self._upstream_stats(one) for one in upstreams),
            latency_bars=latency_bars(live.traffic.recent()),
        )

    def match_route(self, path: str, method: str = "GET") -> Match | None:
        try:
            found = self._table.find(path, method)
        except (BadTarget, TypeError):  # not looked for above: most calls are right
            found = self._find(path, method)
        live = found.live
        if live is None:
            return None
        return Match(live.told, found.params.copy(), found.tail, found.path)

    # Limits.

    def check_rate_limit(self, route: str, client: str) -> RateDecision:
        if not (isinstance(route, str) and isinstance(client, str)):
            check_text("route", route)  # which says what is wrong
            check_text("client", client)
        live = self._table.get(route)
        if live is None:
            raise not_found(route, None)
        gate = live.gate
        if gate is None:
            return RateDecision(True, sys.maxsize, 0.0)
        return gate.check(gate.key_of_client(client))

    def limits(self, *, limit: int = 1000, offset: int = 0) -> tuple[LimitStats, ...]:
        check_window(limit, offset)
        return self._listing.limits(limit, offset)

    # Breakers.

    def record_upstream_result(self, upstream: str, ok: bool, latency: float = 0.0) -> None:
        check_switch("ok", ok)
        check_seconds("latency", latency, zero=True)
        self._upstream(upstream).breaker.record(ok, latency)

    def breakers(self) -> tuple[UpstreamStats, ...]:
        return tuple(self._upstream_stats(one) for one in listing.by_trouble(self._upstreams.all()))

    def breaker_state(self, upstream: str) -> BreakerState:
        return self._upstream(upstream).breaker.state

    def reset_breaker(self, upstream: str) -> None:
        self._upstream(upstream).breaker.reset()
        self._listening.sync()

    def force_breaker(self, upstream: str, state: BreakerState | None) -> None:
        self._upstream(upstream).breaker.force(
            None if state is None else choice("state", state, BreakerState)
        )
        self._listening.sync()

    # Keys.

    def api_keys(self) -> tuple[ApiKeyStats, ...]:
        return tuple(key.stats() for key in self._keys.all())

    def add_api_key(self, name: str) -> NewApiKey:
        new = self._keys.add(name)
        self._listening.sync()
        return new

    def remove_api_key(self, name: str) -> bool:
        check_name(name)
        was_there = self._keys.remove(name)
        self._listening.sync()
        return was_there

    # The whole.

    def stats(self) -> GatewayStats:
        states = [one.breaker.state for one in self._upstreams.all()]
        admitter = self._admitter
        return GatewayStats(
            traffic=self._traffic.snapshot(),
            routes=len(self._table),
            upstreams=len(states),
            breakers_closed=states.count(BreakerState.CLOSED),
            breakers_half_open=states.count(BreakerState.HALF_OPEN),
            breakers_open=states.count(BreakerState.OPEN),
            breaker_trips_total=self._upstreams.trips,
            refused_total=admitter.refused_total,
            connections_open=admitter.connections_open,
            connections_total=admitter.connections_total,
        )

    def workers(self) -> tuple[WorkerStats, ...]:
        return self._listening.workers()

    def send_test_request(
        self,
        path: str,
        method: str = "GET",
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout: float = 10.0,
    ) -> TestAnswer:
        check_text("path", path)
        check_text("method", method)
        check_seconds("timeout", timeout)
        from abi_engine.features.gateway import own_request  # an HTTP client, for this alone

        address = self._listening.own_address(self.state.value)
        request = own_request.OwnRequest(method, path, own_request.checked(headers))
        with (
            self._traces.open() as (request_id, trace),
            self._listening.following(request_id, trace),
        ):
            answer = own_request.send(
                address,
                request,
                request_id,
                timeout,
                self.context.clock,
                secure=self._listening.is_secure,
            )
            trace.over.wait(TRACE_TIMEOUT)
        return own_request.told(answer, trace)

    def report(self) -> GatewayReport:
        busiest = self._listing.order(RouteSort.RATE)[:REPORT_ROWS]
        upstreams = listing.by_trouble(self._upstreams.all())[:REPORT_ROWS]
        return GatewayReport(
            listening=self._listening.url,
            trouble=self._listening.why_not(),
            stats=self.stats(),
            routes=tuple(listing.route_stats(live) for live in busiest),
            upstreams=tuple(self._upstream_stats(one) for one in upstreams),
        )

    def metrics(self) -> tuple[Family, ...]:
        return self._metrics.families(
            Sources(
                self.stats(),
                self._traffic,
                self._table.all(),
                self._upstreams.all(),
                self._listening.connections,
                self._listening.log_lost,
                self.api_keys(),
            )
        )

    # Its life.

    def _open(self) -> None:
        config, context = self.config, self.context
        if config.listen and (context.listening or context.data_dir is not None):
            # An embedded engine's routes last as well, and are served later.
            self._book.listener = Listener(config.host, config.port)
        if not self._loaded:
            self._keys.load(config.keys)
            self._book.load(config.routes)
            for live in self._table.all():
                self._keys.expect(live.route)
            self._loaded = True
        self._listening.start()
        address = self._listening.address
        if address is not None:
            self._book.listener = Listener(config.host, address[1])

    def _close(self, deadline: float) -> None:
        self._listening.stop(deadline)

    def _reconfigure(self, config: GatewayConfig) -> None:
        check_distinct(config.keys)
        apply = self._listening.reload(config)
        with self._outward.contexts.renewal():
            self._book.reload(config.routes, config.max_routes)
        # From here on nothing fails: who is too busy to go on with it now is said, and comes to it.
        self.config = config
        self._keys.configure(config.keys)
        for live in self._table.all():
            self._keys.expect(live.route)
        self._upstreams.reconfigure(config.breaker)
        self._admitter.reset_timeout = config.breaker.reset_timeout
        apply()
        self._listening.sync()

    def _probe(self) -> tuple[bool, str]:
        if self.state is not State.RUNNING:
            return False, self.state.value
        return self._listening.probe()

    def _find(self, path: str, method: str) -> Resolved:
        """The same again, with what is wrong in words, and the query of a whole target cut off."""
        check_text("path", path)
        check_text("method", method)
        try:
            return self._table.find(split_target(path)[0], method)
        except BadTarget as error:
            raise InvalidArguments(f"path = '{safe(path, limit=200)}': {error.reason}") from error

    def _upstream(self, name: str) -> Upstream:
        check_text("upstream", name)
        found = self._upstreams.get(name)
        if found is None:
            try:
                found = self._upstreams.get(parse_upstream(name).name)
            except InvalidRoute:
                found = None
        if found is None:
            raise UpstreamNotFound(
                f"no route uses the upstream '{safe(name, limit=200)}'",
                hint="abi gateway breakers lists them",
            )
        return found

    def _upstream_stats(self, upstream: Upstream) -> UpstreamStats:
        return listing.upstream_stats(upstream, self._listening, self.context.clock)
