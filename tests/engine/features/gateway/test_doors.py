"""Routes that ask for a key let in whoever has one that opens them, and nobody else."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abi_engine.features.gateway.admission import Admission, Refusal
from abi_engine.features.gateway.api import (
    AuthScheme,
    Cors,
    LimitBy,
    RouteAuth,
    RouteLimit,
)
from abi_engine.features.gateway.config import ApiKey
from tests.engine.features.gateway.made_gateway import MadeGateway, route
from tests.scale import scaled

HOLDERS = {"k-one": "one", "k-two": "two", "k-off": "off"}
KEYS = tuple(
    ApiKey(name, sha256(key.encode()).hexdigest(), enabled=name != "off")
    for key, name in HOLDERS.items()
)
BOTH = RouteAuth()
HEADER_ONLY = RouteAuth(accept=(AuthScheme.API_KEY,))
BEARER_ONLY = RouteAuth(accept=(AuthScheme.BEARER,))


def gateway(auth: RouteAuth | None = BOTH, **rest: Any) -> MadeGateway:
    return MadeGateway(route("/a", auth=auth, **rest), keys=KEYS)


def refused(outcome: Admission | Refusal) -> Refusal:
    assert isinstance(outcome, Refusal)
    return outcome


def key_of(outcome: Admission | Refusal) -> str:
    assert outcome.access is not None
    return outcome.access.key


@pytest.mark.parametrize(
    "headers",
    [
        {"x_api_key": "k-one"},
        {"x_api_key": "  k-one "},
        {"authorization": "Bearer k-one"},
        {"authorization": "bearer  k-one"},
        {"authorization": "Bearer k-one", "x_api_key": "k-one"},
        {"authorization": "Basic dTpw", "x_api_key": "k-one"},
        {"authorization": "Bearer", "x_api_key": "k-one"},
    ],
)
def test_a_known_key_is_let_in_wherever_it_may_be(headers: dict[str, str]) -> None:
    admission = gateway().admitted("/a", **headers)
    assert key_of(admission) == "one"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"x_api_key": ""}, 401),
        ({"x_api_key": "\xa0k-one\x85"}, 401),
        ({"authorization": "Bearer \xa0k-one"}, 401),
        ({"x_api_key": "k-none"}, 401),
        ({"x_api_key": "k-one, k-one"}, 401),
        ({"authorization": "Bearer k-none"}, 401),
        ({"authorization": "Basic k-one"}, 401),
        ({"authorization": "k-one"}, 401),
        ({"authorization": "Bearer k-one, Bearer k-one"}, 401),
        ({"authorization": "Bearer k-two", "x_api_key": "k-one"}, 400),
        ({"authorization": "Bearer k-none", "x_api_key": "k-one"}, 400),
        ({"x_api_key": "k-off"}, 403),
    ],
)
def test_nobody_else_is(headers: dict[str, str], status: int) -> None:
    made = gateway()
    outcome = refused(made.admit("/a", **headers))
    assert (outcome.status, outcome.route) == (status, "/a")
    (row,) = made.gateway.route_stats().rows
    assert (row.traffic.requests_total, row.traffic.status_4xx_total) == (1, 1)


@pytest.mark.parametrize(
    ("auth", "headers", "challenge"),
    [
        (BOTH, {}, 'Bearer realm="gateway", ApiKey realm="gateway", header="X-API-Key"'),
        (BEARER_ONLY, {}, 'Bearer realm="gateway"'),
        (
            BEARER_ONLY,
            {"authorization": "Bearer x"},
            'Bearer realm="gateway", error="invalid_token"',
        ),
        (HEADER_ONLY, {}, 'ApiKey realm="gateway", header="X-API-Key"'),
    ],
)
def test_who_has_no_key_is_told_where_it_goes(
    auth: RouteAuth, headers: dict[str, str], challenge: str
) -> None:
    outcome = refused(gateway(auth).admit("/a", **headers))
    assert dict(outcome.headers)["WWW-Authenticate"] == challenge


def test_a_key_elsewhere_than_where_the_route_takes_it_is_none() -> None:
    assert refused(gateway(HEADER_ONLY).admit("/a", authorization="Bearer k-one")).status == 401
    assert refused(gateway(BEARER_ONLY).admit("/a", x_api_key="k-one")).status == 401
    other = RouteAuth(header="X-Token")
    assert refused(gateway(other).admit("/a", x_api_key="k-one")).status == 401
    assert key_of(gateway(other).admitted("/a", x_token="k-one")) == "one"


def test_a_route_may_be_for_some_keys() -> None:
    made = gateway(RouteAuth(keys=("two", "off")))
    assert key_of(made.admitted("/a", x_api_key="k-two")) == "two"
    outcome = refused(made.admit("/a", x_api_key="k-one"))
    assert (outcome.status, key_of(outcome)) == (403, "one")
    assert refused(made.admit("/a", x_api_key="k-off")).status == 403


def test_a_key_that_is_removed_opens_nothing_more() -> None:
    made = gateway()
    new = made.gateway.add_api_key("new")
    assert key_of(made.admitted("/a", x_api_key=new.key)) == "new"
    made.gateway.remove_api_key("new")
    assert refused(made.admit("/a", x_api_key=new.key)).status == 401


@pytest.mark.parametrize(
    ("auth", "headers", "hidden"),
    [
        (BOTH, {"x_api_key": "k-one"}, {b"x-api-key"}),
        (BOTH, {"authorization": "Bearer k-one"}, {b"authorization"}),
        (
            BOTH,
            {"authorization": "Bearer k-one", "x_api_key": "k-one"},
            {b"x-api-key", b"authorization"},
        ),
        (BOTH, {"authorization": "Basic dTpw", "x_api_key": "k-one"}, {b"x-api-key"}),
        (HEADER_ONLY, {"authorization": "Bearer mine", "x_api_key": "k-one"}, {b"x-api-key"}),
        (BEARER_ONLY, {"authorization": "Bearer k-one"}, {b"authorization"}),
        (RouteAuth(forward=True), {"x_api_key": "k-one"}, set()),
    ],
)
def test_the_upstream_sees_no_key_unless_it_shall(
    auth: RouteAuth, headers: dict[str, str], hidden: set[bytes]
) -> None:
    access = gateway(auth).admitted("/a", **headers).access
    assert access is not None
    assert access.hidden == hidden


def test_a_route_without_a_door_costs_nothing() -> None:
    made = gateway(None)
    assert made.admitted("/a", x_api_key="k-one").access is None
    assert all(key.requests_total == 0 for key in made.gateway.api_keys())


def test_guesses_are_limited_by_address() -> None:
    limit = RouteLimit(rate=0.001, burst=3, by=LimitBy.KEY)
    made = gateway(limit=limit)
    statuses = [refused(made.admit("/a", x_api_key=f"guess-{n}")).status for n in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert refused(made.admit("/a", x_api_key="guess", address="10.0.0.2")).status == 401
    for _ in range(3):
        made.admitted("/a", x_api_key="k-one")  # who has a key is not kept out by others' guesses
    assert refused(made.admit("/a", x_api_key="k-one")).status == 429
    (row,) = made.gateway.limits()
    assert row.limited_total == 3


@pytest.mark.parametrize("by", LimitBy)
def test_whatever_a_limit_counts_by_guesses_count_by_address(by: LimitBy) -> None:
    made = gateway(limit=RouteLimit(rate=0.001, burst=1, by=by, header="X-User"))
    statuses = [
        refused(made.admit("/a", address=address, x_user=str(n))).status
        for n, address in enumerate(("10.0.0.1", "10.0.0.1", "10.0.0.2"))
    ]
    assert statuses == [401, 429, 401]


def test_a_limit_by_key_counts_each_key_apart_wherever_it_comes_from() -> None:
    made = gateway(limit=RouteLimit(rate=0.001, burst=2, by=LimitBy.KEY))
    for address in ("10.0.0.1", "10.0.0.2"):
        made.admitted("/a", address=address, x_api_key="k-one")
    assert refused(made.admit("/a", address="10.0.0.3", x_api_key="k-one")).status == 429
    made.admitted("/a", address="10.0.0.3", x_api_key="k-two")
    assert not made.gateway.check_rate_limit("/a", "one").allowed
    assert made.gateway.check_rate_limit("/a", "two").allowed


def test_at_an_open_route_a_limit_by_key_counts_others_by_address() -> None:
    made = gateway(None, limit=RouteLimit(rate=0.001, burst=1, by=LimitBy.KEY))
    made.admitted("/a")
    for key in ("", "k-none", "k-off"):  # a made-up key is no way to a new allowance
        assert refused(made.admit("/a", x_api_key=key)).status == 429
    admission = made.admitted("/a", authorization="Bearer k-one")
    assert admission.access is not None
    assert (admission.access.key, admission.access.hidden) == ("one", frozenset())
    assert refused(made.admit("/a", authorization="Bearer k-one")).status == 429
    made.admitted("/a", address="10.0.0.2")


def test_a_route_that_is_off_asks_for_no_key() -> None:
    made = gateway(enabled=False, cors=Cors(("https://a.example",)))
    outcome = refused(made.admit("/a", origin="https://a.example"))
    assert outcome.status == 503
    assert outcome.access is not None
    assert ("Access-Control-Allow-Origin", "https://a.example") in (outcome.access.cors or ())
    assert all(key.requests_total == 0 for key in made.gateway.api_keys())


SENT = st.sampled_from(["", "k-one", "k-two", "k-off", "k-none", " k-one", "k-one k-two"])


@settings(max_examples=scaled(300, 10_000), deadline=None)
@given(
    accept=st.sampled_from([BOTH.accept, HEADER_ONLY.accept, BEARER_ONLY.accept]),
    names=st.sampled_from([(), ("one",), ("two", "off"), ("gone",)]),
    header=SENT,
    scheme=st.sampled_from(["Bearer", "bearer", "Basic", ""]),
    token=SENT,
)
def test_every_request_is_judged_as_in_the_model(
    accept: tuple[AuthScheme, ...], names: tuple[str, ...], header: str, scheme: str, token: str
) -> None:
    sent = set()
    if AuthScheme.API_KEY in accept and header.strip():
        sent.add(header.strip())
    if AuthScheme.BEARER in accept and scheme.lower() == "bearer" and token.strip():
        sent.add(token.strip())
    name = HOLDERS.get(next(iter(sent)), "") if len(sent) == 1 else ""
    if len(sent) > 1:
        expected = 400
    elif not name:
        expected = 401
    else:
        expected = 200 if name != "off" and (not names or name in names) else 403
    made = gateway(RouteAuth(accept=accept, keys=names))
    headers = {"x_api_key": header, "authorization": f"{scheme} {token}".strip()}
    outcome = made.admit("/a", **headers)
    assert (outcome.status if isinstance(outcome, Refusal) else 200) == expected
    assert key_of(outcome) == (name if expected in (200, 403) else "")


def test_a_route_that_has_no_use_for_keys_looks_for_none() -> None:
    made = gateway(None, cors=Cors(("*",)))
    access = made.admitted("/a", x_api_key="k-one").access
    assert access is not None
    assert (access.key, access.hidden) == ("", frozenset())
    assert all(key.requests_total == 0 for key in made.gateway.api_keys())
