"""One writer's items handed to every reader. Refuses to wait: a slow reader loses the oldest."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Condition, RLock
from typing import Generic, TypeVar

from abi_engine.core.stream import Stream

T = TypeVar("T")

QUEUE_SIZE = 1024


class Broadcast(Generic[T]):
    """Hands each item to all who watch at that moment. Thread-safe.

    Args:
        queue_size: how many items may wait for one reader; one more drops its oldest, and
            `Stream.lagged` counts it.
    """

    def __init__(self, queue_size: int = QUEUE_SIZE) -> None:
        self._queue_size = queue_size
        # A forgotten stream may be collected, and leave, while this thread hands an item over: so
        # the lock lets it in, and the set is replaced instead of changed.
        self._readers: frozenset[_Reader[T]] = frozenset()
        self._lock = RLock()

    def send(self, item: T) -> None:
        """Hand over one item."""
        with self._lock:
            for reader in self._readers:
                reader.offer(item)

    def watch(self) -> Stream[T]:
        """Every item from now on, until the stream or the broadcast is closed."""
        reader: _Reader[T] = _Reader(self._queue_size)
        with self._lock:
            self._readers |= {reader}

        def leave() -> None:
            with self._lock:
                self._readers -= {reader}
            reader.close()

        return Stream(reader.items(), leave, lambda: reader.lost)

    def close(self) -> None:
        """End every reader's stream; later readers may still come."""
        with self._lock:
            readers, self._readers = self._readers, frozenset()
        for reader in readers:
            reader.close()


class _Reader(Generic[T]):
    """The queue of one reader; identity is its equality."""

    def __init__(self, size: int) -> None:
        self._queue: deque[T] = deque()
        self._size = size
        self._ready = Condition()
        self._closed = False
        self.lost = 0

    def offer(self, item: T) -> None:
        with self._ready:
            if len(self._queue) == self._size:
                self._queue.popleft()
                self.lost += 1
            self._queue.append(item)
            self._ready.notify()

    def close(self) -> None:
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def items(self) -> Iterator[T]:
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._queue or self._closed)
                if self._closed:
                    return
                item = self._queue.popleft()
            yield item
