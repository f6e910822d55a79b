"""The dashboard in a real terminal, on a real engine in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from abi_engine.core.errors import EngineNotRunning
from abi_engine.service.client import Client
from abi_engine.service.connect import connect
from abi_engine.service.launch import ENGINE, Launched, detach
from abi_engine.service.places import socket_names
from abi_tui.dashboard.launch import Way
from abi_tui.recordings.reader import Recording
from tests.tui.dashboard.served import Served
from tests.tui.dashboard.terminal import Terminal

pytestmark = pytest.mark.slow

PORTS = {"gateway.port": "0", "service.admin_port": "0"}
FLAGS = [word for key, value in PORTS.items() for word in ("--set", f"{key}={value}")]
REPORTS = 12
LIMIT = 32 << 10

RUN = """
import sys
from abi_tui.dashboard.app import run
from abi_tui.dashboard.config import DashboardConfig
settings = {"gateway.port": "0", "service.admin_port": "0"}
options = DashboardConfig(interval=float(sys.argv[2]) if len(sys.argv) > 2 else 1.0)
sys.exit(run(attach=sys.argv[1] or None, settings=settings, options=options))
"""


def _terminal(attach: str = "", interval: float = 1.0, program: str = RUN) -> Terminal:
    command = [sys.executable, "-c", program, attach, str(interval)]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return Terminal(command, columns=120, rows=40, environ=environ)


def _running() -> Client | None:
    for path in socket_names(Path(os.environ["ABI_DATA_DIR"]), os.environ):
        client = Client(path, timeout=10.0)
        with suppress(EngineNotRunning):
            client.check()
            return client
    return None


def _wait_until_gone(pid: int) -> None:
    """Wait until a process that is not a child of this one has ended."""
    descriptor = os.pidfd_open(pid)
    try:
        import select

        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(20_000), f"process {pid} is still there"
    finally:
        os.close(descriptor)


@pytest.fixture
def engine() -> Iterator[Launched]:
    """An engine of somebody else's, on the data directory of the test."""
    with detach([*ENGINE, *FLAGS], owned=True) as launched:
        yield launched


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A canned engine behind a real control socket; every figure changes with every report."""
    with Served(tmp_path / "s") as one:
        yield one


def test_it_starts_an_engine_of_its_own_which_ends_with_it() -> None:
    with _terminal() as terminal:
        terminal.wait_for("LIVE 1 s")
        client = _running()
        assert client is not None
        pid = client.system.status().pid
        client.close()
        terminal.type("q")
        _wait_until_gone(pid)
    assert _running() is None


def test_a_dashboard_that_is_killed_takes_its_own_engine_along() -> None:
    with _terminal() as terminal:
        terminal.wait_for("LIVE 1 s")
        client = _running()
        assert client is not None
        pid = client.system.status().pid
        client.close()
        os.kill(terminal.pid, signal.SIGKILL)
        _wait_until_gone(pid)


def test_a_dashboard_that_is_terminated_leaves_the_terminal_as_it_was(engine: Launched) -> None:
    with _terminal() as terminal:
        terminal.wait_for("LIVE 1 s")
        os.kill(terminal.pid, signal.SIGTERM)
        terminal.wait_for("\x1b[?1049l")
        assert terminal.exit_code() == 130


def test_ctrl_c_leaves_at_once_with_130_and_takes_its_own_engine_along() -> None:
    with _terminal() as terminal:
        terminal.wait_for("LIVE 1 s")
        client = _running()
        assert client is not None
        pid = client.system.status().pid
        client.close()
        terminal.type("\x03")
        terminal.wait_for("\x1b[?1049l")
        assert terminal.exit_code() == 130
        _wait_until_gone(pid)


def test_a_defect_is_raised_once_the_terminal_is_as_it_was(engine: Launched) -> None:
    broken = RUN.replace(
        "settings = ",
        """
from abi_tui.dashboard.screens.overview import OverviewPage
def fill(self, answer):
    raise ZeroDivisionError("a defect")
