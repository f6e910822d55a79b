"""Browsers are told which pages may use a route, by the gateway alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abi_engine.features.gateway.admission import Refusal
from abi_engine.features.gateway.api import Cors, RouteAuth, RouteLimit
from tests.engine.features.gateway.made_gateway import MadeGateway, route
from tests.scale import scaled

PAGE = "https://app.example"
OTHER = "https://evil.example"


def gateway(cors: Cors, *methods: str, **rest: Any) -> MadeGateway:
    return MadeGateway(route("/a", *methods, cors=cors, **rest))


def preflight(
    made: MadeGateway, origin: str = PAGE, wanted: str = "GET", headers: str | None = None
) -> Refusal:
    asked = {"origin": origin, "access_control_request_method": wanted}
    if headers is not None:
        asked["access_control_request_headers"] = headers
    answer = made.admit("/a", "OPTIONS", **asked)
    assert isinstance(answer, Refusal)
    return answer


def told(made: MadeGateway, **headers: str) -> dict[str, str] | None:
    access = made.admit("/a", **headers).access
    assert access is not None
    return None if access.cors is None else dict(access.cors)


def test_a_page_that_may_is_told_so_beforehand() -> None:
    cors = Cors((PAGE,), headers=("X-One", "Content-Type"), max_age=60)
    answer = preflight(gateway(cors, "GET", "POST"), wanted="POST", headers="content-type,x-one")
    assert answer.status == 204
    assert dict(answer.headers) == {
        "Access-Control-Allow-Origin": PAGE,
        "Vary": "Origin",
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "X-One, Content-Type",
        "Access-Control-Max-Age": "60",
    }
    assert answer.route == "/a"


@pytest.mark.parametrize(
    ("origin", "wanted", "headers"),
    [
        (OTHER, "GET", None),
        (PAGE + ".evil.example", "GET", None),
        (PAGE.upper(), "GET", None),
        (PAGE + ":443", "GET", None),
        ("null", "GET", None),
        ("", "GET", None),
        (PAGE, "PUT", None),
        (PAGE, "get", None),
        (PAGE, "GET", "X-Two"),
        (PAGE, "GET", "X-One, X Two"),
    ],
)
def test_a_page_that_may_not_is_told_nothing_that_lets_it_in(
    origin: str, wanted: str, headers: str | None
) -> None:
    made = gateway(Cors((PAGE,), methods=("GET",), headers=("X-One",)))
    answer = preflight(made, origin, wanted, headers)
    assert answer.status == 403
    assert dict(answer.headers) == {"Vary": "Origin"}


def test_a_question_beforehand_needs_no_key_and_costs_no_limit() -> None:
    limit = RouteLimit(rate=0.001, burst=1)
    made = gateway(Cors((PAGE,)), "GET", auth=RouteAuth(), limit=limit)
    for _ in range(5):
        assert preflight(made).status == 204
    assert made.gateway.limits()[0].allowed_total == 0
    (row,) = made.gateway.route_stats().rows
    assert row.traffic.status_2xx_total == 5


def test_the_question_is_for_the_route_of_the_method_in_question() -> None:
    made = MadeGateway(
        route("/a", "GET", cors=Cors((PAGE,))),
        route("/a", "POST", cors=Cors((OTHER,))),
        route("/a", "DELETE"),
        route("/a", "OPTIONS"),
    )
    assert preflight(made, PAGE, "GET").status == 204
    assert preflight(made, PAGE, "HEAD").status == 204
    assert preflight(made, PAGE, "POST").status == 403
    assert preflight(made, OTHER, "POST").status == 204
    asked = {"origin": PAGE, "access_control_request_method": "DELETE"}
    made.admitted("/a", "OPTIONS", **asked)  # that route leaves it to its upstream


def test_other_requests_with_options_go_their_usual_way() -> None:
    made = gateway(Cors((PAGE,)), "GET")
    for headers in (
        {"origin": PAGE},
        {"access_control_request_method": "GET"},
        {"origin": PAGE, "access_control_request_method": ""},
        {"origin": PAGE, "access_control_request_method": "G T"},
        {"origin": PAGE, "access_control_request_method": "G" * 33},
        {"origin": PAGE, "access_control_request_method": "PATCH"},
    ):
        outcome = made.admit("/a", "OPTIONS", **headers)
        assert isinstance(outcome, Refusal)
        assert (outcome.status, dict(outcome.headers)) == (405, {"Allow": "GET, HEAD"})


def test_answers_name_the_origin_that_may_read_them() -> None:
    made = gateway(Cors((PAGE, "null"), expose=("X-Total", "X-Page")))
    assert told(made, origin=PAGE) == {
        "Access-Control-Allow-Origin": PAGE,
        "Vary": "Origin",
        "Access-Control-Expose-Headers": "X-Total, X-Page",
    }
    assert told(made, origin="null") == told(made, origin=PAGE) | {  # type: ignore[operator]
        "Access-Control-Allow-Origin": "null"
    }
    assert told(made, origin=OTHER) == {"Vary": "Origin"}
    assert told(made) == {"Vary": "Origin"}


def test_credentials_are_allowed_where_the_route_says_so() -> None:
    made = gateway(Cors((PAGE,), credentials=True))
    name = "Access-Control-Allow-Credentials"
    assert told(made, origin=PAGE)[name] == "true"  # type: ignore[index]
    assert dict(preflight(made).headers)[name] == "true"
    assert name not in told(made, origin=OTHER)  # type: ignore[operator]


def test_any_origin_is_one_answer_for_all() -> None:
    made = gateway(Cors(("*",), headers=("*",)))
    for headers in ({}, {"origin": PAGE}, {"origin": "null"}):
        assert told(made, **headers) == {"Access-Control-Allow-Origin": "*"}
    answer = dict(preflight(made, OTHER, "PUT", "X-Any, Authorization").headers)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Access-Control-Allow-Headers"] == "X-Any, Authorization"


def test_every_answer_of_the_gateway_itself_can_be_read_by_the_page() -> None:
    limit = RouteLimit(rate=0.001, burst=1)
    made = gateway(Cors((PAGE,)), auth=RouteAuth(), limit=limit)
    for status in (401, 429):
        outcome = made.admit("/a", origin=PAGE)
        assert isinstance(outcome, Refusal)
        assert outcome.status == status
        assert outcome.access is not None
        assert dict(outcome.access.cors or ())["Access-Control-Allow-Origin"] == PAGE


def test_a_route_without_cors_leaves_it_to_its_upstream() -> None:
    made = MadeGateway(route("/a", auth=RouteAuth()))
    assert told(made, origin=PAGE) is None


ORIGINS = st.sampled_from([PAGE, OTHER, "null", "http://localhost:3000", "https://b.example"])
HEADERS = st.sampled_from(["X-One", "x-two", "Content-Type", "Authorization"])
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])


@settings(max_examples=scaled(300, 10_000), deadline=None)
@given(
    origins=st.sets(ORIGINS, min_size=1).map(lambda found: tuple(sorted(found))),
    methods=st.sets(METHODS).map(lambda found: tuple(sorted(found))),
    headers=st.sets(HEADERS).map(lambda found: tuple(sorted(found))),
    credentials=st.booleans(),
    origin=ORIGINS,
    wanted=METHODS,
    asked=st.lists(HEADERS, max_size=3),
)
def test_whoever_asks_is_let_in_as_a_browser_would_judge(
    origins: tuple[str, ...],
    methods: tuple[str, ...],
    headers: tuple[str, ...],
    credentials: bool,
    origin: str,
    wanted: str,
    asked: list[str],
) -> None:
    cors = Cors(origins, methods=methods, headers=headers, credentials=credentials)
    answer = preflight(gateway(cors), origin, wanted, ", ".join(asked))
    allowed_methods = set(methods) or {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
    if "GET" in allowed_methods:
        allowed_methods.add("HEAD")
    allowed_headers = {name.lower() for name in headers}
    may = (
        origin in origins
        and wanted in allowed_methods
        and all(name.lower() in allowed_headers for name in asked)
    )
    assert (answer.status == 204) == may
    told = dict(answer.headers)
    assert (told.get("Access-Control-Allow-Origin") == origin) == may
    if may:
        assert wanted in told["Access-Control-Allow-Methods"].split(", ")
        listed = told.get("Access-Control-Allow-Headers", "").lower().split(", ")
        assert all(name.lower() in listed for name in asked)
        assert ("Access-Control-Allow-Credentials" in told) == credentials
