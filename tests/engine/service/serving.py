"""Engines in processes of their own, for tests; none outlives its test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from abi_engine.runtime.data_directory import DataDirectory
from abi_engine.service.launch import ENGINE, Launched, detach
from tests.engine.service.conftest import until

QUIET = ("--set", "features.gateway=false", "--set", "service.admin=false")


class Engines:
    """Starts engines and remembers them.

    Args:
        data_dir: where they live unless told otherwise.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._pids: list[int] = []

    def start(self, *options: str, data_dir: Path | None = None, **how: Any) -> Launched:
        where = data_dir or self.data_dir
        launched = detach((*ENGINE, "--data-dir", str(where), *(options or QUIET)), **how)
        self._pids.append(launched.ready.pid)
        return launched

    def kill(self, launched: Launched, number: signal.Signals = signal.SIGKILL) -> None:
        os.kill(launched.ready.pid, number)

    def until_gone(self, launched: Launched) -> None:
        """Until the process is gone, and with its last thread its lock."""
        pid = launched.ready.pid
        until(lambda: not alive(pid) and DataDirectory(self.data_dir).holder() != pid)

    def end(self) -> None:
        for pid in self._pids:
            if alive(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(alive, self._pids)))


def alive(pid: int) -> bool:
    """Whether a process runs; one that init has not collected yet does not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] not in ("Z", "X")


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[Engines]:
    engines = Engines(tmp_path / "data")
    yield engines
    engines.end()
