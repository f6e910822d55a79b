"""Starts an engine in a process of its own, and waits until it listens.

Refuses to leave the caller in doubt: the engine says over a pipe that it is ready, or why not.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from abi_engine.core.errors import AbiError, TimedOut, Unavailable, WireError
from abi_engine.core.text import safe

READY_FD = "ABI_READY_FD"
OWNER_FD = "ABI_OWNER_FD"
START_TIMEOUT = 20.0
LAST_WORDS = 1.0
ENGINE: tuple[str, ...] = (sys.executable, "-m", "abi_engine.service.serve")


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """What a started engine says: its process, where it listens, and what is wrong already."""

    pid: int
    socket: str
    admin: str
    trouble: tuple[str, ...] = ()


class Launched:
    """An engine that was started in another process and runs on when this object is forgotten,
    unless it is owned.

    Attributes:
        ready: what it said of itself.
    """

    def __init__(self, ready: Ready, owner: int | None) -> None:
        self.ready = ready
        self._owner = owner

    def leave(self) -> None:
        """Let go of an owned engine: it drains and stops, once no other client is attached."""
        owner, self._owner = self._owner, None
        if owner is not None:
            os.close(owner)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def __del__(self) -> None:
        if getattr(self, "_owner", None) is not None:  # absent when __init__ itself failed
            self.leave()


def detach(
    command: Sequence[str] = ENGINE,
    *,
    owned: bool = False,
    timeout: float = START_TIMEOUT,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Launched:
    """Start a process that serves an engine, away from this terminal, and wait until it listens.

    Args:
        command: what calls `serve`, with its arguments: `abi serve …`, or this package's own.
        owned: the engine drains and stops when this process has ended, however it ended.
        timeout: how many seconds it may take to listen; then it is stopped again.
        environ: its environment; None means this process's.
        cwd: its directory; None means this process's.

    Raises:
        AbiError: what kept the engine from starting, as the class it was there.
        Unavailable: it ended without a word; the message has its last line.
        TimedOut: it did not listen in time.
    """
    with ExitStack() as ours:
        with ExitStack() as theirs:
            ready, tell = _pipe(ours, theirs)
            handed = {READY_FD: tell}
            owner = None
            if owned:
                handed[OWNER_FD], owner = _pipe(theirs, ours)
            shell = _start(command, handed, os.environ if environ is None else environ, cwd)
        assert shell.stderr is not None
        ours.enter_context(shell.stderr)
        found = _wait(shell, ready, timeout)
        return Launched(found, None if owner is None else os.dup(owner))


def _pipe(readers: ExitStack, writers: ExitStack) -> tuple[int, int]:
    """A pipe whose ends are closed with the stacks."""
    read, write = os.pipe()
    readers.callback(os.close, read)
    writers.callback(os.close, write)
    return read, write


def _start(
    command: Sequence[str], handed: Mapping[str, int], environ: Mapping[str, str], cwd: Path | None
) -> subprocess.Popen[bytes]:
    try:
        # The shell leaves at once, so that init is the engine's parent, and nobody waits for it.
        shell = subprocess.Popen(  # noqa: S603 - the words are the caller's, none is interpreted
            ["/bin/sh", "-c", '"$@" &', "sh", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=tuple(handed.values()),
            start_new_session=True,
            env={**environ, **{name: str(value) for name, value in handed.items()}},
            cwd=cwd,
        )
    except OSError as error:
        raise Unavailable(f"cannot start a process: {error.strerror}") from error
    shell.wait()
    return shell


def _wait(shell: subprocess.Popen[bytes], ready: int, timeout: float) -> Ready:
    assert shell.stderr is not None
    said = _read(ready, timeout, until=b"\n")
    if said is None:
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)  # the engine is in the shell's group
        raise TimedOut(f"the engine did not listen within {timeout:g} s", hint="see its log")
    if not said:
        last = (
            (_read(shell.stderr.fileno(), LAST_WORDS) or b"").decode(errors="replace").split("\n")
        )
        words = next((line for line in reversed(last) if line.strip()), "no reason given")
        raise Unavailable(f"the engine did not start: {safe(words.strip(), limit=300)}")
    told = msgspec.json.decode(said, type=Ready | _Failed)
    if isinstance(told, _Failed):
        raise AbiError.from_wire(told.error)
    return told


def _read(descriptor: int, timeout: float, until: bytes = b"") -> bytes | None:
    """What comes until `until`, or the end; None where neither comes in time."""
    deadline = time.monotonic() + timeout
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    found = b""
    while poll.poll(max(deadline - time.monotonic(), 0.0) * 1000):
        chunk = os.read(descriptor, 1 << 16)
        found += chunk
        if not chunk or (until and found.endswith(until)):
            return found
    return found or None if not until else None


class _Failed(msgspec.Struct, frozen=True, tag="failed"):
    error: WireError


class Handed:
    """What the process that started this one has handed over, as the environment names it.

    Attributes:
        owner: a descriptor that ends when the owner does; None where nobody owns this process.
    """

    def __init__(self, ready: int | None, owner: int | None) -> None:
        self.owner = owner
        self._ready = ready

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Handed:
        """Take the descriptors out of the environment; none of them goes to further processes."""
        ready, owner = environ.pop(READY_FD, ""), environ.pop(OWNER_FD, "")
        return cls(_descriptor(ready), _descriptor(owner))

    @property
    def detached(self) -> bool:
        """Whether another process waits to be told, and no terminal is there."""
        return self._ready is not None

    def ready(self, ready: Ready) -> None:
        """Say that the engine listens."""
        self._tell(msgspec.json.encode(ready))

    def failed(self, error: AbiError) -> None:
        """Say why the engine cannot start."""
        self._tell(msgspec.json.encode(_Failed(error.to_wire())))

    def _tell(self, line: bytes) -> None:
        ready, self._ready = self._ready, None
        if ready is not None:
            with suppress(OSError):  # who started it has given up
                os.write(ready, line + b"\n")
            os.close(ready)


def _descriptor(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()):
        return None
    try:
        os.set_inheritable(int(text), False)
    except (OSError, OverflowError):  # nothing is open there
        return None
    return int(text)
