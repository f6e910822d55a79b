from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
from pathlib import Path

import pytest

from abi_engine.core.errors import EngineNotRunning
from abi_engine.engine import Engine
from abi_engine.runtime.data_directory import DataDirectory
from abi_tui.cli import session
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from tests.tui.cli.conftest import ABI, Call, spawn

pytestmark = pytest.mark.slow

FREE_PORTS = ("--port", "0", "--set", "service.admin_port=0")


def test_status_tells_of_the_running_engine(abi: Call, engine: Engine) -> None:
    data = abi("status", "--json").data
    assert data["pid"] == os.getpid()
    assert data["socket"] == engine.socket
    assert data["features"][0]["name"] == "gateway"
    assert abi("status").out.startswith("engine   ● running")


@pytest.mark.parametrize(
    "words", [("status",), ("events",), ("logs",), ("stop",), ("features", "enable", "gateway")]
)
def test_without_an_engine_that_is_said_with_the_way_to_one(
    abi: Call, words: tuple[str, ...]
) -> None:
    said = abi(*words)
    assert said.code == Exit.UNAVAILABLE
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "(abi serve)" in said.err


def test_an_engine_whose_socket_is_not_to_be_found_is_not_denied(abi: Call, tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory.acquire()
    said = abi("status", "--data-dir", str(tmp_path))
    directory.release()
    assert said.code == Exit.UNAVAILABLE
    assert f"process {os.getpid()} has {tmp_path}" in said.err
    assert "XDG_RUNTIME_DIR" in said.err
    assert "no engine runs" in abi("status", "--data-dir", str(tmp_path)).err


def test_status_as_it_was_is_that_of_the_recorded_report(abi: Call, engine: Engine) -> None:
    engine.system.recorder.add(engine.system.report())
    assert abi("status", "--at", "2100-01-01", "--json").data["state"] == "running"
    assert abi("status", "--at", "-10d").code == Exit.NOT_FOUND


# features


def test_features_are_switched_in_the_running_engine(abi: Call, engine: Engine) -> None:
    said = abi("features", "disable", "gateway")
    assert said.err == "abi: undo: abi features enable gateway\n"
    assert not engine.enabled("gateway")
    assert "– off" in abi("features").out
    assert abi("features", "enable", "gateway").code == 0
    assert engine.enabled("gateway")


def test_a_dry_run_switches_nothing(abi: Call, engine: Engine) -> None:
    assert abi("features", "disable", "gateway", "-n").out.startswith("would  ")
    assert engine.enabled("gateway")


def test_a_planned_feature_and_an_unknown_one_are_told_apart(abi: Call, engine: Engine) -> None:
    said = abi("features", "enable", "cache")
    assert said.code == Exit.UNAVAILABLE
    assert "planned, not built" in said.err
    said = abi("features", "enable", "gatway")
    assert said.code == Exit.NOT_FOUND
    assert "did you mean 'gateway'?" in said.err


def test_planned_features_are_listed_when_asked_for(abi: Call) -> None:
    built = [row["name"] for row in abi("features", "list", "--json").data]
    rows = abi("features", "list", "--all", "--json").data
    assert built == [row["name"] for row in rows if row["built"]]
    assert len(rows) > len(built)


# events and logs


def test_events_come_newest_first_and_a_part_of_them_is_said_to_be_one(
    abi: Call, engine: Engine
) -> None:
    for number in range(5):
        engine.events.add("test", "happened", f"event {number}")
    said = abi("events", "--source", "test", "--limit", "2", "--json")
    assert [row["message"] for row in said.data] == ["event 4", "event 3"]
    assert said.err == "abi: the newest 2 shown: --limit shows more\n"


def test_hostile_events_act_on_no_terminal(abi: Call, engine: Engine) -> None:
    engine.events.add("te\x1b[31mst", "ki\x07nd", "line\nline\x1b]0;title\x07\u202e")
    for flags in ((), ("--plain",), ("--json",), ("--jsonl",), ("--csv",)):
        said = abi("events", *flags)
        assert not set(said.out) & {"\x1b", "\x07", "\u202e"}
        assert said.code == 0


def test_logs_are_those_of_the_running_engine(abi: Call, engine: Engine) -> None:
    logging.getLogger("abi_engine.test").warning("something odd")
    data = abi("logs", "--json").data
    assert data[-1]["message"] == "something odd"
    assert data[-1]["level"] == "warning"


def test_without_an_engine_logs_are_those_that_the_last_one_left(abi: Call) -> None:
    directory = Path(os.environ["ABI_DATA_DIR"])
    directory.mkdir()
    whole = {"at": "2026-11-22T12:04:11Z", "level": "info", "logger": "abi_engine.x"}
    lines = [json.dumps(whole | {"message": f"line {n}"}) for n in range(3)]
    (directory / "engine.log").write_text("\n".join([*lines, '{"at": "2026']))
    said = abi("logs", "--json")
    assert [row["message"] for row in said.data] == ["line 0", "line 1", "line 2"]
    assert "what the last one wrote" in said.err
    assert "1 line of " in said.err
    assert abi("logs", "--follow").code == Exit.UNAVAILABLE


@pytest.mark.parametrize("words", [("events", "--follow"), ("logs", "--follow")])
def test_following_shows_what_comes_until_ctrl_c(engine: Engine, words: tuple[str, ...]) -> None:
    logger = logging.getLogger("abi_engine.test")
    logger.warning("before")
    engine.events.add("test", "happened", "before")
    command = [*ABI, *words, "--jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        seen = ""
        while '"before"' not in seen:
            seen = process.stdout.readline().decode()
        logger.warning("after")
        engine.events.add("test", "happened", "after")
        while '"after"' not in seen:
            seen = process.stdout.readline().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == Exit.INTERRUPTED
        assert process.stderr.read() == b""


def test_an_engine_that_goes_away_ends_the_following_with_a_word() -> None:
    served = spawn("serve", "--detach", *FREE_PORTS, "--json")
    assert served.code == 0, served.err
    with subprocess.Popen(
        [*ABI, "events", "--follow", "--jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert spawn("stop").code == 0
        _, err = process.communicate(timeout=20)
    assert process.returncode in (Exit.DONE, Exit.UNAVAILABLE)
    assert err.count(b"\n") <= 1


# serve and stop


def test_a_detached_engine_serves_until_it_is_stopped() -> None:
    served = spawn("serve", "--detach", *FREE_PORTS, "--json")
    try:
        assert served.code == 0, served.err
        data = served.data
        assert data["gateway"].startswith("http://127.0.0.1:")
        assert spawn("status", "--json").data["pid"] == data["pid"]
        second = spawn("serve", *FREE_PORTS)
        assert second.code == Exit.UNAVAILABLE
        assert f"process {data['pid']}" in second.err
    finally:
        stopped = spawn("stop")
    assert stopped.code == 0
    assert "stop the engine" in stopped.out
    assert "abi: undo: abi serve --detach" in stopped.err
    assert spawn("status").code == Exit.UNAVAILABLE
    with pytest.raises(EngineNotRunning):
        session.client(Invocation())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_engine_in_the_foreground_drains_at_a_signal_and_is_done(number: int) -> None:
    with subprocess.Popen(
        [*ABI, "serve", *FREE_PORTS, "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert ready["pid"] == process.pid
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == ""
    assert err == f"abi: engine {process.pid} serves; Ctrl-C stops it\n"


def test_a_dry_run_serves_nothing_and_stops_nothing(abi: Call, engine: Engine) -> None:
    said = abi("serve", "--dry-run", "--port", "0")
    assert "its gateway on 127.0.0.1:a free port" in said.out
    assert abi("stop", "--dry-run").code == 0
    assert not engine.stop_asked.is_set()


def test_an_address_in_use_is_one_clear_line_unless_it_may_be_lenient(engine: Engine) -> None:
    port = engine.gateway.report().listening.rpartition(":")[2]
    other = ("--data-dir", os.environ["ABI_DATA_DIR"] + "2", "--set", "service.admin_port=0")
    said = spawn("serve", "--detach", "--port", port, *other)
    assert said.code == Exit.FAILED
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert port in said.err
    said = spawn("serve", "--detach", "--lenient", "--port", port, *other, "--json")
    try:
        assert said.code == 0, said.err
        assert said.data["gateway"] == ""
    finally:
        spawn("stop", *other[:2])


def test_a_data_directory_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = spawn("serve", "--data-dir", str(tmp_path / "file" / "x"), *FREE_PORTS)
    assert said.code == Exit.FAILED
    assert said.err.count("\n") == 1


@pytest.mark.slow
def test_forty_commands_at_once_on_one_data_directory_all_succeed() -> None:
    words = [*ABI, "gateway", "routes", "list", "--json", "--timeout", "60"]
    done = subprocess.run(
        ["xargs", "-P8", "-I{}", *words],
        input="\n".join(map(str, range(40))),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"schema": "abi.gateway.routes/1"') == 40


# the rest


def test_the_machine_is_described(abi: Call) -> None:
    assert abi("system-info", "--json").data["data_dir"] == os.environ["ABI_DATA_DIR"]
    assert abi("info").out == abi("sysinfo").out


def test_tools_and_plugins_are_listed(abi: Call) -> None:
    names = [row["name"] for row in abi("toolchain", "--json").data]
    assert names[0] == "Python"
    said = abi("toolchain", "status", "--limit", "1")
    assert "shows the rest" in said.err
    assert abi("plugins", "--json").data == []


def test_a_glance_at_the_dashboard_has_what_it_shows(abi: Call, engine: Engine) -> None:
    engine.gateway.stats()
    data = abi("dashboard", "--once", "--json").data
    assert data["gateway"]["listening"].startswith("http://")
    assert data["engine"]["pid"] == os.getpid()
    out = abi("dashboard", "--once", "--plain").out
    for title in ("overview", "gateway routes", "events"):
        assert f"{title}\n" in out
    assert "breakers\n" in abi("tui", "--once", "--screen", "gateway").out


def test_the_dashboard_draws_on_a_terminal_alone(abi: Call) -> None:
    said = abi("dashboard")
    assert said.code == Exit.USAGE
    assert "--once prints what it shows" in said.err
    assert abi("dashboard", "--dry-run").code == 0