OverviewPage.fill = fill
settings = """,
    )
    with _terminal(program=broken) as terminal:
        terminal.wait_for("ZeroDivisionError: a defect")
        assert terminal.exit_code() == 1
        said = terminal.written
        assert b"locals" not in said
        assert said.index(b"\x1b[?1049l") < said.index(b"Traceback")


def test_an_engine_that_ran_before_runs_on(engine: Launched) -> None:
    with _terminal() as terminal:
        terminal.wait_for(f"engine {engine.ready.pid}")
        terminal.type("q")
        terminal.wait_for("\x1b[?1049l")
    client = _running()
    assert client is not None
    assert client.system.status().pid == engine.ready.pid
    client.close()


def test_a_killed_engine_is_said_at_once_and_found_again_when_it_is_back() -> None:
    with detach([*ENGINE, *FLAGS], owned=True) as first, _terminal() as terminal:
        terminal.wait_for("LIVE 1 s")
        before = len(terminal.written)
        os.kill(first.ready.pid, signal.SIGKILL)
        terminal.wait_for("engine lost, reconnecting", after=before)
        before = len(terminal.written)
        with detach([*ENGINE, *FLAGS], owned=True) as second:
            terminal.wait_for(f"{second.ready.pid}", after=before)
            terminal.wait_for("LIVE", after=before)


def test_in_place_of_somebody_elses_engine_none_is_started(engine: Launched) -> None:
    way = Way()
    with way.open() as client:
        assert client.system.status().pid == engine.ready.pid
        client.system.stop(deadline=1.0)
    _wait_until_gone(engine.ready.pid)
    with pytest.raises(EngineNotRunning), way.open():
        pass
    assert not way.owned


def test_an_engine_of_ones_own_is_started_again() -> None:
    way = Way(settings=PORTS)
    try:
        with way.open() as client:
            first = client.system.status().pid
        assert way.owned
        os.kill(first, signal.SIGKILL)
        _wait_until_gone(first)
        with way.open() as client:
            second = client.system.status().pid
        assert second != first
    finally:
        way.leave()
    _wait_until_gone(second)


def test_attaching_starts_nothing(tmp_path: Path) -> None:
    way = Way(attach=str(tmp_path / "none.sock"))
    with pytest.raises(EngineNotRunning), way.open():
        pass
    assert not way.owned


def test_a_paused_dashboard_writes_nothing(served: Served) -> None:
    with _terminal(served.path, 0.2) as terminal:
        terminal.wait_for("LIVE")
        served.wait_for(3)
        terminal.type(" ")
        terminal.wait_for("PAUSED")
        served.wait_until_left()
        terminal.quiet(0.5)
        before = len(terminal.written)
        made = served.made
        assert terminal.written_during(3.0) == 0
        assert served.made == made
        terminal.type(" ")
        terminal.wait_for("LIVE", after=before)


def test_a_live_dashboard_writes_at_most_32_kib_a_report(served: Served) -> None:
    """At one report a second that is what it may write in a second."""
    with _terminal(served.path, 0.2) as terminal:
        terminal.wait_for("LIVE")
        served.wait_for(5)
        start, before = served.made, len(terminal.written)
        served.wait_for(start + REPORTS)
        written = len(terminal.written) - before
        made = served.made - start
    assert 0 < written / made <= LIMIT


def test_the_list_can_be_moved_while_the_engine_does_not_answer(served: Served) -> None:
    with _terminal(served.path) as terminal:
        terminal.wait_for("LIVE")
        served.wait_for(2)
        served.stall()
        terminal.quiet(1.2)
        before = len(terminal.written)
        terminal.type("jj")
        terminal.wait_for_more(before)
        served.go_on()


def test_connect_reaches_the_engine_of_a_dashboard() -> None:
    with _terminal() as terminal:
        terminal.wait_for("LIVE 1 s")
        with connect(attach=str(_socket())) as engine:
            assert engine.system.status().state.value == "running"


def _socket() -> Path:
    return next(path for path in socket_names(Path(os.environ["ABI_DATA_DIR"]), os.environ))


def _command(*words: str) -> Terminal:
    command = [sys.executable, "-m", "abi_tui.cli", "dashboard", *words]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return Terminal(command, columns=120, rows=40, environ=environ)


def test_what_was_recorded_on_an_engine_is_replayed_without_one(
    served: Served, tmp_path: Path
) -> None:
    path = str(tmp_path / "live.rec")
    with _command("--attach", served.path, "--record", path) as terminal:
        terminal.wait_for("REC LIVE 1 s")
        served.wait_for(3)
        terminal.type("q")
        assert terminal.exit_code() == 0
    with Recording(Path(path)) as recording:
        assert len(recording.moments) >= 2
    with _command("--replay", path, "--screen", "gateway") as terminal:
        terminal.wait_for("REPLAY 2026-11-22")
        terminal.type("d")
        terminal.wait_for("this is a recording")
        terminal.type("q")
        assert terminal.exit_code() == 0
    assert _running() is None
