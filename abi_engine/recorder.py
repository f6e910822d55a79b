"""The recent past of an engine: a ring of encoded reports, bounded in time and memory.

Refuses to lose the present for the past: when memory is short the oldest are thinned first.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from threading import Event, Lock, Thread
from typing import NamedTuple

import msgspec

from abi_engine.system import Report

INTERVAL_S = 1.0


class _Kept(NamedTuple):
    number: int
    at: float
    packed: bytes


class Recorder:
    """Takes a report a second between `start` and `stop`, in a thread of its own.

    Args:
        take: makes a report of this moment.
        seconds: for how long reports are kept; 0 keeps none.
        size: how many bytes they may take, compressed.
    """

    def __init__(self, take: Callable[[], Report], *, seconds: int, size: int) -> None:
        self._take = take
        self._seconds = seconds
        self._size = size
        self._kept: list[_Kept] = []
        self._bytes = 0
        self._lock = Lock()
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to record. Does nothing in a recorder that records, or that keeps nothing."""
        if self._thread is None and self._seconds:
            self._thread = Thread(target=self._run, name="abi-recorder", daemon=True)
            self._thread.start()

    def stop(self, deadline: float) -> None:
        """Record no more; what is kept can still be read."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(deadline)

    def add(self, report: Report) -> None:
        """Keep a report; the oldest go or are thinned."""
        packed = zlib.compress(msgspec.msgpack.encode(report), 1)
        with self._lock:
            self._kept.append(_Kept(report.number, report.at.timestamp(), packed))
            self._bytes += len(packed)
            oldest = report.at.timestamp() - self._seconds
            gone = next((i for i, kept in enumerate(self._kept) if kept.at > oldest), 0)
            self._drop(self._kept[:gone], self._kept[gone:])
            while self._bytes > self._size and len(self._kept) > 1:
                self._thin()

    def since(self, number: int, limit: int) -> Iterator[Report]:
        """The first `limit` reports kept now with a number above `number`, oldest first."""
        with self._lock:
            found = [kept.packed for kept in self._kept if kept.number > number][:limit]
        return map(_unpack, found)

    def before(self, at: float) -> Report | None:
        """The newest kept report that is not younger than `at`, seconds since the epoch."""
        with self._lock:
            found = [kept.packed for kept in self._kept if kept.at <= at]
        return _unpack(found[-1]) if found else None

    @property
    def size_bytes(self) -> int:
        """How much memory the kept reports take."""
        return self._bytes

    def _thin(self) -> None:
        """Drop every second report of the older half."""
        half = max(len(self._kept) // 2, 1)
        old, new = self._kept[:half], self._kept[half:]
        self._drop(old[::2], old[1::2] + new)

    def _drop(self, gone: list[_Kept], left: list[_Kept]) -> None:
        self._bytes -= sum(len(kept.packed) for kept in gone)
        self._kept = left

    def _run(self) -> None:
        while not self._stopping.wait(INTERVAL_S):
            self.add(self._take())


def _unpack(packed: bytes) -> Report:
    return msgspec.msgpack.decode(zlib.decompress(packed), type=Report)
