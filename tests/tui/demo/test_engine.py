from __future__ import annotations

import os
from pathlib import Path

from abi_engine.core.clock import SystemClock
from abi_tui.demo.engine import DemoEngine
from abi_tui.demo.upstreams import Role

URLS = {role: f"http://127.0.0.1:{9 + number}" for number, role in enumerate(Role)}


def _started(place: Path) -> DemoEngine:
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(place)}
    return DemoEngine.start(URLS, environment, SystemClock())


def test_the_directory_for_its_socket_is_gone_with_it(tmp_path: Path) -> None:
    engine = _started(tmp_path)
    assert Path(engine.socket).parent == tmp_path / "abi"
    engine.close()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "abi").mkdir(mode=0o700)
    _started(tmp_path).close()
    assert list(tmp_path.iterdir()) == [tmp_path / "abi"]


def test_a_directory_that_another_engine_uses_by_now_stays(tmp_path: Path) -> None:
    engine = _started(tmp_path)
    (tmp_path / "abi" / "other.sock").touch()
    engine.close()
    assert (tmp_path / "abi" / "other.sock").exists()
