"""A served engine in this process: its listeners come and go with it."""

from __future__ import annotations

import json
import logging
import os
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from abi_engine.config import EngineConfig, load
from abi_engine.core.errors import AddressInUse, InvalidConfig
from abi_engine.core.feature import State
from abi_engine.engine import Engine
from abi_engine.runtime.data_directory import DataDirectory
from abi_engine.service.client import Client
from abi_engine.service.places import socket_names
from abi_engine.settings import ServiceSection
from tests.engine.service.conftest import CATALOGUE

FREE = {"service.admin_port": "0"}


def served(data_dir: Path | None, *, strict: bool = True, **flags: str) -> Any:
    settings = FREE | {name.replace("__", "."): value for name, value in flags.items()}
    if data_dir is None:
        config = EngineConfig(sections={"service": _service()})
    else:
        config = load(environ={}, data_dir=data_dir, flags=settings, cwd=data_dir)
    return Engine(config, catalogue=CATALOGUE, control=True, strict=strict)


def _service() -> Any:
    return ServiceSection(admin_port=0)


def fetch(url: str, token: str = "") -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_a_served_engine_listens_and_says_where(tmp_path: Path) -> None:
    with served(tmp_path) as engine:
        assert engine.socket in {str(path) for path in socket_names(tmp_path, os.environ)}
        with Client(engine.socket, timeout=10.0, catalogue=CATALOGUE) as client:
            status = client.system.status()  # type: ignore[attr-defined]
            assert (status.socket, status.admin) == (engine.socket, engine.admin)
            assert engine.clients == 1
        path = engine.socket
    assert not Path(path).exists()
    assert (engine.socket, engine.admin, engine.clients) == ("", "", 0)
    assert DataDirectory(tmp_path).holder() is None


def test_health_tells_of_every_feature_that_runs(tmp_path: Path) -> None:
    with served(tmp_path) as engine:
        code, body = fetch(f"{engine.admin}/healthz")
        assert (code, json.loads(body)["features"]) == (200, {})
        engine.ticker.count()
        code, body = fetch(f"{engine.admin}/healthz")
        assert json.loads(body)["features"]["ticker"]["ok"] is True
        engine.ticker._probe = lambda: (False, "the spring is broken")
        engine.ticker._health = None
        code, body = fetch(f"{engine.admin}/healthz")
        health = json.loads(body)
        assert (code, health["ok"]) == (503, False)
        assert health["features"]["ticker"]["message"] == "the spring is broken"
        assert health["trouble"] == ["ticker: the spring is broken"]


def test_metrics_are_for_who_has_the_token_of_the_data_directory(tmp_path: Path) -> None:
    with served(tmp_path) as engine:
        engine.ticker.count()
        token = (tmp_path / "admin.token").read_text().strip()
        assert fetch(f"{engine.admin}/metrics")[0] == 401
        code, body = fetch(f"{engine.admin}/metrics", token)
        assert code == 200
        lines = body.decode().splitlines()
        assert 'abi_feature_healthy{feature="ticker"} 1.0' in lines
        assert any(line.startswith("process_cpu_seconds_total ") for line in lines)


def test_a_feature_whose_figures_cannot_be_read_does_not_hide_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with served(tmp_path) as engine:
        engine.ticker.metrics = lambda: 1 / 0
        token = (tmp_path / "admin.token").read_text().strip()
        code, body = fetch(f"{engine.admin}/metrics", token)
        assert code == 200
        assert b"abi_uptime_seconds" in body
    assert [r.levelno for r in caplog.records if "ticker" in r.message] == [logging.ERROR]


def test_an_engine_in_memory_has_a_socket_of_its_own_and_no_token(tmp_path: Path) -> None:
    with served(None) as engine, served(None) as other:
        assert engine.socket != other.socket
        assert Client(engine.socket).check().pid == os.getpid()
        assert fetch(f"{engine.admin}/metrics", "x")[0] == 401


def test_the_admin_endpoint_can_be_left_out(tmp_path: Path) -> None:
    with served(tmp_path, service__admin="false") as engine:
        assert engine.admin == ""
        assert Path(engine.socket).exists()
        assert not (tmp_path / "admin.token").exists()


@pytest.fixture
def taken() -> Any:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


def test_an_address_in_use_fails_a_strict_start_and_leaves_nothing(
    tmp_path: Path, taken: str
) -> None:
    engine = served(tmp_path, service__admin_port=taken)
    with pytest.raises(AddressInUse, match=taken):
        engine.start()
    assert engine.state is State.FAILED
    assert not any(path.exists() for path in socket_names(tmp_path, os.environ))
    assert DataDirectory(tmp_path).holder() is None


def test_an_address_in_use_is_said_where_the_start_is_not_strict(
    tmp_path: Path, taken: str
) -> None:
    with served(tmp_path, strict=False, service__admin_port=taken) as engine:
        assert engine.admin == ""
        (trouble,) = engine.trouble
        assert taken in trouble
        assert "address_in_use" in [event.kind for event in engine.events.latest()]
        assert Client(engine.socket).check().pid == os.getpid()


def test_a_token_file_that_cannot_be_read_fails_the_start(tmp_path: Path) -> None:
    engine = served(tmp_path, service__token_file=str(tmp_path / "missing"))
    with pytest.raises(InvalidConfig, match="missing"):
        engine.start()
    assert DataDirectory(tmp_path).holder() is None


def test_a_runtime_directory_of_somebody_else_is_not_used(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "abi").mkdir(mode=0o755)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    with served(tmp_path) as engine:
        assert not engine.socket.startswith(str(place))


def test_an_embedded_engine_opens_nothing(tmp_path: Path) -> None:
    config = load(environ={}, data_dir=tmp_path, flags=FREE, cwd=tmp_path)
    with Engine(config, catalogue=CATALOGUE) as engine:
        engine.ticker.count()
        assert (engine.socket, engine.admin) == ("", "")
    assert not any(path.exists() for path in socket_names(tmp_path, os.environ))
    assert [path.name for path in tmp_path.iterdir()] == ["LOCK"]
