"""The engine's log: JSON lines for files, and the newest lines kept in memory for who asks.

Refuses to wait for a reader, and to write text from outside raw: every line is one line of ASCII.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from datetime import UTC, datetime
from threading import RLock
from typing import NamedTuple

from abi_engine.core.broadcast import QUEUE_SIZE, Broadcast
from abi_engine.core.stream import Stream

RING_SIZE = 2048
MESSAGE_SIZE = 8 << 10


class Line(NamedTuple):
    """One line: when (UTC), how bad, who says it, what."""

    at: datetime
    level: str
    logger: str
    message: str


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: `at`, `level`, `logger`, `thread`, `message`, and `exception`
    with its traceback where there was one.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a line feed."""
        at, level, logger, message = line_of(record, exception=False)
        fields = {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": level,
            "logger": logger,
            "thread": record.threadName,
            "message": message,
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields)


class LogRing(logging.Handler):
    """Keeps the newest lines and hands each to whoever watches. Thread-safe.

    Args:
        size: how many are kept.
        queue_size: how many may wait for one watcher before it loses the oldest.
    """

    def __init__(self, size: int = RING_SIZE, *, queue_size: int = QUEUE_SIZE) -> None:
        super().__init__()
        self._ring: deque[Line] = deque(maxlen=size)
        self._broadcast: Broadcast[Line] = Broadcast(queue_size)
        self._guard = RLock()  # a record may come from within, when an object is collected

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record."""
        line = line_of(record)
        with self._guard:
            self._ring.append(line)
            self._broadcast.send(line)  # within the lock: every reader sees them in order

    def latest(self, limit: int) -> tuple[Line, ...]:
        """The newest `limit` lines, oldest first."""
        with self._guard:
            lines = tuple(self._ring)
        return lines[-limit:] if limit > 0 else ()

    def watch(self) -> Stream[Line]:
        """Every line from now on; `Stream.lagged` counts those a slow reader lost."""
        return self._broadcast.watch()

    def close(self) -> None:
        """End every watcher's stream; what is kept can still be read."""
        self._broadcast.close()
        super().close()


def line_of(record: logging.LogRecord, *, exception: bool = True) -> Line:
    """A record as a line; with `exception` the error's own words follow the message."""
    message = record.getMessage()
    if exception and record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        message += f" ({type(error).__name__}: {error})"
    if len(message) > MESSAGE_SIZE:
        message = message[: MESSAGE_SIZE - 1] + "…"
    at = datetime.fromtimestamp(record.created, UTC)
    return Line(at, record.levelname.lower(), record.name, message)
