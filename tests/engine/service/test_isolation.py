"""What a client loads, and what the type checkers say of calls that it cannot make."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from abi_engine.catalogue import BUILT_IN
from abi_engine.engine import EngineApi
from abi_engine.service.client import Client

ROOT = Path(__file__).parents[3]
HEAVY = {"asyncio", "uvloop", "httptools", "numpy", "concurrent.futures", "importlib.metadata"}


def loaded_by(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    return set(ast.literal_eval(done.stdout))


def test_a_client_loads_no_implementation_and_no_event_loop() -> None:
    code = (
        "from abi_engine.service.client import Client\n"
        "from abi_engine.service.connect import connect\n"
        "from abi_engine.catalogue import BUILT_IN\n"
        "client = Client('x')\n"
        "[getattr(client, row.name) for row in BUILT_IN if row.built]; client.system"
    )
    loaded = loaded_by(code)
    assert not HEAVY & loaded
    assert "abi_engine.engine" not in loaded
    parts = ("", ".api", ".route", ".reports")
    allowed = {f"abi_engine.features.{row.name}{part}" for row in BUILT_IN for part in parts}
    assert {name for name in loaded if name.startswith("abi_engine.features.")} <= allowed


def test_a_client_and_the_engines_contract_have_the_same_names() -> None:
    promised = {name for name, value in vars(EngineApi).items() if isinstance(value, property)}
    assert promised == {"system"} | {row.name for row in BUILT_IN if row.built}
    tree = ast.parse(Path(sys.modules[Client.__module__].__file__ or "").read_text())
    declared = {
        node.target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.annotation, ast.Name)
        and node.annotation.id.endswith("Api")
    }
    assert declared == promised


SNIPPET = """
from abi_engine.engine import Engine, EngineApi
from abi_engine.features.gateway.api import GatewayStats, Route
from abi_engine.service.client import Client
from abi_engine.service.connect import connect

with connect("x") as engine:
    stats: GatewayStats = engine.gateway.stats()
    engine.gateway.add_route(Route("/", ("http://a",)))
    engine.gateway.start()                          # ERROR: Python-only
    engine.gateway.health()                         # ERROR: Python-only
    engine.gateway.add_route("/")                   # ERROR: no route
    engine.gateway.match_route(3)                   # ERROR: no path
    engine.gatewy                                   # ERROR: misspelt
    engine.system.stop(30.0)                        # ERROR: by keyword only
    number: int = engine.gateway.stats()            # ERROR: another type
    for report in engine.system.watch():
        report.nubmer                               # ERROR: misspelt
client = Client("x")
client.gateway.stats()
client.gateway.start()                              # ERROR: Python-only
client.gatewy                                       # ERROR: misspelt
api: EngineApi = client
other: EngineApi = Engine()
Engine().gateway.start()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "tool", [("mypy", "--strict", "--no-incremental"), ("pyright",)], ids=["mypy", "pyright"]
)
def test_a_type_checker_finds_exactly_the_wrong_calls(
    tool: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "snippet.py"
    file.write_text(SNIPPET)
    command = [str(Path(sys.executable).parent / tool[0]), *tool[1:], str(file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=110)
    lines = [line for line in done.stdout.splitlines() if "snippet.py:" in line]
    found = {int(line.split("snippet.py:")[1].split(":")[0]) for line in lines if "error" in line}
    wrong = {n for n, line in enumerate(SNIPPET.splitlines(), 1) if "# ERROR" in line}
    assert found == wrong, done.stdout + done.stderr
