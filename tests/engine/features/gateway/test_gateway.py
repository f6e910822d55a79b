"""The gateway as every interface sees it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import msgspec
import pytest

from abi_engine.core.errors import InvalidArguments, Severity
from abi_engine.core.operation import operations
from abi_engine.features.gateway.admission import Attempt, Refusal
from abi_engine.features.gateway.api import (
    GatewayApi,
    GatewayNotListening,
    GatewayReport,
    RouteDetail,
    RouteLimit,
    RouteNotFound,
    UpstreamNotFound,
)
from abi_engine.features.gateway.gateway import Gateway
from abi_engine.measure.metrics import prometheus_text
from abi_engine.runtime.breaker import BreakerSettings, BreakerState
from tests.engine.features.gateway.made_gateway import UPSTREAM, MadeGateway, route, together

Call = Callable[[Gateway], object]


def test_every_operation_is_defined_on_the_class_itself() -> None:
    for operation in operations(GatewayApi):
        assert operation.name in vars(Gateway), operation.name


@pytest.mark.parametrize(
    "call",
    [
        lambda g: g.add_route(None),
        lambda g: g.add_route("/a"),
        lambda g: g.remove_route(5),
        lambda g: g.remove_route("/a", 5),
        lambda g: g.set_route_enabled("/a", None, "yes"),
        lambda g: g.set_route_enabled(None, None, True),
        lambda g: g.routes(limit=0),
        lambda g: g.routes(limit=10_001),
        lambda g: g.routes(limit="many"),
        lambda g: g.routes(limit=True),
        lambda g: g.routes(offset=-1),
        lambda g: g.route_stats(sort="size"),
        lambda g: g.route_stats(sort=5),
        lambda g: g.route_stats(filter=5),
        lambda g: g.route_stats(limit=1.5),
        lambda g: g.route_detail(5),
        lambda g: g.route_detail("/a", ["GET"]),
        lambda g: g.match_route(5),
        lambda g: g.match_route(["/a"]),
        lambda g: g.match_route("/a", None),
        lambda g: g.match_route("/a", ["GET"]),
        lambda g: g.match_route(b"/a"),
        lambda g: g.match_route("/%zz"),
        lambda g: g.match_route("/../a"),
        lambda g: g.match_route(""),
        lambda g: g.check_rate_limit(5, "x"),
        lambda g: g.check_rate_limit("/a", None),
        lambda g: g.limits(limit=0),
        lambda g: g.record_upstream_result(5, True),
        lambda g: g.record_upstream_result(UPSTREAM, "ok"),
        lambda g: g.record_upstream_result(UPSTREAM, True, -1),
        lambda g: g.record_upstream_result(UPSTREAM, True, float("nan")),
        lambda g: g.record_upstream_result(UPSTREAM, True, "fast"),
        lambda g: g.breaker_state(None),
        lambda g: g.reset_breaker(["x"]),
        lambda g: g.force_breaker(UPSTREAM, "half_open"),
        lambda g: g.force_breaker(UPSTREAM, "ajar"),
        lambda g: g.send_test_request("/a", timeout=0),
        lambda g: g.send_test_request("/a", timeout=float("inf")),
        lambda g: g.send_test_request(5),
    ],
)
def test_a_bad_value_is_refused_with_itself(call: Call) -> None:
    with pytest.raises(InvalidArguments) as caught:
        call(MadeGateway(route("/a")).gateway)
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda g: g.route_detail("/b"), RouteNotFound),
        (lambda g: g.route_detail("/a", "POST"), RouteNotFound),
        (lambda g: g.check_rate_limit("/b", "x"), RouteNotFound),
        (lambda g: g.record_upstream_result("http://h:1", True), UpstreamNotFound),
        (lambda g: g.breaker_state("\x1b[2J"), UpstreamNotFound),
        (lambda g: g.reset_breaker("http://h:1"), UpstreamNotFound),
        (lambda g: g.force_breaker("http://h:1", None), UpstreamNotFound),
    ],
)
def test_what_is_not_there_is_not_found(call: Call, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        call(MadeGateway(route("/a", "GET")).gateway)
    assert str(caught.value).isprintable()


def test_a_match_is_the_callers_own() -> None:
    gateway = MadeGateway(route("/a/{id}")).gateway
    for _ in range(2):
        match = gateway.match_route("/a/7?x=1")
        assert match is not None
        assert match.params == {"id": "7"}
        match.params["id"] = "8"
    assert gateway.match_route("/b") is None
    assert gateway.match_route("/a/7/") is None


def test_matching_counts_nothing() -> None:
    made = MadeGateway(route("/a", limit=RouteLimit(rate=1, burst=1)))
    for _ in range(5):
        made.gateway.match_route("/a")
    assert made.gateway.stats().traffic.requests_total == 0
    made.admitted("/a")


def test_a_caller_may_ask_a_limit_itself() -> None:
    gateway = MadeGateway(route("/a", limit=RouteLimit(rate=0.5, burst=2)), route("/free")).gateway
    assert gateway.check_rate_limit("/a", "me").remaining == 1
    gateway.check_rate_limit("/a", "me")
    decision = gateway.check_rate_limit("/a", "me")
    assert (decision.allowed, decision.reset_after) == (False, 2.0)
    assert gateway.check_rate_limit("/a", "you").allowed
    assert gateway.check_rate_limit("/free", "me").remaining == sys.maxsize


def test_an_upstream_is_known_by_any_of_its_urls() -> None:
    gateway = MadeGateway(route("/a", upstreams=("http://API.example/v1",))).gateway
    for name in ("http://api.example:80", "http://api.example", "http://API.EXAMPLE/v2"):
        assert gateway.breaker_state(name) is BreakerState.CLOSED


def test_every_transition_of_a_breaker_is_an_event() -> None:
    made = MadeGateway(route("/a"), breaker=BreakerSettings(half_open_max=1))
    for _ in range(5):
        made.gateway.record_upstream_result(UPSTREAM, False)
    made.clock.advance(30)
    made.request("/a")
    made.gateway.force_breaker(UPSTREAM, BreakerState.OPEN)
    made.gateway.force_breaker(UPSTREAM, None)
    events = [event for event in reversed(made.events.latest()) if event.subject == UPSTREAM]
    assert [event.kind for event in events] == [
        "breaker_opened",
        "breaker_half_open",
        "breaker_closed",
        "breaker_forced",
        "breaker_forced",
    ]
    opened, _, closed, *_ = events
    assert opened.message == f"breaker {UPSTREAM} open: 5 consecutive failures"
    assert (opened.severity, opened.details["failures"]) == (Severity.WARNING, 5)
    assert closed.message == f"breaker {UPSTREAM} closed: 1 trial succeeded"
    assert closed.severity is Severity.INFO
    assert made.gateway.stats().breaker_trips_total == 2


def test_the_whole_counts_what_no_route_has() -> None:
    made = MadeGateway(route("/a", limit=RouteLimit(rate=0.001, burst=1)))
    made.request("/a")
    for target, status in (("/a", 429), ("/b", 404), ("/%zz", 400)):
        made.admit(target)
        made.admitter.refused(status, 0.001, bytes_out=7)
    made.admitter.refused(431, 0.0, bytes_out=0)
    made.admitter.connection_opened()
    made.admitter.connection_opened()
    made.admitter.connection_closed()
    stats = made.gateway.stats()
    assert (stats.traffic.requests_total, stats.traffic.status_4xx_total) == (5, 4)
    assert (stats.traffic.limited_total, stats.refused_total) == (1, 2)
    assert (stats.connections_open, stats.connections_total) == (1, 2)
    detail = made.gateway.route_detail("/a").stats.traffic
    assert (detail.requests_total, detail.limited_total) == (2, 1)


def test_the_report_has_the_busiest_and_travels() -> None:
    made = MadeGateway(*(route(f"/r/{number}") for number in range(300)))
    made.request("/r/299")
    report = made.gateway.report()
    assert (report.stats.routes, len(report.routes)) == (300, 200)
    assert report.routes[0].path == "/r/299"
    assert report.listening == ""
    assert report.trouble == "an embedded engine opens no listener"
    encoded = msgspec.msgpack.encode(report)
    assert msgspec.msgpack.decode(encoded, type=GatewayReport) == report


def test_a_detail_has_everything_and_travels() -> None:
    made = MadeGateway(route("/a", "GET"))
    made.request("/a", latency=0.003)
    detail = made.gateway.route_detail("/a")
    assert [(bar.up_to_ms, bar.requests) for bar in detail.latency_bars][:2] == [(1.0, 0), (5.0, 1)]
    assert [one.upstream for one in detail.upstreams] == [UPSTREAM]
    assert msgspec.json.decode(msgspec.json.encode(detail), type=RouteDetail) == detail


def test_metrics_are_what_a_scraper_reads() -> None:
    made = MadeGateway(route("/a"))
    made.request("/a")
    made.request("/a", 500)
    lines = set(prometheus_text(made.gateway.metrics()).splitlines())
    assert {
        'abi_gateway_requests_total{class="2xx"} 1',
        'abi_gateway_requests_total{class="5xx"} 1',
        "abi_gateway_request_duration_seconds_count 2",
        f'abi_gateway_upstream_breaker_state{{upstream="{UPSTREAM}",state="closed"}} 1',
        f'abi_gateway_upstream_breaker_state{{upstream="{UPSTREAM}",state="open"}} 0',
        f'abi_gateway_upstream_errors_total{{upstream="{UPSTREAM}",cause="status"}} 1',
        "abi_gateway_in_flight 0",
    } <= lines


def test_before_anything_was_measured_a_quantile_is_nothing() -> None:
    text = prometheus_text(MadeGateway().gateway.metrics())
    assert 'abi_gateway_recent_request_duration_seconds{quantile="0.5"} NaN' in text


def test_an_embedded_gateway_is_well_and_says_that_it_does_not_listen() -> None:
    made = MadeGateway(route("/a"))
    health = made.gateway.health()
    assert health.ok
    assert "no listener" in health.message
    with pytest.raises(GatewayNotListening, match="opens no listener"):
        made.gateway.send_test_request("/a")


def test_64_threads_pass_a_limit_exactly_as_often_as_it_says() -> None:
    made = MadeGateway(route("/a", limit=RouteLimit(rate=0.001, burst=500)))
    outcomes: list[bool] = []

    def work(number: int) -> None:
        for _ in range(30):
            admission = made.admit("/a")
            outcomes.append(not isinstance(admission, Refusal))
            if not isinstance(admission, Refusal):
                made.attempt(admission).succeeded(0.01, 200)
                admission.finish(200, 0.01, bytes_in=1, bytes_out=1, cancelled=False)

    together(64, work)
    assert (outcomes.count(True), outcomes.count(False)) == (500, 64 * 30 - 500)
    traffic = made.gateway.route_detail("/a").stats.traffic
    assert (traffic.requests_total, traffic.status_2xx_total) == (64 * 30, 500)
    assert (traffic.limited_total, traffic.in_flight) == (64 * 30 - 500, 0)
    (limit,) = made.gateway.limits()
    assert (limit.allowed_total, limit.limited_total) == (500, 64 * 30 - 500)


def test_64_threads_get_exactly_as_many_trials_as_there_are() -> None:
    made = MadeGateway(route("/a"), breaker=BreakerSettings(half_open_max=3))
    for _ in range(5):
        made.gateway.record_upstream_result(UPSTREAM, False)
    made.clock.advance(30)
    trials: list[Attempt] = []

    def work(number: int) -> None:
        for _ in range(20):
            outcome = made.admitted("/a").attempt()
            if not isinstance(outcome, Refusal):
                trials.append(outcome)

    together(64, work)
    assert len(trials) == 3
    for trial in trials:
        trial.succeeded(0.01, 200)
    assert made.gateway.breaker_state(UPSTREAM) is BreakerState.CLOSED


def test_64_threads_match_while_routes_come_and_go() -> None:
    made = MadeGateway(route("/stay/{id}"), route("/stay/{id}/more/*", "GET"))

    def work(number: int) -> None:
        for turn in range(15):
            if number % 4 == 0:
                path = f"/go/{number}/{turn}"
                made.gateway.add_route(route(path))
                assert made.gateway.match_route(path) is not None
                made.gateway.add_route(route(f"/stay/{number}x{turn}", "PUT"))
                assert made.gateway.remove_route(path)
                assert made.gateway.match_route(path) is None
            match = made.gateway.match_route(f"/stay/{number}x{turn}")
            assert match is not None
            assert match.route.path == "/stay/{id}"
            made.request("/stay/1")

    together(64, work)
    stats = made.gateway.stats()
    assert stats.traffic.requests_total == 64 * 15
    assert stats.routes == 2 + 16 * 15
