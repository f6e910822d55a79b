"""Calls somebody back in order, from whatever thread, with no lock that another would wait for.

Refuses to start a thread of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Announcer(Generic[T]):
    """Hands items to a receiver, one at a time, in the order in which they were put.

    `put` where the order is decided, under a lock; `announce` after that lock is left. A thread
    that finds another one announcing leaves its items to it. Thread-safe.

    Args:
        receive: takes an item. What it raises comes out of `announce`; the items after that one
            stay for the next call of it.
    """

    __slots__ = ("_receive", "_turn", "_waiting")

    def __init__(self, receive: Callable[[T], None]) -> None:
        self._receive = receive
        self._waiting: deque[T] = deque()
        self._turn = Lock()

    def put(self, item: T) -> None:
        """Have `item` announced."""
        self._waiting.append(item)

    def announce(self) -> None:
        """Hand over what waits, unless another thread (or this one, further up) does so already."""
        # Asked again after the turn is given up: what was put just before would be left behind.
        while self._waiting and self._turn.acquire(blocking=False):
            try:
                while self._waiting:
                    self._receive(self._waiting.popleft())
            finally:
                self._turn.release()
