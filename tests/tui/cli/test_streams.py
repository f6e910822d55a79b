from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from abi_engine.engine import Engine
from abi_engine.features.gateway.api import Route
from abi_tui.cli.exits import Exit
from tests.tui.cli.conftest import ABI, spawn


def test_a_reader_that_leaves_is_no_word_worth() -> None:
    command = f"{sys.executable} -m abi_tui.cli help --json | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""
    assert done.stdout in ("{141\n", "{0\n")  # 0 where the pipe took it all before the reader left


@pytest.mark.parametrize("words", [["version"], ["--help"], ["config", "show", "--json"]])
def test_a_reader_that_was_never_there_is_no_word_worth(words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run([*ABI, *words], stdout=write, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(write)
    assert done.stderr == b""
    assert done.returncode == Exit.READER_LEFT


def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*ABI, "version"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert done.returncode == Exit.FAILED
    assert done.stderr == "abi: error: cannot write the answer: No space left on device\n"


def test_a_closed_stdout_is_said() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m abi_tui.cli version >&-"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert done.returncode == Exit.FAILED
    assert done.stderr == "abi: error: cannot write the answer: stdout is closed\n"


def test_ctrl_c_leaves_at_once_without_a_word(engine: Engine) -> None:
    with subprocess.Popen(
        [*ABI, "gateway", "watch", "--jsonl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        assert document["schema"] == "abi.gateway.routes/1"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == Exit.INTERRUPTED
    assert err == ""


def test_a_locale_without_the_letters_gets_escapes_and_no_failure(engine: Engine) -> None:
    engine.gateway.add_route(Route("/x", ("http://127.0.0.1:9",)))
    said = spawn(
        "gateway", "routes", env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    )
    assert said.code == 0
    assert "\\u25cf ok" in said.out


def test_alone_without_a_terminal_it_says_how_to_use_it_and_that_this_was_not() -> None:
    said = spawn()
    assert said.code == Exit.USAGE
    assert said.out == ""
    assert said.err.startswith("abi: an agent backend in one process")
    assert spawn("--json").error["message"] == "abi: a command is missing"


def test_a_group_alone_says_what_is_in_it_and_that_this_was_not_enough() -> None:
    said = spawn("config")
    assert said.code == Exit.USAGE
    assert said.out == ""
    assert "Commands:" in said.err


def test_a_question_is_asked_on_a_terminal_and_its_answer_counts(engine: Engine) -> None:
    engine.gateway.add_route(Route("/x", ("http://127.0.0.1:9",)))
    for answer, code, left in ((b"n\n", Exit.FAILED, 1), (b"y\n", Exit.DONE, 0)):
        controller, terminal = pty.openpty()
        with subprocess.Popen(
            [*ABI, "gateway", "routes", "remove", "/x"],
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=terminal,
        ) as process:
            os.close(terminal)
            seen = b""
            while b"[y/N] " not in seen:
                seen += os.read(controller, 1024)
            os.write(controller, answer)
            assert process.wait(30) == code
        os.close(controller)
        assert seen == b"abi: remove the route /x (runtime)? [y/N] "
        assert len(engine.gateway.routes()) == left


def test_a_defect_leaves_its_traceback_in_a_file(tmp_path: Path) -> None:
    code = (
        "import abi_engine.plugins as plugins\n"
        "def broken(): raise RuntimeError('odd')\n"
        "plugins.installed = broken\n"
        "import sys; sys.argv = ['abi', 'plugins', 'list', '--json']\n"
        "from abi_tui.cli.root import main; main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=False,
    )
    assert done.returncode == Exit.FAILED
    assert done.stdout == ""
    data = json.loads(done.stderr)["data"]
    assert data["code"] == "internal"
    assert "RuntimeError: odd" in Path(data["traceback"]).read_text()
