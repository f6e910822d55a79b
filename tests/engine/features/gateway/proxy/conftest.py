"""A running proxy for each test, and the proof that it leaves nothing behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from abi_engine.runtime.loops import LoopThread
from tests.engine.features.gateway.proxy.stage import Stage


@pytest.fixture(scope="session", autouse=True)
def _first_loop() -> None:
    """The first loop of a process opens a pipe for signals that stays open."""
    thread = LoopThread("first")
    thread.start()
    thread.stop()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    threads, files = set(threading.enumerate()), _open_files()
    stage = Stage(tmp_path)
    try:
        yield stage
    finally:
        stage.close()
    if _open_files() > files:
        gc.collect()  # of what the test itself has forgotten
    assert not set(threading.enumerate()) - threads, "a thread was left behind"
    assert _open_files() <= files, "a file or socket was left behind"
    assert stage.admitter.connections == 0, "a client's connection was left behind"
    assert len(stage.admitter.finished) == stage.admitter.admitted, "a request was not finished"


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
