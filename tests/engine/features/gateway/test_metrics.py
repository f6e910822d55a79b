"""What a scraper reads of the gateway: the right figures, in the right form, and not too many."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine import Engine
from abi_engine.core.clock import ManualClock
from abi_engine.core.sample import Family, Kind
from abi_engine.features.gateway.admission import Cause
from abi_engine.features.gateway.api import RouteLimit
from abi_engine.features.gateway.metric_rows import OTHER, Name, Row, Rows
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.measure.metrics import prometheus_text
from abi_engine.service.figures import metrics_of
from tests.engine.features.gateway.made_gateway import UPSTREAM, MadeGateway, route


def check(text: str) -> None:
    """Let Prometheus' own linter look at it: no error, no warning."""
    found = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60
    )
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")


def lines_of(made: MadeGateway) -> set[str]:
    return set(prometheus_text(made.gateway.metrics()).splitlines())


def busy_gateway() -> MadeGateway:
    made = MadeGateway(
        route("/a/{id}", "GET"),
        route("/with/%22", limit=RouteLimit(rate=1.0, burst=1)),
        route("/other", upstreams=("http://127.0.0.1:9002", "http://127.0.0.1:9003")),
    )
    for status in (200, 204, 302, 404, 500):
        made.request("/a/1", status, latency=0.003)
    made.request("/other", latency=7.0)
    made.admitter.refused(404, 0.001, bytes_out=10)
    made.admitter.refused(418, 0.001, bytes_out=10)
    return made


def test_prometheus_finds_nothing_wrong_with_them() -> None:
    check(prometheus_text(busy_gateway().gateway.metrics()))


def test_prometheus_finds_nothing_wrong_with_those_of_a_whole_engine() -> None:
    with Engine() as engine:
        engine.gateway.add_route(route("/a"))
        text = metrics_of(engine, clients=1)
    for name in ("cpu_seconds_total", "resident_memory_bytes", "threads", "open_fds"):
        assert f"\nprocess_{name} " in text
    assert "\nabi_uptime_seconds " in text
    check(text)


def test_a_route_and_an_upstream_have_their_own_figures() -> None:
    lines = lines_of(busy_gateway())
    of_route, of_upstream = 'route="/a/{id}",methods="GET"', f'upstream="{UPSTREAM}"'
    assert {
        f'abi_gateway_route_requests_total{{{of_route},class="2xx"}} 2',
        f'abi_gateway_route_requests_total{{{of_route},class="5xx"}} 1',
        f'abi_gateway_route_request_duration_seconds_bucket{{{of_route},le="0.0025"}} 0',
        f'abi_gateway_route_request_duration_seconds_bucket{{{of_route},le="0.005"}} 5',
        f'abi_gateway_route_request_duration_seconds_bucket{{{of_route},le="+Inf"}} 5',
        f"abi_gateway_route_request_duration_seconds_count{{{of_route}}} 5",
        f"abi_gateway_route_sent_bytes_total{{{of_route}}} 25",
        f"abi_gateway_route_in_flight{{{of_route}}} 0",
        f'abi_gateway_upstream_requests_total{{{of_upstream},class="4xx"}} 1',
        f'abi_gateway_upstream_errors_total{{{of_upstream},cause="status"}} 1',
        f'abi_gateway_upstream_errors_total{{{of_upstream},cause="timeout"}} 0',
        f"abi_gateway_upstream_received_bytes_total{{{of_upstream}}} 25",
        'abi_gateway_request_duration_seconds_bucket{le="0.001"} 2',
        'abi_gateway_request_duration_seconds_bucket{le="5.0"} 7',
        'abi_gateway_request_duration_seconds_bucket{le="+Inf"} 8',
        'abi_gateway_refused_total{reason="no_route"} 1',
        'abi_gateway_refused_total{reason="other"} 1',
        "abi_gateway_access_log_lost_lines_total 0",
    } <= lines


