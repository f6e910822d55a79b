"""Who imports whom: the contracts of pyproject.toml, and what is really loaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DRAWING = {"click", "textual", "rich"}
HEAVY = DRAWING | {"asyncio", "importlib.metadata", "msgspec", "numpy", "uvloop", "httptools"}

ALL_MODULES = """
import importlib, pkgutil, {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    importlib.import_module(module.name)
"""


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running `code`."""
    child = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print('\\n'.join(sys.modules))"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    return set(child.stdout.split())


def check_contracts(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over a tree."""
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"]
    environ = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    return subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True)


def test_the_import_contracts_are_kept() -> None:
    checked = check_contracts(ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("abi_engine/core/text.py", "import abi_engine.engine"),
        ("abi_engine/measure/histogram.py", "import abi_engine.structures.radix_tree"),
        ("abi_engine/runtime/breaker.py", "import abi_tui"),
        ("abi_engine/config.py", "import click"),
        ("abi_tui/views/table.py", "import rich"),
        ("abi_tui/cli/exits.py", "import abi_tui.dashboard"),
        ("abi_tui/demo/stage.py", "import abi_engine.features.gateway.gateway"),
    ],
)
def test_an_import_against_the_contracts_is_caught(tmp_path: Path, module: str, line: str) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("abi_engine", "abi_tui"):
        shutil.copytree(ROOT / package, tmp_path / package)
    with (tmp_path / module).open("a") as source:
        source.write(f"\n{line}\n")
    checked = check_contracts(tmp_path)
    imported = line.removeprefix("import ")
    assert checked.returncode == 1
    assert f"{module.removesuffix('.py').replace('/', '.')} -> {imported}" in checked.stdout


def test_no_module_of_the_engine_loads_a_library_that_draws() -> None:
    assert not loaded_by(ALL_MODULES.format(package="abi_engine")) & DRAWING


def test_no_view_loads_a_library_that_draws() -> None:
    assert not loaded_by(ALL_MODULES.format(package="abi_tui.views")) & DRAWING


@pytest.mark.parametrize(
    "code", ["import abi_engine", "import abi_tui", "import abi_engine.catalogue"]
)
def test_what_is_imported_to_be_asked_for_more_is_light(code: str) -> None:
    assert not loaded_by(code) & HEAVY


def test_a_contract_loads_nothing_that_opens_a_socket() -> None:
    loaded = loaded_by("import abi_engine.features.gateway.api, abi_engine.system")
    assert not loaded & {"asyncio", "uvloop", "httptools", "numpy", "socket"}


def test_a_public_name_loads_its_own_module_only() -> None:
    loaded = loaded_by("from abi_engine import AbiError")
    assert "abi_engine.core.errors" in loaded
    assert "abi_engine.engine" not in loaded
