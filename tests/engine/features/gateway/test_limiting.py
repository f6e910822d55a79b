"""Limits at work."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.api import LimitBy, RouteLimit
from abi_engine.features.gateway.limiting import LimitGate, header_key, limit_words
from abi_engine.runtime.limiter import LimitKind
from tests.engine.features.gateway.made_gateway import headers_of


def gate(settings: RouteLimit, clock: ManualClock) -> tuple[LimitGate, EventLog]:
    events = EventLog(clock)
    return LimitGate(settings, "/a", clock, events), events


def test_refusals_are_told_once_in_ten_seconds_with_their_number() -> None:
    clock = ManualClock()
    limit, events = gate(RouteLimit(rate=0.001, burst=1), clock)
    for _ in range(100):
        limit.check("x")
    clock.advance(9.9)
    limit.check("x")
    assert [event.details["count"] for event in events.latest()] == [1]
    clock.advance(0.1)
    limit.check("x")
    newest, _ = events.latest()
    assert newest.details["count"] == 100
    assert newest.message == "/a: 100 requests refused by the limit token 0.001/s"
    assert newest.subject == "/a"


def test_what_passed_and_what_did_not_is_counted() -> None:
    clock = ManualClock()
    limit, _ = gate(RouteLimit(rate=1, burst=3), clock)
    for _ in range(10):
        limit.check("x")
    assert (limit.allowed, limit.limited, limit.keys()) == (3, 7, 1)
    clock.advance(10)
    assert limit.limited_per_s() == 0.7
    clock.advance(60)
    assert limit.limited_per_s() == 0


@given(st.text())
def test_a_header_is_remembered_in_little_and_is_no_address(value: str) -> None:
    key = header_key(value)
    assert len(key) <= 65
    assert key[0] in "=#"


@given(st.text(min_size=60, max_size=80), st.text(min_size=60, max_size=80))
def test_different_values_are_different_clients(one: str, other: str) -> None:
    assert (header_key(one) == header_key(other)) == (one == other)


def test_a_request_without_the_header_counts_by_its_address() -> None:
    limit, _ = gate(RouteLimit(by=LimitBy.HEADER, header="X-Key"), ManualClock())
    assert limit.key_of("10.0.0.1", headers_of({})) == "10.0.0.1"
    assert limit.key_of("10.0.0.1", headers_of({"x_key": "10.0.0.1"})) != "10.0.0.1"
    assert limit.key_of_client("k") == limit.key_of("10.0.0.1", headers_of({"x_key": "k"}))


def test_a_limit_has_a_few_words() -> None:
    assert limit_words(None) == ""
    assert limit_words(RouteLimit(enabled=False)) == ""
    assert limit_words(RouteLimit()) == "token 100/s"
    assert limit_words(RouteLimit(kind=LimitKind.SLIDING_WINDOW, rate=0.5)) == "sliding 0.5/s"
    assert limit_words(RouteLimit(kind=LimitKind.FIXED_WINDOW, rate=5)) == "fixed 5/s"
