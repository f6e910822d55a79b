"""Planted secrets, looked for in everything that is told: on every way out, in every form."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from abi_engine.config import load
from abi_engine.core.secret import HIDDEN
from abi_engine.engine import Engine
from abi_engine.features.gateway.api import HeaderRules, InvalidRoute, Route
from abi_engine.service.connect import connect
from abi_engine.service.reload import reload
from abi_engine.system import ReloadReport
from abi_tui.cli.exits import Exit
from abi_tui.cli.failures import fail
from abi_tui.cli.invocation import Invocation
from abi_tui.recordings.reader import Recording
from abi_tui.recordings.writer import RecordingWriter
from tests.tui.cli.conftest import Call, Said

pytestmark = pytest.mark.slow

PLANTED = "planted-Zq7"
DIGEST = sha256(PLANTED.encode()).hexdigest()
FILE = f"""
[gateway]
port = 0
[[gateway.keys]]
name = "me"
sha256 = "{DIGEST}"
[[gateway.routes]]
path = "/configured"
upstreams = ["http://127.0.0.1:1"]
[gateway.routes.request_headers]
set = {{ "X-Upstream" = "{PLANTED}-1", Authorization = 'Bearer {PLANTED}-2' }}
[gateway.routes.response_headers.add]
X-Answer = "\\u0070lanted-Zq7-3"
[service]
admin_port = 0
"""
MADE = Route(
    "/made",
    ("http://127.0.0.1:1",),
    request_headers=HeaderRules(set={"X-Upstream": PLANTED}, add={"X-Also": PLANTED}),
)
ROUTES = "gateway.routes"
RULES = f"{ROUTES}[0].request_headers"
COMMANDS = (
    ("config", "show", "--origin"),
    ("config", "show", "gateway", "--running"),
    ("config", "get", "gateway"),
    ("config", "get", "gateway.keys"),
    ("config", "get", "gateway.keys[0].sha256"),
    ("config", "get", ROUTES),
    ("config", "get", f"{ROUTES}[0]"),
    ("config", "get", RULES),
    ("config", "get", f"{RULES}.set"),
    ("config", "get", f"{RULES}.set.X-Upstream"),
    ("config", "set", f"{RULES}.set.X-Upstream", f"{PLANTED}-new", "--dry-run"),
    ("config", "set", f"{RULES}.set", f'{{"X-New": "{PLANTED}"}}', "--dry-run"),
    ("config", "set", f"{RULES}.set", f"{PLANTED}"),
    ("config", "set", RULES, "--remove", "--dry-run"),
    ("config", "set", ROUTES, "--remove", "--dry-run"),
    ("config", "set", "gateway.keys[0].sha256", PLANTED),
    ("config", "validate"),
    ("config", "env"),
    ("dashboard", "--once"),
    ("dashboard", "--once", "--screen", "config"),
    ("dashboard", "--once", "--screen", "gateway"),
    ("gateway", "routes", "list"),
    ("gateway", "routes", "show", "/configured"),
    ("gateway", "routes", "show", "/made"),
    ("gateway", "match", "/made"),
    ("gateway", "breakers"),
    ("gateway", "keys", "list"),
    ("gateway", "events"),
    ("gateway", "stats"),
    ("logs",),
    ("reload",),
    ("status",),
)


@pytest.fixture
def served(config_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    config_file.write_text(FILE)
    monkeypatch.setenv("ABI_SERVICE__TOKEN_FILE", "")

    def again(engine: Engine) -> ReloadReport:
        return reload(engine, lambda: load(environ=os.environ))

    with Engine(load(environ=os.environ), control=True, reloader=again) as engine:
        engine.gateway.add_route(MADE)
        yield engine


def clean(told: object) -> str:
    """The text of what was told, once nothing planted was found in it."""
    text = told if isinstance(told, str) else repr(told)
    assert PLANTED not in text, text
    assert DIGEST not in text, text
    return text


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("form", [(), ("--json",), ("--format", "csv")], ids=str)
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_tells_a_secret(
    abi: Call, words: tuple[str, ...], form: tuple[str, ...]
) -> None:
    said: Said = abi(*words, *form)
    assert said.out or said.err
    clean(said.out)
    clean(said.err)


def test_what_is_hidden_is_seen_to_be_there(abi: Call, served: Engine) -> None:
    assert served.gateway.routes()
    rules = abi("gateway", "routes", "show", "/made", "--json").data["route"]["request_headers"]
    assert rules == {"set": {"X-Upstream": HIDDEN}, "add": {"X-Also": HIDDEN}, "remove": []}
    assert abi("config", "get", f"{RULES}.set.X-Upstream").out == f'"{HIDDEN}"\n'
    assert abi("config", "get", "gateway.keys[0].name").out == '"me"\n'


@pytest.mark.usefixtures("served")
def test_a_variable_with_a_secret_inside_is_not_told(
    abi: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABI_GATEWAY__KEYS", f'[{{"name": "me", "sha256": "{DIGEST}"}}]')
    for form in ((), ("--json",)):
        assert HIDDEN in clean(abi("config", "env", "--set-only", *form).out)
    monkeypatch.setenv("ABI_GATEWAY__KEYS", f'[{{"name": "me", "sha256": "{PLANTED}"}}]')
    said = abi("config", "show", "--json")
    assert said.code == Exit.USAGE
    clean(said.err)


def test_an_edit_shows_no_secret(
    abi: Call, served: Engine, config_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served.gateway.routes()
    script = config_file.with_name("editor.sh")
    script.write_text(f"#!/bin/sh\nsed -i 's/{PLANTED}-1/{PLANTED}-9/; s/u0070/u0070/' \"$1\"\n")
    script.chmod(0o700)
    monkeypatch.setenv("EDITOR", str(script))
    monkeypatch.delenv("VISUAL", raising=False)
    said = abi("config", "edit", "--dry-run", "--json")
    assert any(line.startswith("+set") for line in said.data["diff"]), said
    assert HIDDEN in clean(said.out)


def test_nothing_that_an_engine_tells_has_a_secret(served: Engine) -> None:
    with connect(served.data_dir) as client:
        for engine in (client, served):
            gateway, system = engine.gateway, engine.system
            assert HIDDEN in clean(gateway.routes())
            assert HIDDEN in clean(gateway.route_detail("/configured"))
            assert HIDDEN in clean(gateway.match_route("/made"))
            assert HIDDEN in clean(system.settings())
            clean(gateway.route_stats())
            clean(gateway.api_keys())
            clean(system.report())
            clean(system.events())
            clean(system.logs())


def test_a_route_as_it_is_told_is_not_taken_for_the_route(served: Engine) -> None:
    told = next(route for route in served.gateway.routes() if route.path == "/made")
    served.gateway.remove_route("/made")
    with pytest.raises(InvalidRoute, match="give the value itself"):
        served.gateway.add_route(told)


def test_a_route_with_rules_is_no_hindrance_to_another(abi: Call, served: Engine) -> None:
    said = abi("gateway", "routes", "add", "/other", "http://127.0.0.1:2", "--json")
    assert said.code == Exit.DONE, said.err
    assert served.data_dir is not None
    assert PLANTED in (served.data_dir / "routes.toml").read_text()  # the route itself has lasted


def test_a_route_that_cannot_be_read_is_not_told(
    abi: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules: list[Any] = [PLANTED, {"set": PLANTED}, {"set": {"X-A": [PLANTED]}}]
    for given in rules:
        route = {"path": "/a", "upstreams": ["http://127.0.0.1:1"], "request_headers": given}
        text = io.TextIOWrapper(io.BytesIO(json.dumps(route).encode()))
        monkeypatch.setattr("sys.stdin", text)
        said = abi("gateway", "routes", "add", "-")
        assert said.code != Exit.DONE
        clean(said.err)


def test_a_recording_has_no_secret(served: Engine, tmp_path: Path) -> None:
    path = tmp_path / "recording.abi"
    with connect(served.data_dir) as client:
        report = client.system.report()
        writer = RecordingWriter(path, name="engine", interval=1.0, size=1 << 20)
        writer.add(report)
        writer.close()
    with Recording(path) as recording:
        clean(msgspec.msgpack.encode(recording.report()).decode("latin-1"))


def test_the_file_with_a_traceback_has_no_secret(
    served: Engine,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(kept))
    system, gateway = served.system, served.gateway
    fail(ZeroDivisionError(f"{system.settings()} {gateway.routes()}"), Invocation(), ())
    clean(capsys.readouterr().err)
    (file,) = kept.iterdir()
    assert HIDDEN in clean(file.read_text())
