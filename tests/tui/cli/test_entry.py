"""The way in: what is refused at the door, and Ctrl-C at any moment."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from abi_engine.core.errors import InvalidArguments
from abi_tui.cli import screen
from abi_tui.cli.exits import Exit
from tests.tui.cli.conftest import ABI, Call

SLOW = """
import os, signal, sys
from importlib.abc import MetaPathFinder

class Interrupting(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from abi_tui.cli.__main__ import main
main()
"""


@pytest.mark.parametrize("module", ["abi_tui.cli.root", "click", "abi_tui.cli.commands.version"])
def test_ctrl_c_during_an_import_ends_it_quietly(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SLOW.replace("sys.argv[1]", repr(module)), "version"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (Exit.INTERRUPTED, "", "")


def test_the_way_in_imports_nothing_that_takes_time() -> None:
    code = "import sys, abi_tui.cli.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    ours = {name for name in done.stdout.split() if re.match(r"abi_|click|msgspec", name)}
    assert ours == {"abi_tui", "abi_tui.cli", "abi_tui.cli.__main__"}


def test_windows_is_refused_with_the_reason(abi: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    said = abi("version")
    assert (said.code, said.out) == (Exit.UNAVAILABLE, "")
    assert said.err.startswith("abi: error: abi does not run on Windows: it needs flock")
    assert abi("version", "--json").error["code"] == "unavailable"


@pytest.mark.parametrize("words", [("demo",), ("dashboard",), ()])
@pytest.mark.parametrize("kind", ["dumb", "unknown"])
def test_a_terminal_that_only_takes_letters_is_refused(words: tuple[str, ...], kind: str) -> None:
    controller, terminal = pty.openpty()
    done = subprocess.run(
        [*ABI, *words],
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        env={**os.environ, "TERM": kind},
        check=False,
    )
    os.close(terminal)
    os.close(controller)
    assert done.returncode == Exit.USAGE
    assert done.stderr.startswith(f"abi: error: TERM is '{kind}': the ")
    assert done.stderr.count("\n") == 1


def test_what_draws_on_stderr_draws_on_the_terminal_where_stderr_is_a_file(
    tmp_path: Path,
) -> None:
    code = (
        "import sys\n"
        "from abi_tui.cli.screen import drawing\n"
        "sys.stderr.write('before\\n')\n"
        "with drawing(): sys.__stderr__.write('drawn\\n')\n"
        "sys.stderr.write('after\\n')\n"
    )
    controller, terminal = pty.openpty()
    errors = tmp_path / "errors"
    with errors.open("wb") as file:
        subprocess.run(
            [sys.executable, "-c", code], stdout=terminal, stderr=file, timeout=60, check=True
        )
    os.close(terminal)
    assert os.read(controller, 100) == b"drawn\r\n"
    os.close(controller)
    assert errors.read_text() == "before\nafter\n"


def test_a_closed_stderr_is_nothing_to_draw_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    screen.check_terminal("it", "")
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(InvalidArguments, match="it draws on a terminal"):
        screen.check_terminal("it", "")