@pytest.mark.parametrize("cause", [Cause.CONNECT, Cause.TIMEOUT, Cause.BROKEN])
def test_a_failure_is_counted_by_its_cause(cause: Cause) -> None:
    made = MadeGateway(route("/a"))
    made.attempt(made.admitted("/a")).failed("", 0.1, cause=cause)
    lines = lines_of(made)
    for one in Cause:
        sample = f'abi_gateway_upstream_errors_total{{upstream="{UPSTREAM}",cause="{one}"}}'
        assert f"{sample} {int(one is cause)}" in lines


def test_a_request_that_a_limit_refused_has_no_duration() -> None:
    made = MadeGateway(route("/a", limit=RouteLimit(rate=1.0, burst=1)))
    made.request("/a")
    made.admit("/a")
    made.admitter.refused(429, 0.0, bytes_out=1)
    lines = lines_of(made)
    assert "abi_gateway_request_duration_seconds_count 1" in lines
    assert 'abi_gateway_refused_total{reason="limited"} 1' in lines
    assert 'abi_gateway_route_limited_total{route="/a",methods="*"} 1' in lines


def test_a_histogram_never_falls_from_edge_to_edge() -> None:
    for family in busy_gateway().gateway.metrics():
        if family.kind is Kind.HISTOGRAM:
            check_histogram(family)


def check_histogram(family: Family) -> None:
    series: dict[Any, list[float]] = {}
    for sample in family.samples:
        if sample.suffix == "_bucket":
            series.setdefault(sample.labels[:-1], []).append(sample.value)
    counts = {one.labels: one.value for one in family.samples if one.suffix == "_count"}
    assert series.keys() == counts.keys()
    for labels, values in series.items():
        assert values == sorted(values)
        assert values[-1] == counts[labels]


def test_beyond_a_thousand_routes_there_are_no_more_figures() -> None:
    made = MadeGateway(*(route(f"/{number}") for number in range(1_003)))
    for number in range(1_003):
        made.request(f"/{number}")
    families = {family.name: family for family in made.gateway.metrics()}
    samples = families["abi_gateway_route_sent_bytes_total"].samples
    assert len(samples) == 1_001
    assert samples[-1].labels == (("route", OTHER), ("methods", ""))
    assert samples[-1].value == 3 * 5
    assert made.gateway.remove_route("/0")
    families = {family.name: family for family in made.gateway.metrics()}
    samples = families["abi_gateway_route_sent_bytes_total"].samples
    assert (len(samples), samples[-1].value) == (1_000, 3 * 5)


class Things:
    """Things that come, count, and go; what is told of them is compared with what was counted."""

    def __init__(self, most: int) -> None:
        self.rows = Rows(("name",), most)
        self.most = most
        self.counts: dict[str, TrafficCounts] = {}
        self.told: dict[Name, int] = {}

    def come(self, name: str) -> None:
        self.counts.setdefault(name, TrafficCounts(ManualClock()))

    def count(self, name: str) -> None:
        if name in self.counts:
            self.counts[name].begin()
            self.counts[name].finish(200, 0.1)

    def scrape(self) -> None:
        live = [((name,), Row(one.totals())) for name, one in self.counts.items()]
        told = {name: row.totals.requests for name, row in self.rows.of(live)}
        assert len(told) <= self.most + 1
        for name, requests in told.items():
            if name != (OTHER,):
                assert requests == self.counts[name[0]].totals().requests
        assert told.get((OTHER,), 0) >= self.told.get((OTHER,), 0)
        missing = {name for name in self.counts if (name,) not in told}
        assert not missing or (OTHER,) in told
        self.told = told


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["come", "count", "count", "go", "scrape"]), st.sampled_from("abcd")
        ),
        max_size=60,
    )
)
def test_what_is_told_of_the_others_never_falls(steps: list[tuple[str, str]]) -> None:
    things = Things(most=2)
    for act, name in steps:
        if act == "come":
            things.come(name)
        elif act == "count":
            things.count(name)
        elif act == "go":
            things.counts.pop(name, None)
        else:
            things.scrape()
    things.scrape()
