"""The keys of every JSON document, held in `golden/`: one file a schema, one key a line.

A key may be added, by writing it there; one that is gone or changed needs a new number.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest

from abi_engine.benches.reports import BenchReport, Suite
from abi_engine.config import Setting
from abi_engine.core.events import Event
from abi_engine.engine import Engine
from abi_engine.features.gateway.api import (
    ApiKeyStats,
    GatewayReport,
    GatewayStats,
    LimitStats,
    Match,
    NewApiKey,
    Route,
    RouteDetail,
    RouteStats,
    TestAnswer,
    UpstreamStats,
    WorkerStats,
)
from abi_engine.plugins import Plugin
from abi_engine.runtime.limiter import RateDecision
from abi_engine.system import EngineStatus, FeatureStatus, LogLine, ReloadReport
from abi_engine.toolchain.status import Tool
from abi_engine.toolchain.system_info import SystemInfo
from abi_tui.cli.serving import Served
from tests.tui.cli.conftest import Call, spawn

GOLDEN = Path(__file__).parent / "golden"


class Overview(msgspec.Struct):
    number: int
    engine: EngineStatus
    gateway: GatewayReport | None
    events: tuple[Event, ...]


class Version(msgspec.Struct):
    abi: str
    python: str
    platform: str


class Change(msgspec.Struct):
    dry_run: bool
    steps: tuple[str, ...]
    undo: str
    diff: tuple[str, ...]


class Validation(msgspec.Struct):
    file: str
    valid: bool
    problem: str
    hint: str


class ConfigPath(msgspec.Struct):
    file: str
    found: bool
    data_dir: str


class Web(msgspec.Struct):
    url: str
    pid: int


class Variable(msgspec.Struct):
    name: str
    value: str | None
    key: str


class Script(msgspec.Struct):
    shell: str
    script: str


class Failure(msgspec.Struct):
    code: str
    message: str
    hint: str
    exit_code: int
    category: str
    severity: str
    retryable: bool
    details: dict[str, Any]


# The schema, the type of its data, and a command that gives it.
SCHEMAS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "bench.gateway/1": (BenchReport, ()),
    "bench.list/1": (list[Suite], ("bench", "list")),
    "change/1": (Change, ("stop", "--dry-run")),
    "completions/1": (Script, ("completions", "bash")),
    "config.environment/1": (list[Variable], ("config", "env")),
    "config.path/1": (ConfigPath, ("config", "path")),
    "config.setting/1": (Setting, ("config", "get", "gateway.port")),
    "config.settings/1": (list[Setting], ("config", "show")),
    "config.validate/1": (Validation, ("config", "validate")),
    "dashboard.web/1": (Web, ()),
    "engine.events/1": (list[Event], ("events",)),
    "engine.features/1": (list[FeatureStatus], ("features", "list")),
    "engine.logs/1": (list[LogLine], ("logs",)),
    "engine.overview/1": (Overview, ("dashboard", "--once")),
    "engine.reload/1": (ReloadReport, ("reload",)),
    "engine.served/1": (Served, ()),
    "engine.status/1": (EngineStatus, ("status",)),
    "gateway.breaker/1": (UpstreamStats, ("gateway", "breakers", "show", "{upstream}")),
    "gateway.breakers/1": (list[UpstreamStats], ("gateway", "breakers", "list")),
    "gateway.check/1": (RateDecision, ("gateway", "check", "/x", "me")),
    "gateway.keys/1": (list[ApiKeyStats], ("gateway", "keys", "list")),
    "gateway.limits/1": (list[LimitStats], ("gateway", "limits")),
    "gateway.match/1": (Match, ("gateway", "match", "/x")),
    "gateway.new_key/1": (NewApiKey, ("gateway", "keys", "add", "ci")),
    "gateway.route/1": (RouteDetail, ("gateway", "routes", "show", "/x")),
    "gateway.routes/1": (list[RouteStats], ("gateway", "routes", "list")),
    "gateway.stats/1": (GatewayStats, ("gateway", "stats")),
    "gateway.test/1": (TestAnswer, ("gateway", "test", "/x")),
    "gateway.workers/1": (list[WorkerStats], ("gateway", "workers")),
    "plugins.list/1": (list[Plugin], ("plugins", "list")),
    "system.info/1": (SystemInfo, ("system-info",)),
    "toolchain.status/1": (list[Tool], ("toolchain", "status")),
    "version/1": (Version, ("version",)),
}


def keys(kind: Any, name: str = "") -> Iterator[str]:
    """Every dotted key of a type; `[]` stands for each of a list."""
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind, include_extras=True)
        for field in msgspec.structs.fields(kind):
            yield from keys(hints[field.name], f"{name}.{field.encode_name}".lstrip("."))
        return
    if get_origin(kind) in (list, tuple) and get_args(kind):
        inner = _bare(get_args(kind)[0])
        yield from keys(inner, f"{name}[]" if name else "")
        return
    yield name


def _bare(kind: Any) -> Any:
    if get_origin(kind) is not None and hasattr(kind, "__metadata__"):
        return _bare(get_args(kind)[0])
    if get_origin(kind) is Union or type(kind).__name__ == "UnionType":
        return _bare(next(part for part in get_args(kind) if part is not type(None)))
    return kind


@pytest.mark.parametrize("schema", [*SCHEMAS, "error/1"])
def test_the_keys_of_a_schema_are_those_that_programs_know(schema: str) -> None:
    kind = Failure if schema == "error/1" else SCHEMAS[schema][0]
    found = "".join(f"{key}\n" for key in sorted(keys(kind)))
    file = GOLDEN / f"{schema.replace('/', '-')}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(found)
    assert found == file.read_text(), f"UPDATE_GOLDEN=1 rewrites {file.name}; read the difference"


def test_every_golden_file_is_of_a_schema_that_is_there() -> None:
    names = {f"{schema.replace('/', '-')}.txt" for schema in (*SCHEMAS, "error/1")}
    assert {file.name for file in GOLDEN.iterdir()} == names


@pytest.mark.parametrize("schema", [one for one, row in SCHEMAS.items() if row[1]])
def test_what_a_command_prints_has_its_schema_and_every_key(
    abi: Call, engine: Engine, upstream: str, schema: str
) -> None:
    engine.gateway.add_route(Route("/x", (upstream,)))
    kind, words = SCHEMAS[schema]
    said = abi(*(word.replace("{upstream}", upstream) for word in words), "--json")
    assert said.code == 0, said.err
    document = said.document
    assert set(document) == {"schema", "at", "data"}
    assert document["schema"] == f"abi.{schema}"
    assert document["at"].endswith("Z")
    msgspec.convert(document["data"], kind)
    for key in keys(kind):
        _has(document["data"], key.split("."))


def test_what_serve_prints_has_its_schema_and_every_key() -> None:
    said = spawn("serve", "--detach", "--port", "0", "--set", "service.admin_port=0", "--json")
    try:
        assert said.document["schema"] == "abi.engine.served/1"
        assert set(said.data) == {key.replace("[]", "") for key in keys(Served)}
    finally:
        spawn("stop")


def _has(data: Any, path: list[str]) -> None:
    """The key is there, wherever the things around it are."""
    if data is None or not path:
        return
    if isinstance(data, list):
        for one in data:
            _has(one, path)
        return
    if not isinstance(data, dict):
        return
    name = path[0].replace("[]", "")
    assert name in data, path
    _has(data[name], path[1:])
