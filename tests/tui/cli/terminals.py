"""A shell on a terminal of its own, in which one types and presses TAB as people do."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 30.0


class Shell:
    """Types into a shell and waits for what it says.

    Args:
        controller: the end of the terminal that a person has.
        record: a file into which the program called `abi` writes its words, each ended by a NUL.
    """

    def __init__(self, controller: int, record: Path) -> None:
        self._controller = controller
        self._record = record
        self._count = 0

    def send(self, text: str) -> None:
        """Type."""
        os.write(self._controller, text.encode())

    def until(self, word: str) -> str:
        """What it shows until a word is seen."""
        seen, deadline = "", time.monotonic() + DEADLINE
        while word not in seen:
            assert time.monotonic() < deadline, f"{word!r} was not seen in {seen!r}"
            if select.select([self._controller], [], [], 0.1)[0]:
                seen += os.read(self._controller, 65_536).decode(errors="replace")
        return seen

    def forget(self) -> None:
        """Take back the line that is being typed."""
        self.send("\x05\x15")

    def ready(self) -> None:
        """Wait until it has carried out what was typed before."""
        self._count += 1
        # Cut in two, so that what is seen is what it printed and not what was typed.
        self.send(f"printf '%s%s\\n' REA DY{self._count}.\n")
        self.until(f"READY{self._count}.")

    def completed(self, line: str) -> list[str]:
        """The words that `abi` gets when a line is typed, completed by a TAB, and carried out."""
        self._record.unlink(missing_ok=True)
        self.send(f"{line}\t")
        # Keys typed while a completion is worked out wait for it.
        self.send("\n")
        self.ready()
        return self._record.read_text().split("\0")[:-1] if self._record.exists() else []


@contextmanager
def on_a_terminal(command: Sequence[str], directory: Path, record: Path) -> Iterator[Shell]:
    """Start a shell; what is in `directory/bin` is found first."""
    controller, terminal = pty.openpty()
    environment = {
        **os.environ,
        "PATH": f"{directory / 'bin'}:{os.environ['PATH']}",
        "TERM": "dumb",
        "HOME": str(directory),
        "XDG_CONFIG_HOME": str(directory / "config"),
        "XDG_DATA_HOME": str(directory / "data"),
        "LC_ALL": "C.UTF-8",
    }
    with subprocess.Popen(
        ["setsid", "--ctty", *command],  # a shell wants the terminal for itself
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
        cwd=directory,
    ) as process:
        os.close(terminal)
        try:
            yield Shell(controller, record)
        finally:
            process.kill()
            process.wait(10)
            os.close(controller)
