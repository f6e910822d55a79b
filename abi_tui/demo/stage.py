"""The demo as its parent has it: a process that ends when this object is closed, or forgotten.

Refuses to start anything else itself: upstreams, engine and traffic belong to that process.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Self

import msgspec

from abi_engine import AbiError, Unavailable
from abi_engine.core.text import safe
from abi_tui.demo.process import Answer, NotOpened, Opened, Order, Told
from abi_tui.demo.steering import DemoStatus

OPEN_TIMEOUT = 30.0
ANSWER_TIMEOUT = 15.0
CLOSE_TIMEOUT = 25.0
PROCESS = (sys.executable, "-m", "abi_tui.demo.process")


class Stage:
    """A running demo. For one thread.

    Args:
        seed: of everything that varies.
        command: what to start, the seed left out.

    Attributes:
        opened: where everything is.

    Raises:
        AbiError: what kept it from starting.
    """

    def __init__(self, seed: int, *, command: Sequence[str] = PROCESS) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `close` does
        # A session of its own: Ctrl-C is for the parent, which then closes this in order.
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            (*command, str(seed)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )
        self._heard = b""
        try:
            self.opened = self._opened()
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def failure(self) -> str:
        """Why the process has ended before it was told to; empty where it has not."""
        return self._last_words() if self._process.poll() else ""

    def ask(self, order: Order) -> DemoStatus:
        """Give an order and wait for the status.

        Raises:
            Unavailable: the process has ended, or does not answer.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # the end of its answers tells why
            self._process.stdin.write(f"{order}\n".encode())
            self._process.stdin.flush()
        answer = self._answer(ANSWER_TIMEOUT)
        assert isinstance(answer, Told)
        return answer.status

    def close(self) -> None:
        """Have the process stop everything and end, and wait for it. May be called twice."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(CLOSE_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        self._errors.close()
        if opened := getattr(self, "opened", None):  # there already, unless it was killed
            shutil.rmtree(opened.directory, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _opened(self) -> Opened:
        answer = self._answer(OPEN_TIMEOUT)
        if isinstance(answer, NotOpened):
            raise AbiError.from_wire(answer.error)
        assert isinstance(answer, Opened)
        return answer

    def _answer(self, timeout: float) -> Answer:
        found: Answer = msgspec.json.decode(self._line(timeout), type=Opened | NotOpened | Told)
        return found

    def _line(self, timeout: float) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + timeout
        while b"\n" not in self._heard:
            left = max(deadline - time.monotonic(), 0.0)
            if not select.select([descriptor], [], [], left)[0]:
                raise Unavailable(f"the demo's process did not answer within {timeout:g} s")
            chunk = os.read(descriptor, 1 << 16)
            if not chunk:
                raise Unavailable(f"the demo's process has ended: {self._last_words()}")
            self._heard += chunk
        line, _, self._heard = self._heard.partition(b"\n")
        return line

    def _last_words(self) -> str:
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").split("\n")
        words = next((line for line in reversed(said) if line.strip()), "no reason given")
        return safe(words.strip(), limit=300)
