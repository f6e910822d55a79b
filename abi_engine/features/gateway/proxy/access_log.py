"""One line for every request, written by a thread of its own.

The loop never waits for it: lines are handed over in batches, the queue is bounded, and what does
not fit or cannot be written is dropped, counted and said.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Thread
from typing import Final

from abi_engine.core.errors import Severity
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.config import GatewayConfig, LogFormat
from abi_engine.features.gateway.proxy.log_file import LogFile, RotationFailed
from abi_engine.features.gateway.proxy.log_lines import Encode, Entry, encoder

_BATCH: Final = 1000
_BATCHES: Final = 64
_DELAY: Final = 0.1


class AccessLog:
    """The log. `add`, `flush` and `reload` belong to the loop's thread.

    Args:
        path: the file; it is created, and appended to.
        config: the format, and when a new file is begun.
        events: where losses are said.
    """

    def __init__(self, path: Path, config: GatewayConfig, events: EventLog) -> None:
        self._file = LogFile(path, config.access_log_size, config.access_log_keep)
        self._events = events
        self._queue: Queue[list[Entry] | GatewayConfig | None] = Queue(_BATCHES)
        self._batch: list[Entry] = []
        self._timer: asyncio.TimerHandle | None = None
        self._thread = Thread(target=self._write_batches, name="abi-access-log", daemon=True)
        self._encode: Encode = encoder(config.access_log_format)
        self._rotate = False
        self._reload: GatewayConfig | None = None  # not handed over yet
        self._failing = ""  # what was said last of it
        self._overrun = 0  # written by the loop's thread alone
        self._overrun_said = 0  # and this by the writer
        self.is_json = config.access_log_format is LogFormat.JSON
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
        if batch and not self._hand_over(batch):
            self._overrun += len(batch)
        config = self._reload
        if config is not None and self._hand_over(config):
            self._reload = None
            self.is_json = config.access_log_format is LogFormat.JSON

    def _hand_over(self, what: list[Entry] | GatewayConfig) -> bool:
        try:
            self._queue.put_nowait(what)
        except Full:
            return False
        return True

    def stop(self, deadline: float) -> None:
        """Write the rest and end the thread, within `deadline` seconds.

        Any thread but the loop's; after the last `add` and a `flush`.
        """
        if not self._thread.is_alive():
            return
        latest = time.monotonic() + deadline
        with suppress(Full):
            self._queue.put(None, timeout=deadline)
            self._thread.join(max(latest - time.monotonic(), 0))
        if self._thread.is_alive():
            self._abandon()

    def _abandon(self) -> None:
        """Give up what is queued: the writer hangs in the disk."""
        lost = 0
        with suppress(Empty):
            while True:
                batch = self._queue.get_nowait()
                lost += len(batch) if isinstance(batch, list) else 0
        self._queue.put_nowait(None)
        if lost:
            self.dropped += lost
            self._say(f"{lost} requests were not logged: the disk did not take them in time")

    def reload(self, config: GatewayConfig) -> None:
        """Begin a new file, in the format and with the sizes of other settings; later, where the
        writer is far behind.
        """
        self._reload = config
        self.flush()

    def _write_batches(self) -> None:
        while (batch := self._queue.get()) is not None:
            if isinstance(batch, list):
                self._write(batch)
                self._say_overrun()
            else:
                self._change(batch)
        self._say_overrun()

    def _change(self, config: GatewayConfig) -> None:
        self._encode = encoder(config.access_log_format)
        self._file = LogFile(self._file.path, config.access_log_size, config.access_log_keep)
        self._rotate = True

    def _write(self, batch: list[Entry]) -> None:
        text = self._encode(batch)
        rotate, self._rotate = self._rotate, False
        try:
            self._file.append(text, rotate=rotate)
        except RotationFailed as error:
            self._say_failing(f"no new file can be begun, it grows on: {error.strerror}")
        except OSError as error:
            self.dropped += len(batch)
            self._say_failing(f"{error.strerror}; requests are not logged")
        else:
            self._failing = ""

    def _say_failing(self, what: str) -> None:
        """Once, until it is well again."""
        if what != self._failing:
            self._failing = what
            self._say(f"{self._file.path}: {what}")

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
