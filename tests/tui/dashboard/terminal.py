"""A terminal of its own for a program: a pty whose every byte is counted."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Condition, Thread
from types import TracebackType
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
_SIZE = ("COLUMNS", "LINES")


class Terminal:
    """Runs a program in a pty of a size, and counts what it writes.

    Args:
        command: the program with its arguments.
        columns, rows: of the terminal.
        environ: of the program; a terminal type is added.
    """

    def __init__(
        self, command: Sequence[str], *, columns: int, rows: int, environ: Mapping[str, str]
    ) -> None:
        self.started = time.monotonic()
        self._changed = Condition()
        self._written = bytearray()
        self._ended = False
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        sizeless = {name: value for name, value in environ.items() if name not in _SIZE}
        self._process = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**sizeless, "TERM": "xterm-256color"},
        )
        os.close(slave)
        self.pid = self._process.pid
        self._reader = Thread(target=self._read, name="pty", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            with suppress(InterruptedError):
                select.select([self._master], [], [])
                try:
                    chunk = os.read(self._master, 1 << 16)
                except OSError:
                    chunk = b""
                with self._changed:
                    self._written += chunk
                    self._ended = not chunk
                    self._changed.notify_all()
                if not chunk:
                    return

    @property
    def written(self) -> bytes:
        """Everything so far."""
        with self._changed:
            return bytes(self._written)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def wait_for(self, text: str, *, after: int = 0, deadline: float = 20.0) -> float:
        """Wait until a text was written after an offset; tell how long after the start that was.

        Raises:
            AssertionError: it was not, in time.
        """
        wanted = text.encode()
        with self._changed:
            came = self._changed.wait_for(
                lambda: self._written.find(wanted, after) >= 0 or self._ended, deadline
            )
            found = self._written.find(wanted, after) >= 0
        assert came, (
            f"{text!r} was not written within {deadline} s: {bytes(self._written)[-400:]!r}"
        )
        assert found, f"the program ended: {bytes(self._written)[-2000:].decode(errors='replace')}"
        return time.monotonic() - self.started

    def wait_for_more(self, than: int, *, deadline: float = 5.0) -> float:
        """Wait until more than so many bytes were written, and tell when."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._written) > than, deadline)
        return time.monotonic()

    def quiet(self, seconds: float, *, deadline: float = 20.0) -> None:
        """Wait until nothing was written for so long."""
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            with self._changed:
                before = len(self._written)
                if not self._changed.wait_for(lambda: len(self._written) > before, seconds):  # noqa: B023
                    return
        message = f"never quiet for {seconds} s"
        raise AssertionError(message)

    def written_during(self, seconds: float) -> int:
        """How many bytes are written from now on."""
        before = len(self.written)
        time.sleep(seconds)
        return len(self.written) - before

    def exit_code(self, deadline: float = 10.0) -> int:
        """Wait until the program has ended, and tell how."""
        return self._process.wait(deadline)

    def cpu_s(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_bytes(self) -> int:
        """The resident set."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        os.close(self._master)
