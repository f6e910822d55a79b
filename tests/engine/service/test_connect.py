"""The way to an engine: join the one that runs, else one's own, whoever comes at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from abi_engine.config import EngineConfig, load
from abi_engine.core.clock import ManualClock
from abi_engine.core.errors import (
    DataDirectoryError,
    EngineBusy,
    EngineNotRunning,
    EngineStateError,
    InvalidArguments,
    Unavailable,
)
from abi_engine.core.feature import State
from abi_engine.engine import Engine
from abi_engine.runtime.data_directory import DataDirectory
from abi_engine.service import connect as connect_module
from abi_engine.service.client import Client
from abi_engine.service.connect import attached, connect, is_embedded, joined
from abi_engine.service.places import socket_names
from tests.engine.service.conftest import InThread
from tests.engine.service.serving import Engines, engines
from tests.scale import scaled

__all__ = ["engines"]

NO_GATEWAY = EngineConfig(features={"gateway": False})
ROOT = Path(__file__).parents[3]

COMMAND = """
import sys
from abi_engine.config import EngineConfig
from abi_engine.service.connect import connect, is_embedded
with connect(sys.argv[1], timeout=60.0, config=EngineConfig(features={"gateway": False})) as engine:
    print(engine.system.status().pid, is_embedded(engine), flush=True)
