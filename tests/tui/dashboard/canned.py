"""An engine that stands still: reports made by hand, and a record of what was asked of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from threading import Event as Flag
from typing import Any

import msgspec

from abi_engine.config import Setting
from abi_engine.core.broadcast import Broadcast
from abi_engine.core.errors import AbiError, NotFound, Severity
from abi_engine.core.events import Event
from abi_engine.core.feature import Health, State
from abi_engine.core.stream import Stream
from abi_engine.features.gateway.api import (
    ApiKeyStats,
    GatewayReport,
    GatewayStats,
    KeyOrigin,
    Latency,
    LatencyBar,
    LimitStats,
    Route,
    RouteDetail,
    RouteLimit,
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
from abi_engine.runtime.breaker import BreakerReport, BreakerState, Transition
from abi_engine.runtime.limiter import RateDecision
from abi_engine.system import EngineStatus, FeatureStatus, LogLine, Report
from abi_tui.views.window import route_page

NOW = datetime(2026, 11, 22, 12, 4, 41, tzinfo=UTC)
UP_S = 761.0
UPSTREAMS = ("http://127.0.0.1:9001", "http://127.0.0.1:9002", "http://127.0.0.1:9003")
ENDINGS = ("{id}", "list", "*", "stats", "events", "bulk")
PARTS = ("users", "items", "orders", "search")


def paths(count: int = 24) -> list[str]:
    """Paths as a shop has them."""
    found = [f"/{part}/{ending}" for part in PARTS for ending in ENDINGS]
    found += [f"/part{index}/{{id}}" for index in range(count - len(found))]
    return found[:count]


def state_of(path: str) -> BreakerState:
    """Two routes are in trouble."""
    states = {"/items/list": BreakerState.OPEN, "/orders/list": BreakerState.HALF_OPEN}
    return states.get(path, BreakerState.CLOSED)


def route_stats(path: str, index: int, at: datetime = NOW) -> RouteStats:
    """One route, its figures made from its place in the list."""
    rate = 18.0 + 37 * (index * 7 % 13) % 127
    p50 = 1.2 + (index * 5 % 11) * 0.9
    errors = 12.5 if path == "/items/list" else 0.1 * (index % 2)
    traffic = Traffic(
        requests_total=int(rate * UP_S),
        status_2xx_total=int(rate * UP_S * 0.97),
        status_4xx_total=int(rate * 9),
        status_5xx_total=int(rate * errors),
        in_flight=index % 3,
        limited_total=index * 13,
        errors_total=int(rate * errors),
        rate_per_s=rate,
        error_percent=errors,
        limited_per_s=0.4 * (index % 2),
        latency=Latency(p50, p50 * 2.4, p50 * 4.4, p50 * 9.1),
        last_hit_at=at - timedelta(seconds=index % 5 + 0.4),
    )
    several = index % 6 == 5
    return RouteStats(
        path=path,
        methods=("GET",) if path.endswith("bulk") else (),
        upstreams=3 if several else 1,
        upstreams_ok=3 if several else int(state_of(path) is BreakerState.CLOSED),
        breaker=state_of(path),
        limit="token 100/s" if index % 4 else "sliding 40/s",
        origin=RouteOrigin.CONFIG,
        enabled=path != "/search/bulk",
        traffic=traffic,
    )


def upstream_stats(index: int, at: datetime = NOW) -> UpstreamStats:
    """One upstream: the first is well, the second open, the third half open."""
    states = (BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN)
    state = states[index]
    failures = (0, 5, 0)[index]
    changes = (
        None,
        Transition(
            at - timedelta(seconds=30), BreakerState.CLOSED, BreakerState.OPEN,
            "5 consecutive failures", 5, 48,
        ),
        Transition(
            at - timedelta(seconds=2), BreakerState.OPEN, BreakerState.HALF_OPEN,
            "reset after 8 s", 0, 0,
        ),
    )  # fmt: skip
    breaker = BreakerReport(
        state=state,
        forced=False,
        in_state_s=(UP_S, 30.0, 2.0)[index],
        failures=failures,
        failure_threshold=5,
        window_failures=failures,
        window_calls=(4102, 48, 12)[index],
        refused_total=(0, 1204, 310)[index],
        trips_total=(0, 7, 3)[index],
        trials_in_flight=(0, 0, 1)[index],
        trials_left=(0, 0, 2)[index],
        next_try_in_s=(None, 3.2, None)[index],
        last=changes[index],
    )
    return UpstreamStats(
        upstream=UPSTREAMS[index],
        breaker=breaker,
        traffic=route_stats(f"/upstream{index}", index, at).traffic,
        connections_idle=3 - index,
        connections_busy=index,
        routes=24 - index,
        last_error=("", "connection refused", "no answer within 2 s")[index],
        addresses=(f"127.0.0.1:900{index + 1}",),
        healthy=(True, False, None)[index],
        check_error=("", "GET /health: connection refused", "")[index],
        check_age_s=(1.5, 0.5, None)[index],
    )


def gateway_report(at: datetime = NOW, *, routes: int = 24, wave: float = 0.0) -> GatewayReport:
    """The gateway with `routes` routes; `wave` moves its figures."""
    rows = tuple(route_stats(path, index, at) for index, path in enumerate(paths(routes)))
    rate = 1117.0 + 240 * math.sin(wave / 9)
    p99 = 34.0 + 12 * math.sin(wave / 5 + 1)
    traffic = Traffic(
        requests_total=812_344,
        status_2xx_total=790_101,
        status_4xx_total=14_002,
        status_5xx_total=8_241,
        in_flight=14,
        limited_total=1_204,
        errors_total=8_241,
        rate_per_s=rate,
        error_percent=max(0.9 + 1.4 * math.sin(wave / 7), 0.1),
        limited_per_s=max(3.1 + 3 * math.sin(wave / 4), 0.0),
        latency=Latency(3.1, 12.0, p99, 88.0),
        last_hit_at=at,
    )
    half = 1 if int(wave) % 40 > 6 else 0
    stats = GatewayStats(
        traffic=traffic,
        routes=routes,
        upstreams=3,
        breakers_closed=2 - half,
        breakers_half_open=half,
        breakers_open=1,
        breaker_trips_total=10,
        refused_total=7,
        connections_open=52,
        connections_total=9_120,
    )
    upstreams = tuple(upstream_stats(index, at) for index in (1, 2, 0))
    return GatewayReport("http://127.0.0.1:8080", "", stats, rows[:200], upstreams)


def events(at: datetime = NOW) -> tuple[Event, ...]:
    """What happened, newest first."""
    told = (
        (2, "gateway", "breaker_half_open", "breaker http://127.0.0.1:9003  open → half open", 0),
        (30, "gateway", "breaker_opened",
         "breaker http://127.0.0.1:9002  closed → open  5 consecutive failures", 1),
        (39, "gateway", "upstream_failed", "http://127.0.0.1:9003: no answer within 2 s", 1),
        (61, "gateway", "limited", "/users/list: 12 requests over token 100/s refused", 0),
        (70, "engine", "client_attached", "a dashboard attached (pid 4243)", 0),
        (101, "gateway", "route_added", "route /search/bulk added", 0),
        (760, "gateway", "listening", "listening on http://127.0.0.1:8080", 0),
        (761, "engine", "started", "engine 0.1.0 started", 0),
    )  # fmt: skip
    return tuple(
        Event(
            len(told) - index, at - timedelta(seconds=ago), source, kind, message,
            severity=Severity.WARNING if bad else Severity.INFO,
        )
        for index, (ago, source, kind, message, bad) in enumerate(told)
    )  # fmt: skip


def engine_status(
    at: datetime = NOW, *, trouble: tuple[str, ...] = (), on: bool = True
) -> EngineStatus:
    """An engine that has been up for twelve minutes."""
    health = Health(True, "listening on http://127.0.0.1:8080", at, 3.0) if on else None
    feature = FeatureStatus(
        "gateway",
        "API gateway: radix routing, rate limits, breakers, a reverse proxy",
        on,
        True,
        State.RUNNING if on else State.CREATED,
        health,
    )
    return EngineStatus(
        state=State.RUNNING,
        version="0.1.0",
        python="3.11.7",
        pid=4242,
        started_at=at - timedelta(seconds=UP_S),
        uptime_s=UP_S,
        data_dir="/var/lib/abi",
        socket="/run/user/1000/abi/c0ffee.sock",
        admin="http://127.0.0.1:9090",
        memory_bytes=48 << 20,
        threads=9,
        cpu_s=12.4,
        features=(feature,),
        trouble=trouble,
    )


def report(number: int = 900, at: datetime = NOW, *, gateway: GatewayReport | None = None,
           trouble: tuple[str, ...] = (), on: bool = True,
           told: tuple[Event, ...] | None = None) -> Report:  # fmt: skip
    """A whole report; with `on=False` the gateway does not run."""
    made = gateway or gateway_report(at, wave=number)
    features = {"gateway": msgspec.Raw(msgspec.msgpack.encode(made))} if on else {}
    status = engine_status(at, trouble=trouble, on=on)
    return Report(number, at, status, features, events(at) if told is None else told)


def empty_report() -> Report:
    """An engine that has just started: no routes, no events."""
    stats = GatewayStats(Traffic(), 0, 0, 0, 0, 0, 0, 0, 0, 0)
    gateway = GatewayReport("http://127.0.0.1:8080", "", stats, (), ())
    return report(1, gateway=gateway, told=())


def past(count: int = 900, until: datetime = NOW) -> tuple[Report, ...]:
    """The ring: a report a second until a moment, oldest first."""
    return tuple(
        report(number, until - timedelta(seconds=count - number)) for number in range(1, count + 1)
    )


class CannedSystem:
    """`SystemApi` of a canned engine."""

    def __init__(self, engine: CannedEngine) -> None:
        self._engine = engine

    def report(self, *, at: float | None = None) -> Report:
        """Now, or the newest kept report that is not younger."""
        self._engine.record("report", at)
        if at is None:
            return self._engine.now
        found = [kept for kept in self._engine.kept if kept.at.timestamp() <= at]
        if not found:
            raise NotFound(f"no report as old as {at} is kept", hint="the ring holds 900 s")
        return found[-1]

    def reports(self, *, since: int = 0, limit: int = 900) -> Stream[Report]:
        """Kept reports above a number, oldest first."""
        found = [kept for kept in self._engine.kept if kept.number > since][:limit]
        return Stream(iter(found), lambda: None)

    def watch(self, *, interval: float = 1.0) -> Stream[Report]:
        """Those that the test sends."""
        self._engine.record("watch", interval)
        return self._engine.stream()

    def logs(self, *, limit: int = 200) -> tuple[LogLine, ...]:
        """Three lines, oldest first; none of an engine that has just started."""
        if not self._engine.now.events:
            return ()
        return (
            LogLine(NOW - timedelta(seconds=760), "info", "abi_engine.service", "listening on …"),
            LogLine(NOW - timedelta(seconds=30), "warning", "abi_engine.gateway", "breaker opened"),
            LogLine(NOW, "error", "abi_engine.gateway", "upstream refused the connection"),
        )

    def watch_logs(self) -> Stream[LogLine]:
        """Those that the test writes, until it is closed."""
        self._engine.record("watch_logs")
        return self._engine.log.watch()

    def settings(self) -> tuple[Setting, ...]:
        """A few."""
        return (
            Setting("engine.history", 900, 900, "default"),
            Setting("features.gateway", True, True, "default"),
            Setting("gateway.port", 8080, 8080, "default"),
            Setting("gateway.keys", [{"name": "mobile-app", "sha256": "<hidden>"}], [],
                    "file /etc/abi.toml:20"),
            Setting("gateway.breaker.reset_timeout", 8.0, 30.0, "file /etc/abi.toml:12"),
            Setting("service.admin_port", 9191, 9090, "environment ABI_SERVICE__ADMIN_PORT"),
        )  # fmt: skip

    def set_feature(self, name: str, enabled: bool) -> None:
        """Recorded."""
        self._engine.record("set_feature", name, enabled)


class CannedGateway:
    """`GatewayApi` of a canned engine."""

    def __init__(self, engine: CannedEngine) -> None:
        self._engine = engine

    def _report(self) -> GatewayReport:
        found = self._engine.now.of("gateway", GatewayReport)
        assert found is not None
        return found

    def route_stats(
        self, *, sort: RouteSort = RouteSort.PATH, limit: int = 1000, offset: int = 0,
        filter: str = "",  # noqa: A002 - as in the API
    ) -> RoutePage:  # fmt: skip
        """The window, cut from all the routes there are."""
        self._engine.record("route_stats", sort.value, limit, offset, filter)
        count = self._report().stats.routes
        rows = [route_stats(path, index) for index, path in enumerate(paths(count))]
        return route_page(rows, sort=sort, limit=limit, offset=offset, filter=filter)

    def route_detail(self, path: str, method: str | None = None) -> RouteDetail:
        """One route."""
        self._engine.record("route_detail", path, method)
        rows = {row.path: row for row in self._report().routes}
        if path not in rows:
            raise NotFound(f"no route '{path}'")
        chosen = upstream_stats(
            {BreakerState.OPEN: 1, BreakerState.HALF_OPEN: 2}.get(state_of(path), 0)
        )
        bars = tuple(
            LatencyBar(edge, count, share)
            for edge, count, share in (
                (1.0, 6100, 61.0), (5.0, 2700, 27.0), (25.0, 900, 9.0), (100.0, 200, 2.0),
                (None, 100, 1.0),
            )
        )  # fmt: skip
        route = Route(path, (chosen.upstream,))
        return RouteDetail(rows[path], route, (chosen,), bars)

    def limits(self, *, limit: int = 1000, offset: int = 0) -> tuple[LimitStats, ...]:
        """Three limits."""
        return tuple(
            LimitStats(path, (), RouteLimit(), 12 + index, 8_112, 204 - index * 90, 2.0 - index)
            for index, path in enumerate(("/users/list", "/items/list", "/orders/{id}"))
        )

    def api_keys(self) -> tuple[ApiKeyStats, ...]:
        """Three keys, one of which is off."""
        return tuple(
            ApiKeyStats(name, origin, name != "old", made, used, count)
            for name, origin, made, used, count in (
                ("ci", KeyOrigin.RUNTIME, NOW - timedelta(days=3), NOW, 8_112),
                ("mobile.app", KeyOrigin.CONFIG, None, NOW - timedelta(hours=2), 41),
                ("old", KeyOrigin.CONFIG, None, None, 0),
            )
        )

    def workers(self) -> tuple[WorkerStats, ...]:
        """Two workers, one of which begins."""
        return (
            WorkerStats(0, 4242, WorkerState.SERVING, 3_725.0, 81_204, 41),
            WorkerStats(1, 4343, WorkerState.STARTING, 0.2, 0, 0),
        )

    def check_rate_limit(self, route: str, client: str) -> RateDecision:
        """Allowed."""
        self._engine.record("check_rate_limit", route, client)
        return RateDecision(True, 41, 0.0)

    def send_test_request(
        self,
        path: str,
        method: str = "GET",
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout: float = 10.0,
    ) -> TestAnswer:
        """Answered by the first upstream."""
        self._engine.record("send_test_request", path, method)
        headers = (("content-type", "application/json"), ("via", "1.1 abi"))
        return TestAnswer(
            200, 4.2, 17, "0193-42", path, UPSTREAMS[0], headers, b'{"hello": "world"}'
        )

    def __getattr__(self, name: str) -> Callable[..., None]:
        """Whatever changes something is recorded."""

        def call(*args: object) -> None:
            self._engine.record(name, *args)
            if self._engine.refuse is not None:
                raise self._engine.refuse

        return call


class CannedEngine:
    """An `EngineApi` in this process: tests send its reports and read what it was asked."""

    def __init__(self, now: Report | None = None, kept: tuple[Report, ...] = ()) -> None:
        self.now = now or report()
        self.kept = kept
        self.calls: list[tuple[Any, ...]] = []
        self.refuse: AbiError | None = None
        self.system = CannedSystem(self)
        self.gateway = CannedGateway(self)
        self.log: Broadcast[LogLine] = Broadcast(queue_size=8)
        self.opened = 0
        self.lost: AbiError | None = None
        self._reports: SimpleQueue[Report | None] = SimpleQueue()
        self._closed = Flag()

    def record(self, *call: Any) -> None:
        """Remember a call."""
        self.calls.append(call)

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of every call of that name."""
        return [call[1:] for call in self.calls if call[0] == name]

    def send(self, made: Report) -> None:
        """A report on the open stream."""
        self._reports.put(made)

    def end(self) -> None:
        """End the open stream, as an engine does that goes away."""
        self._reports.put(None)

    def wait_until_closed(self) -> None:
        """Wait until the reader has closed the stream."""
        assert self._closed.wait(10.0)

    def stream(self) -> Stream[Report]:
        """The report of now, then those that are sent, until it is closed or ended."""
        reports: SimpleQueue[Report | None] = SimpleQueue()
        self._reports, self._closed = reports, Flag()
        closed = self._closed

        def items() -> Iterator[Report]:
            yield self.now
            while (made := reports.get()) is not None:
                yield made

        def close() -> None:
            reports.put(None)
            closed.set()

        return Stream(items(), close)

    @contextmanager
    def open(self) -> Iterator[CannedEngine]:
        """The way to it."""
        self.opened += 1
        if self.lost is not None:
            raise self.lost
        yield self
