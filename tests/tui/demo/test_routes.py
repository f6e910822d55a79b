"""The gateway's configuration in the demo, read and used by a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from abi_engine import Engine, EngineConfig, load
from abi_engine.features.gateway.api import Balance, LimitBy
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.runtime.limiter import LimitKind
from abi_tui.demo.routes import RESET_TIMEOUT, abi_toml
from abi_tui.demo.shots import shots
from abi_tui.demo.steering import Steering
from abi_tui.demo.upstreams import Role

URLS = {role: f"http://127.0.0.1:{number}" for number, role in enumerate(Role, 9001)}


@pytest.fixture
def config(tmp_path: Path) -> EngineConfig:
    file = tmp_path / "abi.toml"
    file.write_text(abi_toml(URLS))
    return load(file, environ={}, data_dir=tmp_path / "data")


@pytest.fixture
def gateway(config: EngineConfig) -> GatewayConfig:
    return config.section("gateway", GatewayConfig)


@pytest.fixture
def engine(gateway: GatewayConfig) -> Iterator[Engine]:
    with Engine(EngineConfig(sections={"gateway": gateway})) as engine:
        yield engine


def test_every_port_is_a_free_one(config: EngineConfig, gateway: GatewayConfig) -> None:
    assert gateway.port == 0
    assert config.service.admin_port == 0


def test_there_are_breakers_that_reset_soon(gateway: GatewayConfig) -> None:
    assert gateway.breaker.reset_timeout == RESET_TIMEOUT == 8


def test_there_is_something_of_everything_to_see(gateway: GatewayConfig) -> None:
    routes = gateway.routes
    assert 12 <= len([route for route in routes if not route.path.startswith("/demo/")]) <= 16
    assert {url for route in routes for url in route.upstreams} == set(URLS.values())
    assert {route.limit.kind for route in routes if route.limit} == set(LimitKind)
    assert {route.limit.by for route in routes if route.limit} >= {LimitBy.ADDRESS, LimitBy.ROUTE}
    assert {Balance.ROUND_ROBIN, Balance.LEAST_IN_FLIGHT, Balance.WEIGHTED} <= {
        route.balance for route in routes if len(route.upstreams) > 1
    }


def test_how_to_steer_it_is_written_on_top() -> None:
    head = abi_toml(URLS).partition("[")[0]
    assert "/demo/pause" in head
    assert "/demo/recover" in head


def test_all_that_is_asked_has_a_route_but_what_is_wrong_on_purpose(engine: Engine) -> None:
    for shot in islice(shots(7), 3000):
        match = engine.gateway.match_route(shot.path.partition("?")[0], shot.method)
        wrong = shot.path.startswith("/old/") or (shot.method, shot.path) == (
            "DELETE",
            "/users/list",
        )
        assert (match is None) is wrong, shot


def test_every_route_but_the_control_desk_is_asked_for(engine: Engine) -> None:
    asked = set()
    for shot in islice(shots(7), 3000):
        match = engine.gateway.match_route(shot.path.partition("?")[0], shot.method)
        if match is not None:
            asked.add((match.route.path, match.route.methods))
    rest = {(route.path, route.methods) for route in engine.gateway.routes()} - asked
    steering = {(f"/demo/{word}", ("POST",)) for word in Steering}
    assert rest == steering | {("/demo/status", ("GET",))}
