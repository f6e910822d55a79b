"""Requests are admitted or refused, and tried upstream by upstream."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.admission import Attempt, Refusal
from abi_engine.features.gateway.api import Balance, LimitBy, RouteLimit
from abi_engine.features.gateway.live_route import REQUESTS_PER_RETRY, RETRY_RESERVE
from abi_engine.runtime.breaker import BreakerSettings, BreakerState
from tests.engine.features.gateway.made_gateway import UPSTREAM, MadeGateway, route

ONE, TWO, THREE = (f"http://127.0.0.1:{port}" for port in (9001, 9002, 9003))


def refusal(outcome: object) -> Refusal:
    assert isinstance(outcome, Refusal), outcome
    return outcome


def test_a_target_without_one_meaning_is_400() -> None:
    made = MadeGateway(route("/*"))
    for target in ("/%zz", "/../x", "/a\\b", "x", "*", "/a?b c", "/%00"):
        assert refusal(made.admit(target)).status == 400, target


def test_a_path_that_no_route_has_is_404() -> None:
    made = MadeGateway(route("/a"))
    assert refusal(made.admit("/b"))[:1] == (404,)
    assert refusal(made.admit("*", "OPTIONS")).status == 404


def test_a_method_that_no_route_has_is_405_with_those_that_it_could_be() -> None:
    made = MadeGateway(route("/a", "GET"), route("/{x}", "POST", "DELETE"))
    refused = refusal(made.admit("/a", "PUT"))
    assert (refused.status, refused.headers) == (405, (("Allow", "DELETE, GET, HEAD, POST"),))


def test_a_route_that_is_switched_off_is_503() -> None:
    made = MadeGateway(route("/a"))
    made.gateway.set_route_enabled("/a", None, False)
    refused = refusal(made.admit("/a"))
    assert (refused.status, refused.route) == (503, "/a")
    made.gateway.set_route_enabled("/a", None, True)
    made.admitted("/a")


def test_beyond_the_limit_is_429_with_whole_seconds_rounded_up() -> None:
    made = MadeGateway(route("/a", limit=RouteLimit(rate=0.4, burst=1)))
    made.admitted("/a")
    refused = refusal(made.admit("/a"))
    assert (refused.status, refused.route) == (429, "/a")
    assert refused.headers == (("Retry-After", "3"),)
    made.clock.advance(2.5)
    made.admitted("/a")


@pytest.mark.parametrize(
    ("limit", "others"),
    [
        (RouteLimit(rate=1, burst=1), {"address": "10.0.0.2"}),
        (RouteLimit(rate=1, burst=1, by=LimitBy.HEADER, header="X-Key"), {"x_key": "b"}),
    ],
)
def test_clients_are_told_apart_as_the_limit_says(
    limit: RouteLimit, others: dict[str, str]
) -> None:
    made = MadeGateway(route("/a", limit=limit))
    made.admitted("/a", x_key="a")
    assert refusal(made.admit("/a", x_key="a")).status == 429
    assert not isinstance(made.admit("/a", **{"x_key": "a", **others}), Refusal)


def test_a_limit_of_the_route_is_for_all_together() -> None:
    made = MadeGateway(route("/a", limit=RouteLimit(rate=1, burst=1, by=LimitBy.ROUTE)))
    made.admitted("/a")
    assert refusal(made.admit("/a", address="10.0.0.9")).status == 429


def test_a_limit_that_is_switched_off_limits_nothing() -> None:
    made = MadeGateway(route("/a", limit=RouteLimit(rate=1, burst=1, enabled=False)))
    for _ in range(10):
        made.admitted("/a")
    assert made.gateway.limits() == ()


@pytest.mark.parametrize(
    ("path", "prefix", "asked", "forwarded"),
    [
        ("/a/*", "", "/a/b?x=1", "/a/b?x=1"),
        ("/a/*", "/a", "/a/b/../c?x=%zz", "/c?x=%zz"),
        ("/a", "/a", "/a?", "/?"),
        ("/a/b/*", "/a", "/a/b/", "/b/"),
        ("/a/*", "/a", "/%61/b%2fc", "/b%2Fc"),
        ("/a/*", "/a", "http://host/a/b", "/b"),
    ],
)
def test_the_upstream_is_asked_for_what_was_matched(
    path: str, prefix: str, asked: str, forwarded: str
) -> None:
    made = MadeGateway(route(path, strip_prefix=prefix, upstreams=(ONE + "/v1",)))
    admission = made.admitted(asked)
    assert admission.target == forwarded
    assert made.attempt(admission).upstream.prefix == "/v1"


def test_an_upstream_whose_breaker_refuses_is_passed_over() -> None:
    made = MadeGateway(route("/a", upstreams=(ONE, TWO)))
    made.gateway.force_breaker(ONE, BreakerState.OPEN)
    assert {made.request("/a") for _ in range(4)} == {TWO}


def test_where_all_refuse_it_is_503_until_the_first_may_be_tried() -> None:
    made = MadeGateway(route("/a", upstreams=(ONE, TWO)))
    for upstream, pause in ((ONE, 20.2), (TWO, 0.0)):
        for _ in range(5):
            made.gateway.record_upstream_result(upstream, False)
        made.clock.advance(pause)
    admission = made.admitted("/a")
    refused = refusal(admission.attempt())
    assert (refused.status, refused.route) == (503, "/a")
    assert refused.headers == (("Retry-After", "10"),)
    made.clock.advance(9.8)
    assert made.attempt(admission).upstream.name == ONE


def test_where_trials_are_under_way_their_answer_is_near() -> None:
    made = MadeGateway(route("/a"), breaker=BreakerSettings(half_open_max=1))
    for _ in range(5):
        made.gateway.record_upstream_result(ONE, False)
    made.clock.advance(30)
    made.attempt(made.admitted("/a"))
    assert refusal(made.admitted("/a").attempt()).headers == (("Retry-After", "1"),)


def test_a_breaker_that_is_held_open_says_when_to_ask_again() -> None:
    made = MadeGateway(route("/a"), breaker=BreakerSettings(reset_timeout=7))
    made.gateway.force_breaker(ONE, BreakerState.OPEN)
    assert refusal(made.admitted("/a").attempt()).headers == (("Retry-After", "7"),)


def test_failures_open_the_breaker_and_cancellations_do_not() -> None:
    made = MadeGateway(route("/a"))
    for _ in range(10):
        made.attempt(made.admitted("/a")).cancelled()
    assert made.gateway.breaker_state(ONE) is BreakerState.CLOSED
    for _ in range(5):
        made.attempt(made.admitted("/a")).failed("connection refused", 0.1)
    assert made.gateway.breaker_state(ONE) is BreakerState.OPEN
    (upstream,) = made.gateway.breakers()
    assert (upstream.last_error, upstream.traffic.errors_total) == ("connection refused", 5)
    assert (upstream.traffic.requests_total, upstream.traffic.in_flight) == (5, 0)


def test_an_attempt_ends_once() -> None:
    made = MadeGateway(route("/a"))
    attempt = made.attempt(made.admitted("/a"))
    attempt.succeeded(0.1, 200)
    attempt.failed("late", 0.1)
    attempt.cancelled()
    (upstream,) = made.gateway.breakers()
    assert (upstream.traffic.requests_total, upstream.traffic.errors_total) == (1, 0)
    assert upstream.traffic.in_flight == 0


def test_a_request_is_finished_once() -> None:
    made = MadeGateway(route("/a"))
    admission = made.admitted("/a")
    for _ in range(2):
        admission.finish(200, 0.1, bytes_in=1, bytes_out=2, cancelled=False)
    traffic = made.gateway.stats().traffic
    assert (traffic.requests_total, traffic.in_flight, traffic.bytes_out_total) == (1, 0, 2)


def earn(made: MadeGateway, requests: int) -> None:
    """Requests to `/a` that need no upstream, for which the route may retry others."""
    for _ in range(requests):
        made.admitted("/a").finish(200, 0.1, bytes_in=0, bytes_out=0, cancelled=False)


@pytest.mark.parametrize("end", ["succeeded", "failed", "cancelled"])
def test_an_answer_without_an_end_tells_the_breaker_at_once_and_stays_in_flight(end: str) -> None:
    settings = BreakerSettings(failure_threshold=1, half_open_max=1, reset_timeout=1)
    made = MadeGateway(route("/a"), breaker=settings)
    made.request("/a", 500)
    made.clock.advance(10)
    trial = made.attempt(made.admitted("/a"))
    assert made.gateway.breaker_state(UPSTREAM) is BreakerState.HALF_OPEN
    for _ in range(2):
        trial.settled(0.1)
    assert made.gateway.breaker_state(UPSTREAM) is BreakerState.CLOSED
    (upstream,) = made.gateway.breakers()
    assert upstream.traffic.in_flight == 1
    if end == "failed":
        trial.failed("reset", 0.1)
    elif end == "succeeded":
        trial.succeeded(0.1, 101)
    else:
        trial.cancelled()
    (upstream,) = made.gateway.breakers()
    assert upstream.traffic.in_flight == 0
    assert made.gateway.breaker_state(UPSTREAM) is BreakerState.CLOSED


def test_a_retry_goes_elsewhere_and_is_counted() -> None:
    made = MadeGateway(route("/a", upstreams=(ONE, TWO)))
    earn(made, REQUESTS_PER_RETRY - 1)
    admission = made.admitted("/a")
    first = made.attempt(admission)
    first.failed("reset", 0.1)
    second = made.attempt(admission, first.upstream.name)
    assert second.upstream.name != first.upstream.name
    second.succeeded(0.1, 200)
    admission.finish(200, 0.2, bytes_in=0, bytes_out=9, cancelled=False)
    traffic = made.gateway.route_detail("/a").stats.traffic
    assert (traffic.retries_total, traffic.errors_total, traffic.requests_total) == (1, 0, 5)
    by_name = {one.upstream: one.traffic for one in made.gateway.breakers()}
    assert by_name[second.upstream.name].retries_total == 1
    assert by_name[second.upstream.name].bytes_out_total == 9
    assert by_name[first.upstream.name].bytes_out_total == 0


def test_retries_add_a_fifth_at_most() -> None:
    made = MadeGateway(route("/a", upstreams=(ONE, TWO)))
    retried = 0
    for _ in range(500):
        admission = made.admitted("/a")
        made.attempt(admission).cancelled()
        second = admission.attempt(frozenset((ONE,)))
        if isinstance(second, Refusal):
            assert second.status == 503
        else:
            retried += 1
            second.cancelled()
    assert retried == 500 / REQUESTS_PER_RETRY
    assert all(one.traffic.in_flight == 0 for one in made.gateway.breakers())


def test_no_more_than_the_reserve_is_retried_at_once() -> None:
    made = MadeGateway(route("/a", upstreams=(ONE, TWO)))
    earn(made, 1000)
    admission = made.admitted("/a")
    for _ in range(RETRY_RESERVE):
        made.attempt(admission, ONE).cancelled()
    assert refusal(admission.attempt(frozenset((ONE,)))).status == 503


def test_the_retries_of_a_key_go_to_the_same_upstreams_in_the_same_order() -> None:
    upstreams = (ONE, TWO, THREE)
    made = MadeGateway(route("/a", upstreams=upstreams, balance=Balance.CONSISTENT_HASH))
    orders = set()
    for _ in range(5):
        admission = made.admitted("/a")
        tried: list[str] = []
        for _ in upstreams:
            attempt = admission.attempt(frozenset(tried), unsent=True)
            assert not isinstance(attempt, Refusal)
            tried.append(attempt.upstream.name)
            attempt.cancelled()
        assert refusal(admission.attempt(frozenset(tried), unsent=True)).status == 503
        orders.add(tuple(tried))
    ((*order,),) = orders
    assert sorted(order) == sorted(upstreams)


def test_a_retry_after_nothing_was_sent_is_counted_and_costs_nothing() -> None:
    made = MadeGateway(route("/a", upstreams=(ONE, TWO)))
    for count in range(1, 100):
        admission = made.admitted("/a")
        attempt = admission.attempt(frozenset((ONE,)), unsent=True)
        assert not isinstance(attempt, Refusal)
        attempt.cancelled()
        assert made.gateway.stats().traffic.retries_total == count


def test_a_retry_that_is_refused_leaves_the_bytes_with_the_upstream_before() -> None:
    made = MadeGateway(route("/a", upstreams=(ONE, TWO)))
    admission = made.admitted("/a")
    first = made.attempt(admission)
    refusal(admission.attempt(frozenset((first.upstream.name,))))
    first.failed("answered 503", 0.1, 503)
    admission.finish(503, 0.2, bytes_in=0, bytes_out=9, cancelled=False)
    by_name = {one.upstream: one.traffic.bytes_out_total for one in made.gateway.breakers()}
    assert by_name.pop(first.upstream.name) == 9
    assert set(by_name.values()) == {0}


def test_a_key_goes_to_one_upstream() -> None:
    made = MadeGateway(
        route(
            "/a",
            upstreams=(ONE, TWO, THREE),
            balance=Balance.CONSISTENT_HASH,
            hash_header="X-User",
        )
    )
    for user in ("a", "b", "c", "d"):
        taken = {made.attempt(made.admitted("/a", x_user=user)).upstream.name for _ in range(5)}
        assert len(taken) == 1


def test_the_least_busy_is_asked() -> None:
    made = MadeGateway(route("/a", upstreams=(ONE, TWO), balance=Balance.LEAST_IN_FLIGHT))
    busy = made.attempt(made.admitted("/a"))
    for _ in range(3):
        attempt = made.attempt(made.admitted("/a"))
        assert attempt.upstream.name != busy.upstream.name
        attempt.succeeded(0.1, 200)


@given(st.integers(0, 2**32))
def test_no_permit_is_ever_lost(seed: int) -> None:
    random = Random(seed)
    made = MadeGateway(
        route("/a", upstreams=(ONE, TWO)), breaker=BreakerSettings(reset_timeout=1.0)
    )
    under_way: list[Attempt] = []
    for _ in range(60):
        outcome = made.admitted("/a").attempt(frozenset(random.choice(((), (ONE,)))))
        if not isinstance(outcome, Refusal):
            under_way.append(outcome)
        while under_way and random.random() < 0.5:
            _end(under_way.pop(random.randrange(len(under_way))), random)
        made.clock.advance(random.choice((0.0, 0.3)))
    for attempt in under_way:
        _end(attempt, random)
    for one in made.gateway.breakers():
        assert one.breaker.trials_in_flight == 0
        assert one.traffic.in_flight == 0


def _end(attempt: Attempt, random: Random) -> None:
    match random.randrange(3):
        case 0:
            attempt.succeeded(0.01, 200)
        case 1:
            attempt.failed("broken", 0.01, 500)
        case _:
            attempt.cancelled()
