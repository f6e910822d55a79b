"""One line of JSON for every request, written by a thread of its own.

The loop never waits for it: lines are handed over in batches, the queue is bounded, and what does
not fit or cannot be written is dropped, counted and said. The file is opened for each batch, so
that it can be moved away at any time.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Final

import msgspec

from abi_engine.core.errors import Severity
from abi_engine.core.events import EventLog
from abi_engine.core.text import safe

_BATCH: Final = 1000
_BATCHES: Final = 64
_DELAY: Final = 0.1
_TARGET_LIMIT: Final = 2048


class Entry(msgspec.Struct, gc=False):
    """A line of the log. Text is as it came from outside, until it is written.

    Attributes:
        time: when the request was over; seconds since the epoch, until it is written.
        request_id, client, method, target: of the request.
        status, bytes_in, bytes_out, duration_ms: of the answer; bytes are of bodies.
        route, upstream: where it went.
        error: a word; empty where nothing went wrong.
    """

    time: float | datetime
    request_id: str
    client: str
    method: str
    target: str
    status: int
    bytes_in: int
    bytes_out: int
    duration_ms: float
    route: str
    upstream: str
    error: str


class AccessLog:
    """The log. `add` and `flush` belong to the loop's thread.

    Args:
        path: the file; it is created, and appended to.
        events: where losses are said.
    """

    def __init__(self, path: Path, events: EventLog) -> None:
        self._path = path
        self._events = events
        self._queue: Queue[list[Entry] | None] = Queue(_BATCHES)
        self._batch: list[Entry] = []
        self._timer: asyncio.TimerHandle | None = None
        self._thread = Thread(target=self._write_batches, name="abi-access-log", daemon=True)
        self._encoder = msgspec.json.Encoder()
        self._failing = False
        self._overrun = 0  # written by the loop's thread alone
        self._overrun_said = 0  # and this by the writer
        self.dropped = 0
        """Lines lost since the start."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to write what is added in the thread of `loop`."""
        self._loop = loop
        self._thread.start()

    def add(self, entry: Entry) -> None:
        """Take a line; costs an append."""
        batch = self._batch
        batch.append(entry)
        if len(batch) >= _BATCH:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(_DELAY, self.flush)

    def flush(self) -> None:
        """Hand over what there is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch, self._batch = self._batch, []
        if not batch:
            return
        try:
            self._queue.put_nowait(batch)
        except Full:
            self._overrun += len(batch)

    def stop(self, deadline: float) -> None:
        """Write the rest and end the thread, within `deadline` seconds.

        Any thread but the loop's; after the last `add` and a `flush`.
        """
        if not self._thread.is_alive():
            return
        try:
            self._queue.put(None, timeout=deadline)
        except Full:
            return
        self._thread.join(deadline)

    def _write_batches(self) -> None:
        while (batch := self._queue.get()) is not None:
            self._write(batch)
            self._say_overrun()
        self._say_overrun()

    def _write(self, batch: list[Entry]) -> None:
        text = self._encoder.encode_lines([_made_safe(entry) for entry in batch])
        try:
            _append(self._path, text)
            self._failing = False
        except OSError as error:
            self.dropped += len(batch)
            if not self._failing:
                self._say(f"{self._path}: {error.strerror}; requests are not logged")
            self._failing = True

    def _say_overrun(self) -> None:
        lost = self._overrun - self._overrun_said
        if lost:
            self._overrun_said += lost
            self.dropped += lost
            self._say(f"{lost} requests were not logged: the disk is too slow")

    def _say(self, message: str) -> None:
        self._events.add(
            "gateway",
            "access_log_lost",
            message,
            severity=Severity.WARNING,
            dropped_total=self.dropped,
        )


def _append(path: Path, text: bytes) -> None:
    """Whole lines or nothing: what a full disk tore off would be glued to the next line."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        try:
            left = memoryview(text)
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _made_safe(entry: Entry) -> Entry:
    if isinstance(entry.time, float):
        entry.time = datetime.fromtimestamp(entry.time, UTC)
    entry.target = safe(entry.target, limit=_TARGET_LIMIT)
    entry.duration_ms = round(entry.duration_ms, 3)
    return entry
