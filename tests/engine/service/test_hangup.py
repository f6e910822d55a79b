"""SIGHUP: the configuration is read again, unless it was the terminal that went away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from abi_engine.runtime.data_directory import DataDirectory
from abi_engine.service.client import Client
from abi_engine.service.launch import ENGINE
from abi_engine.service.terminal import Terminal
from tests.engine.service.conftest import until
from tests.engine.service.serving import QUIET, Engines, engines
from tests.engine.service.test_serve import log_of

__all__ = ["engines"]

# Makes a terminal the one that controls this process, which then becomes the engine.
ON_A_TERMINAL = (
    "import fcntl, os, signal, sys, termios\n"
    "signal.signal(signal.SIGHUP, signal.Handlers(int(sys.argv.pop(1))))\n"
    "os.setsid()\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'abi_engine.service.serve', *sys.argv[1:]])\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "abi.toml"
    file.write_text("[engine]\nstop_timeout = 20.0\n")
    return file


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ends = os.openpty()
    yield ends
    for end in ends:
        with suppress(OSError):  # the test may have
            os.close(end)


def messages(engines: Engines) -> list[str]:
    log = engines.data_dir / "engine.log"
    return [line["message"] for line in log_of(engines)] if log.exists() else []


def test_a_detached_engine_reads_its_configuration_again(engines: Engines, file: Path) -> None:
    launched = engines.start("--config", str(file), *QUIET)
    with Client(launched.ready.socket, timeout=10.0) as client:
        events = client.system.watch_events()
        file.write_text("[engine]\nstop_timeout = 7.0\n")
        engines.kill(launched, signal.SIGHUP)
        assert next(event for event in events if event.kind == "reloaded").message.endswith(
            "abi.toml: engine.stop_timeout"
        )
        file.write_text("[engine]\nstop_timeout = -7.0\n")
        engines.kill(launched, signal.SIGHUP)
        refused = next(event for event in events if event.kind == "reload_refused")
        assert "engine.stop_timeout = -7" in refused.message
        events.close()
        (setting,) = [s for s in client.system.settings() if s.key == "engine.stop_timeout"]
        assert setting.value == 7.0
    engines.kill(launched, signal.SIGTERM)
    engines.until_gone(launched)
    assert any("was not reloaded" in message for message in messages(engines))


def test_a_reload_that_hangs_gathers_no_others(engines: Engines, file: Path) -> None:
    launched = engines.start("--config", str(file), *QUIET)
    with Client(launched.ready.socket, timeout=10.0) as client:
        file.unlink()
        os.mkfifo(file)  # nobody writes to it: to read it takes for ever
        threads = client.system.status().threads
        for _ in range(30):
            engines.kill(launched, signal.SIGHUP)
            assert client.system.status().threads < threads + 10
    engines.kill(launched, signal.SIGTERM)
    engines.until_gone(launched)


def test_in_the_foreground_without_a_terminal_it_reloads_too(engines: Engines, file: Path) -> None:
    command = [*ENGINE, "--data-dir", str(engines.data_dir), "--config", str(file), *QUIET]
    with subprocess.Popen(command, start_new_session=True) as process:
        until(lambda: any("listening" in one for one in messages(engines)))
        process.send_signal(signal.SIGHUP)
        until(lambda: any("configuration reloaded" in one for one in messages(engines)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def on_a_terminal(
    engines: Engines, file: Path, slave: int, hangup: signal.Handlers = signal.SIG_DFL
) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-c", ON_A_TERMINAL, str(int(hangup))]
    options = ["--data-dir", str(engines.data_dir), "--config", str(file), *QUIET]
    process = subprocess.Popen([*program, *options], stdin=slave, stdout=slave, stderr=slave)
    until(lambda: DataDirectory(engines.data_dir).holder() == process.pid)
    until(lambda: any("listening" in one for one in messages(engines)))
    return process


def test_on_a_terminal_that_is_there_it_reloads_and_drains_when_that_goes_away(
    engines: Engines, file: Path, terminal: tuple[int, int]
) -> None:
    master, slave = terminal
    with on_a_terminal(engines, file, slave) as process:
        os.close(slave)
        process.send_signal(signal.SIGHUP)
        until(lambda: any("configuration reloaded" in one for one in messages(engines)))
        assert process.poll() is None
        os.close(master)
        assert process.wait(10) == 0
    assert "terminal" in log_of(engines)[-2]["message"]


def test_who_was_told_to_outlive_its_terminal_does(
    engines: Engines, file: Path, terminal: tuple[int, int]
) -> None:
    master, slave = terminal
    with on_a_terminal(engines, file, slave, signal.SIG_IGN) as process:  # as nohup does
        os.close(slave)
        os.close(master)
        until(lambda: any("configuration reloaded" in one for one in messages(engines)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_terminal_is_gone_only_where_there_was_one(tmp_path: Path) -> None:
    device = tmp_path / "tty"
    assert not Terminal(str(device)).is_gone()
    device.write_text("")
    found = Terminal(str(device))
    assert not found.is_gone()
    device.unlink()
    assert found.is_gone()


def test_an_engine_without_anything_to_read_says_so(engines: Engines) -> None:
    code = (
        "import sys\n"
        "from abi_engine.config import load\n"
        "from abi_engine.service.serve import serve\n"
        "flags = {'features.gateway': 'false', 'service.admin': 'false'}\n"
        "sys.exit(serve(load(environ={}, data_dir=sys.argv[1], flags=flags)))\n"
    )
    command = [sys.executable, "-c", code, str(engines.data_dir)]
    with subprocess.Popen(command, start_new_session=True) as process:
        until(lambda: any("listening" in one for one in messages(engines)))
        process.send_signal(signal.SIGHUP)
        until(lambda: any("not reloaded" in one for one in messages(engines)))
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
