"""An engine in a process of its own: how it starts, what it says, and everything that ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from abi_engine.core.errors import (
    AddressInUse,
    ConnectionLost,
    DataDirectoryError,
    EngineBusy,
    EngineNotRunning,
    TimedOut,
    Unavailable,
)
from abi_engine.runtime.data_directory import DataDirectory
from abi_engine.service.client import Client
from abi_engine.service.launch import ENGINE, detach
from tests.engine.service.conftest import InThread, descriptors, until
from tests.engine.service.serving import QUIET, Engines, alive, engines

__all__ = ["engines"]


def log_of(engines: Engines) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (engines.data_dir / "engine.log").read_text().splitlines()]


def test_a_started_engine_says_where_it_listens_and_answers_there(engines: Engines) -> None:
    launched = engines.start()
    with Client(launched.ready.socket, timeout=10.0) as client:
        status = client.system.status()
    assert (status.pid, status.socket) == (launched.ready.pid, launched.ready.socket)
    assert status.data_dir == str(engines.data_dir)
    assert DataDirectory(engines.data_dir).holder() == launched.ready.pid


def test_it_runs_on_when_who_started_it_forgets_it(engines: Engines) -> None:
    launched = engines.start()
    ready = launched.ready
    launched.leave()
    del launched
    with Client(ready.socket, timeout=10.0) as client:
        assert client.check().pid == ready.pid


def test_it_is_nobodys_child_and_in_a_session_of_its_own(engines: Engines) -> None:
    pid = engines.start().ready.pid
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    assert os.getsid(pid) != os.getsid(0)


def test_a_client_can_stop_it_and_gets_its_answer(engines: Engines) -> None:
    launched = engines.start()
    with Client(launched.ready.socket, timeout=10.0) as client:
        client.system.stop(deadline=5.0)
        engines.until_gone(launched)
        with pytest.raises((EngineNotRunning, ConnectionLost)):
            client.system.status()
    assert not Path(launched.ready.socket).exists()
    assert [line["message"] for line in log_of(engines)][-2:] == [
        "stopping: a client asked for it",
        "stopped",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(engines: Engines, number: signal.Signals) -> None:
    launched = engines.start()
    engines.kill(launched, number)
    engines.until_gone(launched)
    assert log_of(engines)[-2:][0]["message"] == f"stopping: {number.name}"
    assert not Path(launched.ready.socket).exists()


def test_a_stream_ends_when_the_engine_stops(engines: Engines) -> None:
    launched = engines.start()
    with Client(launched.ready.socket, timeout=10.0) as client:
        reports = client.system.watch(interval=60.0)
        events = client.system.watch_events()
        assert next(reports).number >= 1
        reading = InThread(lambda: list(events))
        engines.kill(launched, signal.SIGTERM)
        assert {event.kind for event in reading.result()} <= {"stopping"}
        assert list(reports) == []


def test_an_engine_killed_during_a_call_is_a_lost_connection_at_once(engines: Engines) -> None:
    launched = engines.start()
    with Client(launched.ready.socket) as client:
        events = client.system.watch_events()
        reading = InThread(lambda: next(events))
        engines.kill(launched)
        with pytest.raises(ConnectionLost) as caught:
            reading.result()
        assert "running" in caught.value.hint
        with pytest.raises((EngineNotRunning, ConnectionLost)):
            client.system.status()


def test_after_a_kill_the_next_engine_takes_the_directory_and_the_socket(
    engines: Engines,
) -> None:
    first = engines.start()
    with Client(first.ready.socket, timeout=10.0) as client:
        client.system.status()
        engines.kill(first)
        engines.until_gone(first)
        assert Path(first.ready.socket).exists()  # as it was left
        second = engines.start()
        assert second.ready.socket == first.ready.socket
        assert client.system.status().pid == second.ready.pid  # the same client


def test_a_second_engine_on_one_data_directory_is_told_who_has_it(engines: Engines) -> None:
    first = engines.start()
    with pytest.raises(EngineBusy, match="served by process") as caught:
        engines.start("--set", "engine.lock_timeout=3600", *QUIET)  # it is told at once
    assert caught.value.details == {"pid": first.ready.pid}
    assert "abi stop" in caught.value.hint
    with Client(first.ready.socket, timeout=10.0) as client:
        assert client.check().pid == first.ready.pid  # the first has not noticed


def test_a_directory_held_by_a_process_that_does_not_listen_is_waited_for(
    engines: Engines,
) -> None:
    holder = DataDirectory(engines.data_dir)
    holder.acquire()
    with pytest.raises(EngineBusy, match="in use by process") as caught:
        engines.start("--set", "engine.lock_timeout=0", *QUIET)
    assert caught.value.details == {"pid": os.getpid()}
    waiting = InThread(lambda: engines.start("--set", "engine.lock_timeout=30", *QUIET))
    holder.release()
    assert DataDirectory(engines.data_dir).holder() in (waiting.result().ready.pid, None)


def test_why_it_does_not_start_comes_back_as_the_class_it_was(
    engines: Engines, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataDirectoryError, match="file"):
        engines.start(data_dir=tmp_path / "file")


def test_an_address_in_use_fails_the_start_or_is_said(engines: Engines, tmp_path: Path) -> None:
    no_gateway = ("--set", "features.gateway=false")
    first = engines.start(*no_gateway, "--set", "service.admin_port=0")
    port = first.ready.admin.rpartition(":")[2]
    taken = (*no_gateway, "--set", f"service.admin_port={port}")
    with pytest.raises(AddressInUse, match=port):
        engines.start(*taken, data_dir=tmp_path / "other")
    assert DataDirectory(tmp_path / "other").holder() is None
    lenient = engines.start("--lenient", *taken, data_dir=tmp_path / "other")
    assert port in lenient.ready.trouble[0]
    with Client(lenient.ready.socket, timeout=10.0) as client:
        assert port in client.system.status().trouble[0]


def test_a_wrong_setting_is_told_in_its_own_words(engines: Engines) -> None:
    with pytest.raises(Unavailable, match=r"unknown setting 'gateway\.prt'"):
        engines.start("--set", "gateway.prt=1")


def test_a_command_that_is_not_there_is_said() -> None:
    with pytest.raises(Unavailable, match="not found"):
        detach(["/nowhere/abi", "serve"], timeout=10.0)


def test_a_command_that_never_listens_is_stopped_again(tmp_path: Path) -> None:
    code = "import os, sys, time\nopen(sys.argv[1], 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    with pytest.raises(TimedOut):
        detach([sys.executable, "-c", code, str(tmp_path / "pid")], timeout=1.0)
    until(lambda: not alive(int((tmp_path / "pid").read_text() or 0)))


def test_an_owned_engine_drains_when_its_owner_lets_go(engines: Engines) -> None:
    launched = engines.start(owned=True)
    with launched, Client(launched.ready.socket, timeout=10.0) as client:
        client.check()
    engines.until_gone(launched)
    assert "owner" in log_of(engines)[-2]["message"]


def test_an_owned_engine_drains_when_its_owner_is_killed(engines: Engines) -> None:
    code = (
        "import sys\n"
        "from abi_engine.service.launch import ENGINE, detach\n"
        "launched = detach((*ENGINE, *sys.argv[1:]), owned=True)\n"
        "print(launched.ready.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, "--data-dir", str(engines.data_dir), *QUIET]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        assert alive(pid)
        owner.kill()
    until(lambda: not alive(pid))
    assert DataDirectory(engines.data_dir).holder() is None


def test_an_owned_engine_waits_for_other_clients_when_its_owner_is_gone(
    engines: Engines,
) -> None:
    launched = engines.start(owned=True)
    with Client(launched.ready.socket, timeout=10.0) as other:
        other.check()
        launched.leave()
        until(lambda: "waiting for 1" in (engines.data_dir / "engine.log").read_text())
        assert other.system.status().pid == launched.ready.pid
    engines.until_gone(launched)


def test_a_second_signal_ends_it_at_once(engines: Engines, tmp_path: Path) -> None:
    code = (
        "import sys, threading\n"
        "from abi_engine.config import load\n"
        "from abi_engine.engine import Engine\n"
        "from abi_engine.service.serve import serve\n"
        "def never(engine, deadline): print('stopping', flush=True); threading.Event().wait()\n"
        "Engine.stop = never\n"
        "flags = {'features.gateway': 'false', 'service.admin': 'false'}\n"
        "config = load(environ={}, data_dir=sys.argv[1], flags=flags)\n"
        "sys.exit(serve(config, on_ready=lambda ready: print('ready', flush=True)))\n"
    )
    command = [sys.executable, "-c", code, str(engines.data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == b"stopping\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_in_the_foreground_an_error_is_one_line(engines: Engines) -> None:
    command = [*ENGINE, "--data-dir", str(engines.data_dir), "--set", "nothing.at=all"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("abi-engine: error: unknown setting 'nothing'")


def test_sections_of_other_programs_are_not_its_business(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "abi.toml").write_text("[dashboard]\ntheme = 'light'\n")
    monkeypatch.setenv("ABI_DASHBOARD__THEME", "mono")
    launched = engines.start("--config", str(tmp_path / "abi.toml"), *QUIET)
    assert launched.ready.pid


def test_what_a_detached_engine_prints_is_in_its_log(engines: Engines) -> None:
    code = (
        "import sys\n"
        "from abi_engine.config import load\n"
        "from abi_engine.service.serve import serve\n"
        "flags = {'features.gateway': 'false', 'service.admin': 'false'}\n"
        "config = load(environ={}, data_dir=sys.argv[1], flags=flags)\n"
        "serve(config, on_ready=lambda ready: print('a stray word', file=sys.stderr, flush=True))\n"
    )
    launched = detach([sys.executable, "-c", code, str(engines.data_dir)], timeout=20.0)
    until(lambda: "a stray word" in (engines.data_dir / "engine.log").read_text())
    os.kill(launched.ready.pid, signal.SIGTERM)
    until(lambda: not alive(launched.ready.pid))


def test_descriptors_that_nobody_handed_over_are_not_touched(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABI_OWNER_FD", "987654")
    launched = engines.start()
    with Client(launched.ready.socket, timeout=10.0) as client:
        assert client.check().pid == launched.ready.pid


def test_the_log_is_for_this_user_alone(engines: Engines) -> None:
    engines.start()
    assert (engines.data_dir / "engine.log").stat().st_mode & 0o777 == 0o600


def test_detaching_leaves_no_descriptor_behind(engines: Engines) -> None:
    before = descriptors()
    launched = engines.start(owned=True)
    launched.leave()
    with pytest.raises(Unavailable):
        detach(["/nowhere/abi"], timeout=10.0)
    assert descriptors() == before
