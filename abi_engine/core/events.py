"""What happened, newest kept: a bounded ring of events that any thread may add to and watch.

Refuses to wait for a reader: a watcher that is slow loses the oldest events and is told how many.
"""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from threading import Lock

import msgspec

from abi_engine.core.broadcast import Broadcast
from abi_engine.core.clock import Clock
from abi_engine.core.errors import Detail, Severity
from abi_engine.core.stream import Stream

RING_SIZE = 4096


class Event(msgspec.Struct, frozen=True):
    """One thing that happened.

    Attributes:
        id: counts up by one from 1 as long as the engine lives.
        at: when, UTC.
        source: the feature it happened in, or `engine`.
        kind: a stable word, such as `breaker_opened`.
        message: one line for a person; may hold text from outside, so show it made safe.
        subject: what it is about: a route's path, an upstream, a feature.
        severity: how bad it is.
        details: values for programs.
    """

    id: int
    at: datetime
    source: str
    kind: str
    message: str
    subject: str = ""
    severity: Severity = Severity.INFO
    details: dict[str, Detail] = {}


class EventLog:
    """The newest events. Thread-safe; adding one costs a lock and a few appends.

    Args:
        clock: dates the events.
        size: how many are kept.
    """

    def __init__(self, clock: Clock, size: int = RING_SIZE) -> None:
        self._clock = clock
        self._ring: deque[Event] = deque(maxlen=size)
        self._broadcast: Broadcast[Event] = Broadcast()
        self._lock = Lock()
        self._count = 0

    def add(
        self,
        source: str,
        kind: str,
        message: str,
        *,
        subject: str = "",
        severity: Severity = Severity.INFO,
        **details: Detail,
    ) -> Event:
        """Record an event and hand it to every watcher."""
        at = datetime.fromtimestamp(self._clock.time(), UTC)
        with self._lock:
            self._count += 1
            event = Event(self._count, at, source, kind, message, subject, severity, details)
            self._ring.append(event)
            self._broadcast.send(event)  # within the lock: every reader sees them in order
        return event

    def latest(
        self, limit: int = 100, *, source: str | None = None, before: int | None = None
    ) -> tuple[Event, ...]:
        """The newest `limit` events, newest first.

        Args:
            limit: at most this many.
            source: only events of this source.
            before: only events with a smaller id, for the next page.
        """
        with self._lock:
            events = tuple(self._ring)
        found: list[Event] = []
        for event in reversed(events):
            if len(found) >= limit:
                break
            if (source is None or event.source == source) and (before is None or event.id < before):
                found.append(event)
        return tuple(found)

    def watch(self) -> Stream[Event]:
        """Every event from now on; `Stream.lagged` counts those a slow reader lost."""
        return self._broadcast.watch()

    def close(self) -> None:
        """End every watcher's stream; events may still be added and read."""
        self._broadcast.close()