"""


def test_where_no_engine_runs_one_lives_as_long_as_the_with(tmp_path: Path) -> None:
    with connect(tmp_path, config=NO_GATEWAY) as engine:
        assert is_embedded(engine)
        assert isinstance(engine, Engine)
        assert engine.system.status().pid == os.getpid()
        assert DataDirectory(tmp_path).holder() == os.getpid()
    assert engine.state is State.STOPPED
    assert DataDirectory(tmp_path).holder() is None


def test_an_embedded_engine_never_listens(tmp_path: Path) -> None:
    with connect(tmp_path, config=NO_GATEWAY) as engine:
        status = engine.system.status()
        assert (status.socket, status.admin) == ("", "")
        assert not any(path.exists() for path in socket_names(tmp_path, os.environ))
        with pytest.raises(EngineStateError):
            engine.system.stop()


def test_where_an_engine_runs_one_joins_it(engines: Engines) -> None:
    launched = engines.start()
    with connect(engines.data_dir) as engine:
        assert not is_embedded(engine)
        assert engine.system.status().pid == launched.ready.pid
    with Client(launched.ready.socket, timeout=10.0) as client:
        assert client.check()  # leaving has not stopped it


def test_the_directory_is_given_or_configured_or_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABI_DATA_DIR", str(tmp_path / "environment"))
    configured = EngineConfig(data_dir=tmp_path / "configured", features={"gateway": False})
    for given, config, found in (
        (tmp_path / "given", configured, "given"),
        (None, configured, "configured"),
        (None, NO_GATEWAY, "environment"),
    ):
        with connect(given, config=config) as engine:
            assert engine.system.status().data_dir == str(tmp_path / found)


def test_an_embedded_engine_keeps_its_configuration(tmp_path: Path) -> None:
    flags = {"features.gateway": "false", "engine.history": "7", "engine.lock_timeout": "33"}
    config = load(environ={}, flags=flags, data_dir=tmp_path, cwd=tmp_path)
    with connect(config=config) as engine:
        values = {setting.key: setting.value for setting in engine.system.settings()}
    assert values["engine.history"] == 7


def test_a_holder_that_does_not_listen_is_waited_for_and_then_named(tmp_path: Path) -> None:
    holder = DataDirectory(tmp_path)
    holder.acquire()
    with pytest.raises(EngineBusy) as caught:
        connect(tmp_path, config=NO_GATEWAY, timeout=0.1)
    assert caught.value.details == {"pid": os.getpid()}
    waiting = InThread(lambda: connect(tmp_path, config=NO_GATEWAY, timeout=30.0))
    holder.release()
    with waiting.result() as engine:
        assert is_embedded(engine)


def test_a_holder_that_begins_to_listen_is_joined(engines: Engines, tmp_path: Path) -> None:
    holder = DataDirectory(engines.data_dir)
    holder.acquire()
    waiting = InThread(lambda: connect(engines.data_dir, config=NO_GATEWAY, timeout=30.0))
    starting = InThread(engines.start)
    holder.release()
    with waiting.result(30.0) as engine:
        pid = engine.system.status().pid
        if is_embedded(engine):  # it was first: the served one waits for it
            assert pid == os.getpid()
    launched = starting.result(30.0)
    if not is_embedded(engine):
        assert pid == launched.ready.pid


def test_a_socket_that_a_dead_engine_left_does_not_mislead(engines: Engines) -> None:
    launched = engines.start()
    engines.kill(launched)
    engines.until_gone(launched)
    assert Path(launched.ready.socket).exists()
    with connect(engines.data_dir, config=NO_GATEWAY) as engine:
        assert is_embedded(engine)


@pytest.mark.slow
def test_many_commands_at_once_all_succeed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COMMAND, str(tmp_path / "data")]
    commands = left = scaled(16, 40)
    running, answers = [], []
    while left or running:
        while left and len(running) < 8:
            running.append(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            )
            left -= 1
        process = running.pop(0)
        out, error = process.communicate(timeout=100)
        assert process.returncode == 0, error
        answers.append(out.split())
        assert answers[-1] == [str(process.pid), "True"]
    assert len(answers) == commands


def test_commands_while_an_engine_starts_and_stops_all_succeed(engines: Engines) -> None:
    command = [sys.executable, "-c", COMMAND, str(engines.data_dir)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    launched = engines.start()
    for process in running:
        out, error = process.communicate(timeout=100)
        assert process.returncode == 0, error
        assert out.split() in ([str(process.pid), "True"], [str(launched.ready.pid), "False"])
    engines.kill(launched, signal.SIGTERM)
    engines.until_gone(launched)


def test_a_directory_that_cannot_be_used_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataDirectoryError):
        connect(tmp_path / "file", config=NO_GATEWAY)


def test_attaching_takes_a_socket_and_nothing_else_will_do(
    engines: Engines, tmp_path: Path
) -> None:
    launched = engines.start()
    with connect(attach=launched.ready.socket) as engine:
        assert engine.system.status().pid == launched.ready.pid
    with pytest.raises(EngineNotRunning, match="nothing"):
        connect(tmp_path, attach=str(tmp_path / "nothing"))
    assert not (tmp_path / "LOCK").exists()


def test_the_parts_can_be_used_by_themselves(engines: Engines) -> None:
    assert joined(engines.data_dir, os.environ) is None
    launched = engines.start()
    found = joined(engines.data_dir, os.environ)
    assert found is not None
    with found, attached(launched.ready.socket) as other:
        assert other.check() == found.check()


def test_a_socket_path_that_is_too_long_is_no_engine(tmp_path: Path) -> None:
    with pytest.raises(EngineNotRunning, match="too long"):
        attached("/tmp/" + "x" * 200)


def test_an_address_that_is_none_is_refused() -> None:
    for address in ("ssh://", "ssh://-oProxyCommand=x", "ssh://a:b@c", "ssh://host:99999999"):
        with pytest.raises((InvalidArguments, Unavailable)):
            attached(address)


@pytest.mark.parametrize(("owners", "turns"), [([1, 2, 3, 4], None), ([1, 1, 1, 1], 3)])
def test_waiting_counts_anew_with_each_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owners: list[int], turns: int | None
) -> None:
    clock = ManualClock()
    asked: list[int] = []
    embedded = connect_module._embedded

    def owned_by_others(config: EngineConfig, where: Path) -> Engine:
        if len(asked) == len(owners):
            return embedded(config, where)
        asked.append(owners[len(asked)])
        raise EngineBusy("busy", pid=asked[-1])

    monkeypatch.setattr(connect_module, "_embedded", owned_by_others)
    monkeypatch.setattr(connect_module.time, "monotonic", clock.monotonic)
    monkeypatch.setattr(connect_module.time, "sleep", lambda _: clock.advance(6.0))
    if turns is None:
        with connect(tmp_path, config=NO_GATEWAY, timeout=10.0) as engine:
            assert is_embedded(engine)
    else:
        with pytest.raises(EngineBusy):
            connect(tmp_path, config=NO_GATEWAY, timeout=10.0)
        assert len(asked) == turns
