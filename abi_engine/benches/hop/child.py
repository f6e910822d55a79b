"""A process that is measured from outside, or helps: started, asked where it listens, and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

from abi_engine.benches.case import NotThere
from abi_engine.core.errors import TimedOut, Unavailable

_START_TIMEOUT: Final = 30.0
_END_TIMEOUT: Final = 10.0
_PAUSE: Final = 0.02
_HOST: Final = "127.0.0.1"


class Child:
    """A server in a process of its own.

    Args:
        process: that runs it.
        port: where it listens, on loopback.
    """

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{_HOST}:{self.port}"

    def cpu(self) -> float:
        """The CPU time of all its threads so far, in seconds, as the kernel counts it.

        Raises:
            NotThere: this system has no `/proc`.
        """
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        except FileNotFoundError:
            raise NotThere("/proc", "a Linux system has it") from None
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        connection = HTTPConnection(_HOST, self.port, timeout=_START_TIMEOUT)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def python(module: str, *arguments: str) -> Iterator[Child]:
    """A module of this package that runs until its stdin ends, and first writes its port."""
    command = [sys.executable, "-m", f"abi_engine.benches.hop.{module}", *arguments]
    with _process(command) as (process, said):
        assert process.stdout is not None
        line = process.stdout.readline().strip()
        if not line.isdigit():
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END_TIMEOUT)
            raise _why(module, _read(said))
        yield Child(process, int(line))


@contextmanager
def program(command: Sequence[str], port: int) -> Iterator[Child]:
    """A program that listens on a port it was given."""
    with _process(command) as (process, said):
        deadline = time.monotonic() + _START_TIMEOUT
        while not _answers(port):
            if process.poll() is not None:
                raise Unavailable(f"{command[0]} ended at once: {_read(said)[-500:]}")
            if time.monotonic() > deadline:
                raise TimedOut(f"{command[0]} does not listen on port {port}")
            time.sleep(_PAUSE)
        yield Child(process, port)


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _process(command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[str], IO[bytes]]]:
    """A process, and the file that its errors go to: a pipe that nobody reads would stop it."""
    with TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - a program we found, or ourselves
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        try:
            yield process, errors
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=_END_TIMEOUT)
            if process.poll() is None:
                process.kill()
                process.communicate()


def _read(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace")


def _why(module: str, errors: str) -> Exception:
    last = errors.strip().rpartition("\n")[2]
    missing = last.removeprefix("ModuleNotFoundError: No module named ")
    if missing != last:
        return ModuleNotFoundError(last, name=missing.strip("'"))
    return Unavailable(f"{module} did not start: {last or 'it said nothing'}")


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((_HOST, port), 1.0):
        return True
    return False
