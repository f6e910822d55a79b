"""Another configuration for a gateway at work: what stays, what changes, all of it at once."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pytest

from abi_engine.core.errors import AbiError, InvalidConfig
from abi_engine.features.gateway.admission import Refusal
from abi_engine.features.gateway.api import BreakerState, Route, RouteLimit, RouteOrigin, Timeouts
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.gateway import Gateway
from abi_engine.runtime.breaker import BreakerSettings
from tests.engine.features.gateway.made_gateway import UPSTREAM, MadeGateway, route
from tests.scale import scaled

ROUNDS = scaled(200, 5000)


def paths(made: MadeGateway) -> list[tuple[str, str]]:
    rows = made.gateway.route_stats().rows
    return [(row.path, row.origin.value) for row in rows]


def configure(made: MadeGateway, *routes: Route, **settings: Any) -> None:
    made.gateway.reconfigure(GatewayConfig(routes=routes, **settings))


def test_a_route_that_is_as_before_is_not_touched() -> None:
    made = MadeGateway(route("/a"), route("/b"))
    made.request("/a")
    made.gateway.set_route_enabled("/a", None, False)
    live = made.gateway._table.get("/a")
    configure(made, route("/a"))
    assert made.gateway._table.get("/a") is live
    assert paths(made) == [("/a", "config")]
    assert not made.gateway.route_stats().rows[0].enabled


def test_a_changed_route_keeps_its_counts_and_an_equal_limit_what_it_allowed() -> None:
    limit = RouteLimit(rate=1, burst=2)
    before = route("/a", limit=limit)
    made = MadeGateway(before)
    made.request("/a")
    after = msgspec.structs.replace(before, timeouts=Timeouts(total=1.0))
    configure(made, after)
    row = made.gateway.route_stats().rows[0]
    assert row.traffic.requests_total == 1
    assert not isinstance(made.admit("/a"), Refusal)
    assert isinstance(made.admit("/a"), Refusal), "one of the two was used before"
    configure(made, msgspec.structs.replace(after, limit=RouteLimit(rate=1, burst=5)))
    assert not isinstance(made.admit("/a"), Refusal), "another limit begins anew"


def test_an_upstream_keeps_its_breaker_while_some_route_uses_it() -> None:
    made = MadeGateway(route("/a"))
    for _ in range(5):
        made.gateway.record_upstream_result(UPSTREAM, ok=False)
    assert made.gateway.breaker_state(UPSTREAM) is BreakerState.OPEN
    configure(made, route("/b"))
    assert made.gateway.breaker_state(UPSTREAM) is BreakerState.OPEN
    assert made.gateway.breakers()[0].routes == 1
    configure(made)
    assert made.gateway.breakers() == ()


def test_settings_of_breakers_hold_for_those_that_are_there() -> None:
    made = MadeGateway(route("/a"))
    configure(made, route("/a"), breaker=BreakerSettings(failure_threshold=2, reset_timeout=7.0))
    for _ in range(2):
        made.gateway.record_upstream_result(UPSTREAM, ok=False)
    report = made.gateway.breakers()[0].breaker
    assert (report.state, report.failure_threshold) == (BreakerState.OPEN, 2)
    assert report.next_try_in_s == pytest.approx(7.0)


def test_routes_made_at_run_time_stay_and_come_to_light_again(tmp_path: Path) -> None:
    made = MadeGateway(data_dir=tmp_path)
    made.gateway.add_route(route("/mine", strip_prefix="/mine"))
    configure(made, route("/mine"), route("/theirs"))
    assert paths(made) == [("/mine", "config"), ("/theirs", "config")]
    assert any(event.kind == "route_shadowed" for event in made.events.latest(20))
    configure(made, route("/theirs"))
    assert paths(made) == [("/mine", "runtime"), ("/theirs", "config")]
    again = MadeGateway(data_dir=tmp_path)
    assert [one.strip_prefix for one in again.gateway.routes()] == ["/mine"]


def test_it_is_the_same_in_an_engine_that_lives_in_memory() -> None:
    made = MadeGateway()
    made.gateway.add_route(route("/mine", strip_prefix="/mine"))
    configure(made, route("/mine"))
    configure(made)
    assert paths(made) == [("/mine", RouteOrigin.RUNTIME.value)]
    assert made.gateway.remove_route("/mine")
    configure(made)
    assert paths(made) == []


@pytest.mark.parametrize(
    ("routes", "settings", "words"),
    [
        ((route("/b"), route("/b")), {}, r"gateway\.routes\[1\]"),
        ((route("no slash"),), {}, r"gateway\.routes\[0\]"),
        ((route("/{x}"), route("/b")), {"max_routes": 1}, "max_routes = 1"),
    ],
)
def test_what_cannot_be_used_changes_nothing(
    routes: tuple[Route, ...], settings: dict[str, Any], words: str
) -> None:
    made = MadeGateway(route("/a"))
    made.gateway.add_route(route("/{id}/c", upstreams=("http://127.0.0.1:9002",)))
    before = made.gateway._table.all(), made.gateway.breakers()
    with pytest.raises(InvalidConfig, match=words):
        configure(made, *routes, **settings)
    assert (made.gateway._table.all(), made.gateway.breakers()) == before
    configure(made, route("/a"))


def test_every_change_is_told() -> None:
    made = MadeGateway(route("/changed"), route("/removed"))
    configure(made, route("/changed", "GET"), route("/added"))
    told = {(event.kind, event.subject) for event in made.events.latest(20)}
    assert {("route_added", "/added"), ("route_removed", "/removed")} <= told
    changed = MadeGateway(route("/a"))
    configure(changed, route("/a", strip_prefix="/a"))
    assert changed.events.latest(1)[0].kind == "route_changed"


def test_a_gateway_that_does_not_run_takes_nothing_up() -> None:
    made = MadeGateway(route("/a"))
    made.gateway.stop(1.0)
    configure(made, route("no slash"))
    assert [one.path for one in made.gateway.routes()] == ["/a"]


def test_every_request_sees_all_the_old_routes_or_all_the_new_ones() -> None:
    """Both sets answer `/same/path`, by patterns that cannot stand beside each other."""
    old = (route("/{a}/path"), route("/old"))
    new = (route("/{b}/path"), route("/new"))
    made = MadeGateway(*old)
    wrong: list[object] = []
    over = Event()

    def ask(gateway: Gateway) -> None:
        while not over.is_set():
            match = gateway.match_route("/same/path")
            if match is None or match.route.path not in ("/{a}/path", "/{b}/path"):
                wrong.append(match)

    threads = [Thread(target=ask, args=(made.gateway,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(ROUNDS):
            configure(made, *(new if number % 2 == 0 else old))
    finally:
        over.set()
        for thread in threads:
            thread.join(10)
    assert wrong == []


def test_keys_are_checked_before_anything_changes() -> None:
    from abi_engine.features.gateway.config import ApiKey

    made = MadeGateway(route("/a"))
    twice = (ApiKey("ci", "0" * 64), ApiKey("ci", "1" * 64))
    with pytest.raises(AbiError, match="ci"):
        configure(made, route("/b"), keys=twice)
    assert paths(made) == [("/a", "config")]
