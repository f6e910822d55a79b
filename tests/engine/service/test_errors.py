"""The errors of the whole package, whatever else this process has imported."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import abi_engine.service

MODULES = [one.name for one in pkgutil.walk_packages(abi_engine.__path__, "abi_engine.")]
CODE = """
import importlib, sys
from abi_engine.core.errors import AbiError
for name in sys.argv[1:]:
    importlib.import_module(name)
for kind in set(AbiError.family()):
    print(kind.code, type(AbiError.from_wire(kind("m").to_wire())) is kind)
"""


def test_every_error_of_every_module_has_a_code_of_its_own() -> None:
    service = [name for name in MODULES if name.startswith("abi_engine.service.")]
    assert service
    told = subprocess.run(
        [sys.executable, "-c", CODE, *service, "abi_engine.features.gateway.api"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = told.stdout.split("\n")[:-1]
    assert lines
    assert len({line.split()[0] for line in lines}) == len(lines)
    assert all(line.endswith(" True") for line in lines), told.stdout
