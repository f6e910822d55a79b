"""Threads that really meet: they begin together and are switched as often as Python can."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")

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
