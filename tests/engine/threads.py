"""Threads that really meet: they begin together and are switched as often as Python can."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

from abi_engine.core.clock import ManualClock

T = TypeVar("T")


class YieldingKey(str):
    """A key at which another thread gets its turn whenever a dict looks at it."""

    __slots__ = ()

    def __hash__(self) -> int:
        time.sleep(0)
        return super().__hash__()

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other)


class YieldingClock(ManualClock):
    """A clock at which another thread gets its turn whenever it is read; each reading moves it."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self._step = step

    def monotonic(self) -> float:
        """The seconds it was moved to."""
        time.sleep(0)
        self.advance(self._step)
        return super().monotonic()


# A thread keeps the interpreter for 5 ms by default: most tests end before the first switch.
SWITCH_OFTEN = 1e-6


@contextmanager
def switching_often() -> Iterator[None]:
    """Switch between threads after nearly every step."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_OFTEN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def together(count: int, work: Callable[[int], T]) -> list[T]:
    """What `work(number)` returns in each of `count` threads that begin at the same moment."""
    start = Barrier(count)

    def begin(number: int) -> T:
        start.wait(30)
        return work(number)

    with switching_often(), ThreadPoolExecutor(count) as pool:
        running = [pool.submit(begin, number) for number in range(count)]
        return [done.result(60) for done in running]
