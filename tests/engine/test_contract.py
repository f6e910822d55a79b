"""Every operation of every feature: embedded, through a client, with a bad value, and switched off.

A new operation needs a line in `EXAMPLES` and one in `BAD`, or a reason in `NO_BAD_VALUE`.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import msgspec
import pytest

from abi_engine.catalogue import BUILT_IN, Row
from abi_engine.config import EngineConfig
from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import (
    AbiError,
    FeatureDisabled,
    FeaturePlanned,
    InvalidArguments,
    NotFound,
)
from abi_engine.core.operation import Operation, operations
from abi_engine.core.stream import Stream
from abi_engine.engine import Engine
from abi_engine.features.gateway.api import NewApiKey, Route, RouteSort
from abi_engine.introspection import System
from abi_engine.runtime.breaker import BreakerState
from abi_engine.service.client import Client
from abi_engine.service.server import Server
from abi_engine.system import EngineStatus, Report, SystemApi

BUILT = tuple(row for row in BUILT_IN if row.built)
PLANNED = tuple(row for row in BUILT_IN if not row.built)
ROUTE = Route("/users/{id}", ("http://127.0.0.1:9",), methods=("GET",))
UPSTREAM = "http://127.0.0.1:9"


class Member(NamedTuple):
    """An operation, whose, and who implements it."""

    feature: str
    op: Operation

    @property
    def name(self) -> str:
        return f"{self.feature}.{self.op.name}"


def members() -> Iterator[Member]:
    for op in operations(SystemApi):
        yield Member("system", op)
    for row in BUILT:
        for op in operations(row.api):
            yield Member(row.name, op)


ALL = tuple(members())
OF_FEATURES = tuple(member for member in ALL if member.feature != "system")

EXAMPLES: dict[str, dict[str, Any]] = {
    "system.status": {},
    "system.report": {},
    "system.reports": {"since": 3, "limit": 10},
    "system.watch": {"interval": 1.0},
    "system.events": {"limit": 5, "source": "engine"},
    "system.watch_events": {"source": "engine"},
    "system.logs": {"limit": 3},
    "system.watch_logs": {},
    "system.settings": {},
    "system.set_feature": {"name": "gateway", "enabled": True},
    "system.reload": {},
    "system.stop": {"deadline": 1.0},
    "gateway.add_route": {"route": Route("/new/*", ("http://127.0.0.1:9/prefix",))},
    "gateway.remove_route": {"path": "/users/{id}"},
    "gateway.set_route_enabled": {"path": "/users/{id}", "method": "GET", "enabled": False},
    "gateway.routes": {"limit": 10},
    "gateway.route_stats": {"sort": RouteSort.RATE, "filter": "us"},
    "gateway.route_detail": {"path": "/users/{id}"},
    "gateway.match_route": {"path": "/users/%C3%A9", "method": "GET"},
    "gateway.check_rate_limit": {"route": "/users/{id}", "client": "10.0.0.1"},
    "gateway.limits": {},
    "gateway.record_upstream_result": {"upstream": UPSTREAM, "ok": False, "latency": 0.5},
    "gateway.api_keys": {},
    "gateway.add_api_key": {"name": "ci"},
    "gateway.remove_api_key": {"name": "nobody"},
    "gateway.breakers": {},
    "gateway.breaker_state": {"upstream": UPSTREAM},
    "gateway.reset_breaker": {"upstream": UPSTREAM},
    "gateway.force_breaker": {"upstream": UPSTREAM, "state": BreakerState.OPEN},
    "gateway.stats": {},
    "gateway.workers": {},
    "gateway.send_test_request": {"path": "/users/1"},
}

BAD: dict[str, tuple[dict[str, Any], type[AbiError]]] = {
    "system.report": ({"at": float("nan")}, InvalidArguments),
    "system.reports": ({"limit": 0}, InvalidArguments),
    "system.watch": ({"interval": 0.001}, InvalidArguments),
    "system.events": ({"limit": 100_001}, InvalidArguments),
    "system.logs": ({"limit": -1}, InvalidArguments),
    "system.set_feature": ({"name": "gatewy", "enabled": True}, NotFound),
    "system.stop": ({"deadline": -1.0}, InvalidArguments),
    "gateway.add_route": ({"route": Route("no slash", ())}, InvalidArguments),
    "gateway.remove_route": ({"path": 3}, InvalidArguments),
    "gateway.set_route_enabled": ({"path": "/a", "method": None, "enabled": True}, NotFound),
    "gateway.routes": ({"limit": 0}, InvalidArguments),
    "gateway.route_stats": ({"offset": -1}, InvalidArguments),
    "gateway.route_detail": ({"path": "/nowhere"}, NotFound),
    "gateway.match_route": ({"path": "no slash"}, InvalidArguments),
    "gateway.check_rate_limit": ({"route": "/nowhere", "client": "a"}, NotFound),
    "gateway.limits": ({"limit": 10_001}, InvalidArguments),
    "gateway.record_upstream_result": (
        {"upstream": UPSTREAM, "ok": True, "latency": -1.0},
        InvalidArguments,
    ),
    "gateway.add_api_key": ({"name": "a b"}, InvalidArguments),
    "gateway.remove_api_key": ({"name": ""}, InvalidArguments),
    "gateway.breaker_state": ({"upstream": "http://nobody:1"}, NotFound),
    "gateway.reset_breaker": ({"upstream": "http://nobody:1"}, NotFound),
    "gateway.force_breaker": (
        {"upstream": UPSTREAM, "state": BreakerState.HALF_OPEN},
        InvalidArguments,
    ),
    "gateway.send_test_request": ({"path": "/a", "timeout": 0.0}, InvalidArguments),
}

NO_BAD_VALUE = {
    "system.status": "no argument",
    "system.watch_events": "any text may be a source",
    "system.watch_logs": "no argument",
    "system.settings": "no argument",
    "system.reload": "no argument",
    "gateway.api_keys": "no argument",
    "gateway.breakers": "no argument",
    "gateway.stats": "no argument",
    "gateway.workers": "no argument",
}


def engine_with_a_route(**features: bool) -> Engine:
    engine = Engine(EngineConfig(features=features), clock=ManualClock())
    if engine.enabled("gateway"):
        engine.gateway.add_route(ROUTE)
    return engine


@contextmanager
def embedded(**features: bool) -> Iterator[Any]:
    with engine_with_a_route(**features) as engine:
        yield engine


@contextmanager
def remote(**features: bool) -> Iterator[Any]:
    with (
        tempfile.TemporaryDirectory(prefix="abi-") as place,
        engine_with_a_route(**features) as engine,
    ):
        server = Server(engine, Path(place) / "s")
        server.start()
        try:
            with Client(server.path, timeout=30.0) as client:
                yield client
        finally:
            server.stop(10.0)


def call(engine: Any, member: Member, arguments: dict[str, Any]) -> None:
    """Call it; what streams is read, because it may raise there only."""
    result = getattr(getattr(engine, member.feature), member.op.name)(**arguments)
    if isinstance(result, Stream):
        next(result, None)


def outcome(engine: Any, member: Member, arguments: dict[str, Any]) -> object:
    """What a call gives: a value, the first item of a stream, or an error."""
    try:
        result = getattr(getattr(engine, member.feature), member.op.name)(**arguments)
        if isinstance(result, Stream):
            return first_of(result, member)
    except AbiError as error:
        return type(error), error.message, error.hint, error.details, error.retryable
    return comparable(result)


def first_of(stream: Stream[Any], member: Member) -> object:
    with stream:
        if member.op.mark.lossy:  # nothing happens, so there is nothing to wait for
            return "stream"
        return comparable(next(stream, None))


def comparable(value: Any) -> object:
    """Without what differs between two engines, or two moments."""
    if isinstance(value, EngineStatus):
        return type(value), msgspec.structs.replace(value, memory_bytes=0, threads=0, cpu_s=0.0)
    if isinstance(value, NewApiKey):
        return type(value), msgspec.structs.replace(value, key="x" * len(value.key))
    if isinstance(value, Report):
        raw = {name: msgspec.msgpack.decode(raw) for name, raw in value.features.items()}
        return type(value), value.number, value.at, raw, value.events, comparable(value.engine)
    return type(value), value


@pytest.mark.parametrize("table", [EXAMPLES, {**BAD, **NO_BAD_VALUE}], ids=["example", "bad"])
def test_every_operation_is_tried(table: dict[str, Any]) -> None:
    assert set(table) == {member.name for member in ALL}
    assert not set(BAD) & set(NO_BAD_VALUE)


@pytest.mark.parametrize("member", ALL, ids=lambda member: member.name)
def test_an_operation_gives_the_same_embedded_and_through_a_client(member: Member) -> None:
    arguments = EXAMPLES[member.name]
    with embedded() as engine:
        here = outcome(engine, member, arguments)
    with remote() as client:
        there = outcome(client, member, arguments)
    assert there == here


@pytest.mark.parametrize("member", [m for m in ALL if m.name in BAD], ids=lambda m: m.name)
def test_a_bad_value_is_refused_embedded_and_through_a_client(member: Member) -> None:
    arguments, kind = BAD[member.name]
    for way in (embedded, remote):
        with way() as engine, pytest.raises(kind):
            call(engine, member, arguments)


@pytest.mark.parametrize("member", OF_FEATURES, ids=lambda member: member.name)
def test_an_operation_of_a_disabled_feature_names_the_flag(member: Member) -> None:
    for way in (embedded, remote):
        off = way(**{member.feature: False})
        with off as engine, pytest.raises(FeatureDisabled) as caught:
            call(engine, member, EXAMPLES[member.name])
        assert caught.value.details["flag"] == f"features.{member.feature}"
        assert f"features.{member.feature}" in caught.value.hint


@pytest.mark.parametrize("row", BUILT, ids=lambda row: row.name)
def test_a_python_only_name_of_a_disabled_feature_names_the_flag_too(row: Row) -> None:
    ours = {op.name for op in operations(row.api)}
    python_only = [n for n in dir(row.implementation) if not n.startswith("_") and n not in ours]
    assert python_only
    with embedded(**{row.name: False}) as engine:
        for name in python_only:
            with pytest.raises(FeatureDisabled):
                getattr(getattr(engine, row.name), name)


@pytest.mark.parametrize("row", PLANNED, ids=lambda row: row.name)
def test_a_feature_that_is_not_built_says_so(row: Row) -> None:
    with Engine() as engine, pytest.raises(FeaturePlanned) as caught:
        getattr(engine, row.name).anything()
    assert "planned, not built" in caught.value.message


@pytest.mark.parametrize("member", ALL, ids=lambda member: member.name)
def test_the_implementation_defines_the_operation_itself_as_it_was_promised(
    member: Member,
) -> None:
    if member.feature == "system":
        implementation, api = System, SystemApi
    else:
        row = next(row for row in BUILT if row.name == member.feature)
        implementation, api = row.implementation, row.api
    method, promised = getattr(implementation, member.op.name), getattr(api, member.op.name)
    assert method is not promised
    assert get_type_hints(method) == get_type_hints(promised)
    assert parameters(method) == parameters(promised)


def parameters(method: Any) -> list[tuple[str, object, object]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()]
