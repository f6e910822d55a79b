"""Follows the engine's log in a thread of its own, while somebody looks.

Refuses to tell of every line by itself: a flood becomes a few handfuls a second.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from threading import Lock, Thread
from typing import TYPE_CHECKING, NamedTuple

from abi_engine.core.errors import AbiError
from abi_engine.core.stream import Stream
from abi_engine.system import LogLine

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi

LINES = 1000
GATHER_S = 0.25


class Logged(NamedTuple):
    """New lines of the log, oldest first, and how many were lost before them."""

    lines: tuple[LogLine, ...]
    lost: int = 0


class Tail:
    """Reads one stream of lines, and none while nobody looks.

    Args:
        sink: takes the lines, in any thread.
        now: seconds of a clock that only goes forward.
    """

    def __init__(
        self, sink: Callable[[Logged], None], *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._sink = sink
        self._now = now
        self._lock = Lock()
        self._engine: EngineApi | None = None
        self._stream: Stream[LogLine] | None = None
        self._last: datetime | None = None
        self._lines: deque[LogLine] = deque(maxlen=LINES)
        self._lost = 0
        self._flushed = 0.0

    def follow(self, engine: EngineApi) -> None:
        """Follow this engine. Does nothing where it is followed already."""
        with self._lock:
            if engine is self._engine:
                return
            self._engine = engine
        Thread(target=self._run, args=(engine,), name="abi-tail", daemon=True).start()

    def stop(self, *, forget: bool = False) -> None:
        """Follow no more.

        Args:
            forget: what comes next is shown to somebody who has seen nothing yet.
        """
        with self._lock:
            self._engine, stream, self._stream = None, self._stream, None
            if forget:
                self._last = None
                self._lines.clear()
        if stream is not None:
            stream.close()

    def flush(self) -> None:
        """Tell what was gathered."""
        with self._lock:
            self._tell()

    def _run(self, engine: EngineApi) -> None:
        with suppress(AbiError):  # the engine went away: whoever reads its reports says so
            self._read(engine)
        with self._lock:
            if self._engine is engine:
                self._engine = self._stream = None

    def _read(self, engine: EngineApi) -> None:
        with engine.system.watch_logs() as stream:
            with self._lock:
                if self._engine is not engine:
                    return
                self._stream = stream
            kept = engine.system.logs(limit=LINES)
            self._take(engine, kept, at_once=True)
            lost = 0
            for line in stream:
                new, lost = stream.lagged - lost, stream.lagged
                self._take(engine, (line,), new)

    def _take(
        self, engine: EngineApi, lines: tuple[LogLine, ...], lost: int = 0, *, at_once: bool = False
    ) -> None:
        """Gather lines that were not told yet."""
        with self._lock:
            if self._engine is not engine:
                return
            last = self._last
            new = [line for line in lines if last is None or line.at > last]
            self._last = max((line.at for line in new), default=last)
            over = max(len(self._lines) + len(new) - LINES, 0)
            self._lines.extend(new)
            self._lost += lost + over
            if at_once or self._now() - self._flushed >= GATHER_S:
                self._tell(even_nothing=at_once)

    def _tell(self, *, even_nothing: bool = False) -> None:
        """With the lock held, so that lines stay in order."""
        if self._lines or self._lost or even_nothing:
            self._sink(Logged(tuple(self._lines), self._lost))
            self._lines.clear()
            self._lost = 0
            self._flushed = self._now()
