from __future__ import annotations

from abi_engine.features.gateway.api import Route
from abi_engine.features.gateway.route import (
    Balance,
    Concurrency,
    Cors,
    HeaderRules,
    HealthCheck,
    Retries,
    RouteAuth,
    Timeouts,
    UpstreamTls,
)
from abi_tui.views.route_settings import route_settings

PLAIN = Route("/x", ("http://127.0.0.1:1",))
FULL = Route(
    "/x",
    ("https://127.0.0.1:1",),
    balance=Balance.CONSISTENT_HASH,
    hash_header="X-User",
    strip_prefix="/x",
    preserve_host=True,
    auth=RouteAuth(keys=("ci",)),
    cors=Cors(origins=("https://app.example",)),
    concurrency=Concurrency(limit=10, queue=5),
    health_check=HealthCheck(path="/up\x1b"),
    retries=Retries(attempts=2, statuses=(503,)),
    upstream_tls=UpstreamTls(verify=False, ca="/ca.pem", server_name="a.example"),
    request_headers=HeaderRules(set={"Authorization": "Bearer secret"}, remove=("Cookie",)),
    response_headers=HeaderRules(add={"X-A": "b"}),
    upgrades=(),
    max_body=1 << 20,
    timeouts=Timeouts(total=9.0),
)


def shown(route: Route) -> dict[str, str]:
    return {one.label: one.cell.text for one in route_settings(route)}


def test_a_route_with_defaults_has_nothing_to_say() -> None:
    assert shown(PLAIN) == {}


def test_whatever_was_set_is_said_plainly() -> None:
    found = shown(FULL)
    assert found["balance"] == "consistent hash of X-User"
    assert found["host"] == "the client's is forwarded"
    assert found["keys"] == "ci"
    assert found["origins"] == "https://app.example"
    assert found["turns"] == "10 at once, 5 may wait 5 s"
    assert found["retries"] == "2 more upstreams, after 503"
    assert found["upstream TLS"] == "not verified: any server is trusted"
    assert found["upstream CA"] == "/ca.pem"
    assert found["its name"] == "a.example"
    assert found["request headers"] == "without Cookie; set Authorization"
    assert found["response headers"] == "added X-A"
    assert found["upgrades"] == "none"
    assert found["timeouts s"].endswith("total 9")


def test_no_value_of_a_header_is_shown_and_nothing_acts() -> None:
    text = " ".join(shown(FULL).values())
    assert "secret" not in text
    assert "\x1b" not in text
    assert shown(FULL)["health check"].endswith("every 10 s, 2 s each; bad after 3, good after 2")


def test_no_retries_are_said() -> None:
    assert shown(Route("/x", PLAIN.upstreams, retries=Retries(attempts=0)))["retries"] == "none"


def test_weights_are_listed() -> None:
    route = Route(
        "/x",
        ("http://127.0.0.1:1", "http://127.0.0.1:2"),
        balance=Balance.WEIGHTED,
        weights=(3, 1),
    )
    assert shown(route) == {"balance": "weighted", "weights": "3, 1"}
