"""One worker, as the owner sees it: its process, and the link to it.

Belongs to the loop's thread of the owner. Refuses to wait for a worker that takes nothing.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, cast

from abi_engine.features.gateway.reports import WorkerState
from abi_engine.features.gateway.workers.messages import (
    Frames,
    FromWorker,
    ToWorker,
    framed,
    from_worker,
)
from abi_engine.features.gateway.workers.tally import Tally

COMMAND: Final = (sys.executable, "-m", "abi_engine.features.gateway.workers.worker")
UNSENT_MAX: Final = 64 << 20


class Member(asyncio.Protocol):
    """See the module.

    Args:
        number: its place among the workers, from 0.
        process: runs it.
        tally: what it counts.
        hear: called with what it says.
        gone: called once, when the link has ended.
    """

    def __init__(
        self,
        number: int,
        process: subprocess.Popen[bytes],
        tally: Tally,
        hear: Callable[[Member, FromWorker], None],
        gone: Callable[[Member], None],
    ) -> None:
        self.number = number
        self.process = process
        self.tally = tally
        self.stage = WorkerState.STARTING
        self.started_at = time.monotonic()
        self.calls = 0
        """So often has it been called since anything was heard of it."""
        self._hear = hear
        self._gone = gone
        self._frames = Frames()
        self._decoder = from_worker()
        self._transport: asyncio.Transport | None = None
        self._unsent: list[ToWorker] = []

    def age(self) -> float:
        """Seconds since it was begun."""
        return time.monotonic() - self.started_at

    def say(self, *messages: ToWorker) -> None:
        """Have it hear these, in order, in one step with what else is said now."""
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._send)
        self._unsent += messages

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self.calls = 0
        for frame in self._frames.feed(data):
            for message in self._decoder.decode(frame):
                self._hear(self, message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its word
        """Called by the loop."""
        self._transport = None
        self._gone(self)

    def _send(self) -> None:
        messages, self._unsent = self._unsent, []
        if self._transport is None:
            return
        self._transport.write(framed(messages))
        if self._transport.get_write_buffer_size() > UNSENT_MAX:
            self.kill()


def launched(listeners: Sequence[socket.socket]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """A new process, and the owner's end of the link to it.

    Args:
        listeners: where it lets clients in.
    """
    ours, theirs = socket.socketpair()
    command = [*COMMAND, "--link", str(theirs.fileno())]
    for listener in listeners:
        command += ["--listener", str(listener.fileno())]
    handed = [theirs.fileno(), *(listener.fileno() for listener in listeners)]
    with theirs:
        try:
            # In a group of its own: Ctrl-C is for the owner, from the first moment on.
            process = subprocess.Popen(  # noqa: S603 - our own module
                command, stdin=subprocess.DEVNULL, pass_fds=handed, process_group=0
            )
        except BaseException:
            ours.close()
            raise
    return process, ours
