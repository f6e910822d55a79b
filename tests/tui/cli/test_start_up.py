from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from abi_engine.engine import Engine
from abi_engine.features.gateway.api import Route

HEAVY = ("textual", "rich", "numpy", "asyncio", "importlib.metadata")
RUN = """
import json, os, sys
from abi_tui.cli.root import run
code = run(sys.argv[1:])
sys.stdout.flush()
os.write(3, json.dumps(sorted(sys.modules)).encode())
sys.exit(code)
"""


def _loaded(*words: str) -> set[str]:
    """The modules that a command line has loaded when it is done."""
    read, write = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", RUN.replace("3,", f"{write},"), *words],
            pass_fds=(write,),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    finally:
        os.close(write)
    with os.fdopen(read) as pipe:
        return set(json.load(pipe))


def _heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if any(f"{name}.".startswith(f"{one}.") for one in HEAVY)}


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("help",),
        ("help", "--all"),
        ("help", "gateway", "routes"),
        ("help", "gateway", "routes", "add"),
        ("help", "--json"),
        ("help", "exit-codes"),
        ("gateway", "routes", "--help"),
        ("completions", "bash"),
        ("version",),
        ("version", "--json"),
    ],
)
def test_help_loads_neither_what_draws_nor_what_works(words: tuple[str, ...]) -> None:
    modules = _loaded(*words)
    assert _heavy(modules) == set()
    assert "msgspec" not in modules
    engine = {name for name in modules if name.startswith("abi_engine")}
    assert engine <= {
        "abi_engine",
        "abi_engine.core",
        "abi_engine.core.text",
        "abi_engine.version",
    }


def test_the_first_help_loads_no_command() -> None:
    loaded = {name for name in _loaded("--help") if name.startswith("abi_tui.cli.commands.")}
    assert loaded == set()


def test_the_test_sees_what_is_loaded() -> None:
    assert "msgspec" in _loaded("config", "path")


def test_a_tab_that_asks_the_engine_loads_no_engine(engine: Engine) -> None:
    engine.gateway.add_route(Route("/x", ("http://127.0.0.1:9",)))
    modules = _loaded("completions", "values", "routes")
    assert _heavy(modules) == set()
    assert "abi_engine.engine" not in modules
    assert "abi_engine.features.gateway.gateway" not in modules


def test_a_command_to_a_running_engine_loads_no_engine(engine: Engine) -> None:
    modules = _loaded("gateway", "routes", "list")
    assert _heavy(modules) == set()
    assert "abi_engine.engine" not in modules


def test_command_modules_import_nothing_but_click_and_the_frame() -> None:
    allowed = ("__future__", "typing", "click", "abi_tui.cli")
    commands = Path(__file__).parents[3] / "abi_tui" / "cli" / "commands"
    for file in commands.glob("*.py"):
        for text in file.read_text().splitlines():
            if text.startswith(("import ", "from ")):
                assert text.split()[1].startswith(allowed), f"{file.name}: {text}"
