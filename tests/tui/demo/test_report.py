"""What a demo without a screen found, and whether those that count the same agree."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from abi_engine.core.events import Event
from abi_engine.core.feature import State
from abi_engine.features.gateway.api import GatewayReport, GatewayStats, Traffic, UpstreamStats
from abi_engine.runtime.breaker import BreakerReport, BreakerState
from abi_engine.system import EngineStatus, Report
from abi_tui.cli.columns import Writer
from abi_tui.demo.report import DemoReport, demo_report
from abi_tui.demo.report_view import parts
from abi_tui.demo.schedule import Phase
from abi_tui.demo.steering import DemoStatus, UpstreamCounts
from abi_tui.demo.upstreams import Role

AT = datetime(2026, 11, 22, 12, 4, 11, tzinfo=UTC)
URLS = {role: f"http://127.0.0.1:{number}" for number, role in enumerate(Role, 9001)}
SERVED = {Role.STEADY: 80, Role.SLOW: 10, Role.FAILING: 6, Role.CONTROL: 2}
ANSWERS = {"200": 90, "404": 3, "429": 5, "500": 6}
BREAKER = BreakerReport(
    state=BreakerState.CLOSED,
    forced=False,
    in_state_s=1.0,
    failures=0,
    failure_threshold=5,
    window_failures=0,
    window_calls=0,
    refused_total=0,
    trips_total=1,
    trials_in_flight=0,
    trials_left=0,
    next_try_in_s=None,
    last=None,
)


def gateway(**changes: Any) -> GatewayReport:
    """A gateway that answered what `status` tells; `changes` are of its traffic."""
    traffic = Traffic(
        requests_total=sum(ANSWERS.values()) + SERVED[Role.CONTROL], limited_total=ANSWERS["429"]
    )
    upstreams = tuple(
        UpstreamStats(
            upstream=URLS[role],
            breaker=BREAKER,
            traffic=Traffic(requests_total=number, status_2xx_total=number),
            connections_idle=1,
            connections_busy=0,
            routes=1,
        )
        for role, number in SERVED.items()
    )
    return GatewayReport(
        listening="http://127.0.0.1:8080",
        trouble="",
        stats=GatewayStats(
            traffic=msgspec.structs.replace(traffic, **changes),
            routes=0,
            upstreams=4,
            breakers_closed=4,
            breakers_half_open=0,
            breakers_open=0,
            breaker_trips_total=1,
            refused_total=0,
            connections_open=0,
            connections_total=9,
        ),
        routes=(),
        upstreams=upstreams,
    )


def status(**changes: Any) -> DemoStatus:
    """Upstreams and clients that agree with `gateway`."""
    counts = tuple(
        UpstreamCounts(role.value, URLS[role], number, {"200": number})
        for role, number in SERVED.items()
    )
    found = DemoStatus(
        phase=Phase.HEALTHY,
        paused=True,
        speed=1.0,
        in_flight=0,
        answered_total=ANSWERS,
        unanswered_total={},
        skipped_total=0,
        upstreams=counts,
        cpu_s=1.0,
        uptime_s=10.0,
    )
    return msgspec.structs.replace(found, **changes)


def counted(role: Role, **changes: Any) -> tuple[UpstreamCounts, ...]:
    """What the upstreams counted, one of them otherwise."""
    return tuple(
        msgspec.structs.replace(row, **changes) if row.name == role else row
        for row in status().upstreams
    )


def report(
    gateway: GatewayReport, status: DemoStatus, events: tuple[Event, ...] = ()
) -> DemoReport:
    engine = EngineStatus(
        state=State.RUNNING,
        version="0",
        python="3",
        pid=1,
        started_at=AT,
        uptime_s=10.0,
        data_dir="",
        socket="",
        admin="",
        memory_bytes=1 << 20,
        threads=3,
        cpu_s=2.0,
        features=(),
        trouble=(),
    )
    raw = msgspec.Raw(msgspec.msgpack.encode(gateway))
    return demo_report(Report(1, AT, engine, {"gateway": raw}, ()), status, events, 10.0)


def failed(found: DemoReport) -> list[str]:
    return [check.name for check in found.checks if not check.ok]


def test_when_all_agree_the_report_is_good() -> None:
    found = report(gateway(), status())
    assert failed(found) == []
    assert found.ok
    assert found.requests_total == 104
    assert found.rate_per_s == pytest.approx(10.4)
    assert found.traffic_cpu_percent == pytest.approx(10)
    assert found.engine_cpu_percent == pytest.approx(20)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"unanswered_total": {"closed": 1}}, "requests without an answer"),
        ({"in_flight": 1}, "requests still in flight"),
        ({"answered_total": ANSWERS | {"200": 91}}, "answers: clients got, gateway gave"),
        (
            {"answered_total": ANSWERS | {"200": 89, "429": 6}},
            "answers 429: clients got, gateway gave",
        ),
        (
            {"upstreams": counted(Role.STEADY, received_total=81)},
            "requests to steady: it read, gateway sent",
        ),
        (
            {"upstreams": counted(Role.SLOW, replied_total={"200": 9})},
            "answers of slow: it sent, gateway got",
        ),
        (
            {"upstreams": counted(Role.FAILING, replied_total={"200": 1, "500": 4})},
            "answers of failing: it sent, gateway got",
        ),
    ],
)
def test_one_count_that_is_off_is_named_and_fails_the_report(
    changes: dict[str, Any], name: str
) -> None:
    found = report(gateway(), status(**changes))
    assert failed(found) == [name]
    assert not found.ok


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"requests_total": 105}, "answers: clients got, gateway gave"),
        ({"limited_total": 4}, "answers 429: clients got, gateway gave"),
        ({"in_flight": 2}, "requests still in flight"),
    ],
)
def test_a_gateway_that_miscounts_is_found_out(changes: dict[str, Any], name: str) -> None:
    assert failed(report(gateway(**changes), status())) == [name]


def test_what_the_failing_upstream_could_not_read_is_no_fault() -> None:
    rows = counted(Role.FAILING, received_total=5)  # the sixth connection was refused
    assert report(gateway(), status(upstreams=rows)).ok


def test_transitions_come_oldest_first_and_nothing_else_among_them() -> None:
    url = URLS[Role.FAILING]
    events = (
        Event(9, AT, "gateway", "breaker_closed", "half open → closed", url),
        Event(8, AT, "gateway", "limited", "/search: 1 request", "/search"),
        Event(7, AT, "gateway", "breaker_opened", "closed → open", url),
    )
    found = report(gateway(), status(), events).transitions
    assert [row.kind for row in found] == ["breaker_opened", "breaker_closed"]
    assert {row.upstream for row in found} == {url}


def test_people_see_every_part_and_every_check() -> None:
    url = URLS[Role.FAILING]
    events = (Event(7, AT, "gateway", "breaker_opened", "closed \x1b[2J→ open", url),)
    found = report(gateway(), status(unanswered_total={"closed\x1b[2J": 2}), events)
    writer = Writer(color=False, cut=False)
    text = "\n".join(line for part in parts(found) for line in writer.lines(part.view))
    assert "\x1b" not in text
    assert "104, 10 req/s" in text
    assert "90 × 200, 3 × 404, 5 × 429, 6 × 500" in text
    assert "12:04:11" in text
    assert text.count("● agree") == len(found.checks) - 1
    assert text.count("○ DIFFER") == 1
    assert "1.0 MiB" in text


def test_the_report_goes_through_json_and_back() -> None:
    found = report(gateway(), status())
    assert msgspec.json.decode(msgspec.json.encode(found), type=DemoReport) == found
