"""Lists the suites and runs them. Refuses to load one before it is asked for."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from importlib import import_module
from random import Random
from typing import Final

from abi_engine.benches.case import Workbench
from abi_engine.benches.reports import BenchReport, Suite
from abi_engine.benches.run import run
from abi_engine.benches.suites import ROUNDS, SUITES

_BY_ROOT: Final = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where servers are on Debian, and not on the path of everybody."""


def suites() -> tuple[Suite, ...]:
    """Every suite."""
    return tuple(Suite(row.name, row.summary, bool(row.module)) for row in SUITES)


def run_suite(
    name: str,
    *,
    rivals: bool,
    rounds: int = ROUNDS,
    tell: Callable[[str], object] = lambda _: None,
) -> BenchReport:
    """Run a suite that is built, on this machine and in this thread.

    Args:
        name: of the suite.
        rivals: measure others beside.
        rounds: how often each side is measured.
        tell: told what is measured next.

    Raises:
        KeyError: there is no such suite, or it is planned.
    """
    modules = {row.name: row.module for row in SUITES if row.module}
    module = import_module(f"abi_engine.benches.{modules[name]}")
    workbench = Workbench(rivals, time.thread_time, find_program)
    return run(name, module.CASES, workbench, rounds, Random(), tell)  # noqa: S311 - an order


def find_program(name: str) -> str | None:
    """Where a program is, servers included."""
    path = os.environ.get("PATH", os.defpath)
    return shutil.which(name, path=os.pathsep.join((path, *_BY_ROOT)))
