"""What health checks make of the answers they get."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.features.gateway.api import HealthCheck
from abi_engine.features.gateway.checks import Checks, LiveCheck
from abi_engine.features.gateway.upstreams import parse_upstream
from tests.engine.features.gateway.made_gateway import MadeGateway, route

ADDRESS = parse_upstream("http://h:1/api")
ONE, TWO = "http://127.0.0.1:9001", "http://127.0.0.1:9002"
CHECK = HealthCheck(unhealthy=2, healthy=2)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 4), st.integers(1, 4))
def test_an_upstream_is_what_its_last_row_of_equal_answers_makes_it(
    answers: list[bool], healthy: int, unhealthy: int
) -> None:
    check = LiveCheck(ADDRESS, HealthCheck(healthy=healthy, unhealthy=unhealthy))
    model, row, last = False, 0, None
    for number, good in enumerate(answers):
        cause = check.note("" if good else "answered 500", float(number))
        row = row + 1 if good == last else 1
        last = good
        changes = (model and good and row >= healthy) or (
            not model and not good and row >= unhealthy
        )
        model ^= changes
        assert bool(cause) == changes
        assert check.ill == model
        assert check.checked_at == number
    assert check.healthy is (
        None if not answers or (not model and True not in answers) else not model
    )


def test_a_change_is_told_with_its_cause() -> None:
    told: list[tuple[bool, str]] = []
    checks = Checks(ManualClock(), lambda check, cause: told.append((check.ill, cause)))
    check = checks.acquire(ADDRESS, CHECK)
    for error in ("answered 500", "answered 503", "", "", ""):
        checks.note(check, error)
    assert told == [(True, "2 checks failed: answered 503"), (False, "2 checks succeeded")]


def test_what_an_upstream_says_is_shown_safely() -> None:
    check = LiveCheck(ADDRESS, CHECK)
    check.note("\x1b[31m", 0.0)
    assert check.error == r"\x1b[31m"


def test_routes_share_a_check_and_the_last_one_ends_it() -> None:
    sets: list[int] = []
    made = MadeGateway()
    checks = made.gateway._outward.checks
    assert checks is not None
    checks.on_set = lambda: sets.append(len(checks.all()))
    for path in ("/a", "/b"):
        made.gateway.add_route(route(path, upstreams=(ONE, TWO), health_check=CHECK))
    assert len(checks.all()) == 2
    made.gateway.add_route(route("/c", upstreams=(ONE,), health_check=HealthCheck(path="/c")))
    made.gateway.add_route(route("/d", upstreams=(ONE + "/d",), health_check=CHECK))
    made.gateway.add_route(route("/e", upstreams=(ONE,)))
    assert len(checks.all()) == 4
    for path in ("/a", "/b", "/c", "/d", "/e"):
        assert made.gateway.remove_route(path)
    assert checks.all() == ()
    assert sets == [2, 3, 4, 2, 1, 0]


def found_ill(made: MadeGateway, *names: str) -> None:
    """Note enough bad answers of these upstreams, and good ones of all others."""
    checks = made.gateway._outward.checks
    assert checks is not None
    for check in checks.all():
        for _ in range(2):
            checks.note(check, "answered 500" if check.address.name in names else "")


def test_what_is_ill_gets_nothing_until_it_is_well() -> None:
    made = MadeGateway(route("/", upstreams=(ONE, TWO), health_check=CHECK))
    assert {made.request("/") for _ in range(4)} == {ONE, TWO}
    found_ill(made, ONE)
    assert {made.request("/") for _ in range(4)} == {TWO}
    found_ill(made)
    assert {made.request("/") for _ in range(4)} == {ONE, TWO}
    assert [event.message for event in made.told("upstream_unhealthy")] == [
        f"upstream {ONE} unhealthy: 2 checks failed: answered 500"
    ]
    assert [event.message for event in made.told("upstream_healthy")] == [
        f"upstream {ONE} healthy: 2 checks succeeded"
    ]


def test_where_all_are_ill_all_are_used() -> None:
    made = MadeGateway(route("/", upstreams=(ONE, TWO), health_check=CHECK))
    found_ill(made, ONE, TWO)
    assert {made.request("/") for _ in range(4)} == {ONE, TWO}
    (row,) = made.gateway.route_stats().rows
    assert row.upstreams_ok == 0


def test_an_upstream_is_ill_only_for_routes_that_ask() -> None:
    made = MadeGateway(
        route("/asks", upstreams=(ONE, TWO), health_check=CHECK),
        route("/trusts", upstreams=(ONE, TWO)),
    )
    found_ill(made, ONE)
    assert {made.request("/asks") for _ in range(4)} == {TWO}
    assert {made.request("/trusts") for _ in range(4)} == {ONE, TWO}


def test_what_is_ill_is_not_tried_for_an_open_breaker() -> None:
    made = MadeGateway(route("/", upstreams=(ONE, TWO), health_check=CHECK))
    found_ill(made, ONE)
    for _ in range(5):
        made.request("/", 500)
    refusal = made.admitted("/").attempt()
    assert refusal.status == 503  # type: ignore[union-attr]
    assert dict(refusal.headers)["Retry-After"] != "1"  # type: ignore[union-attr]


def test_a_report_says_what_checks_found_and_when() -> None:
    made = MadeGateway(
        route("/", upstreams=(ONE, TWO), health_check=CHECK),
        route("/more", upstreams=(TWO,), health_check=HealthCheck(path="/more")),
        route("/plain", upstreams=("http://127.0.0.1:9003",)),
    )
    rows = {row.upstream: row for row in made.gateway.breakers()}
    assert {row.healthy for row in rows.values()} == {None}
    found_ill(made, TWO)
    made.clock.advance(3.0)
    first = made.gateway.breakers()[0]
    assert (first.upstream, first.healthy, first.check_error) == (TWO, False, "answered 500")
    assert first.check_age_s == 3.0
    rows = {row.upstream: row for row in made.gateway.breakers()}
    assert (rows[ONE].healthy, rows[ONE].check_error) == (True, "")
    assert rows["http://127.0.0.1:9003"].healthy is None
