"""A stream: an iterator that any thread may close. Refuses to buffer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, Self, TypeVar

T = TypeVar("T")


def _none_lost() -> int:
    return 0


class Stream(Iterator[T], Generic[T]):
    """What a streaming operation returns.

    Closing it, leaving its `with`, or forgetting it cancels what feeds it. One thread at a time
    iterates; `close` may be called from any thread, any number of times, and wakes a waiting
    `next`, which then raises `StopIteration`.

    Args:
        items: where the items come from.
        close: makes `items` end.
        lost: tells how many items a lossy stream has dropped so far.
    """

    def __init__(
        self,
        items: Iterator[T],
        close: Callable[[], None],
        lost: Callable[[], int] = _none_lost,
    ) -> None:
        self._items = items
        self._close = close
        self._lost = lost

    @property
    def lagged(self) -> int:
        """How many items were dropped because the reader was slow; 0 for a stream that waits."""
        return self._lost()

    def close(self) -> None:
        """End the stream."""
        self._close()

    def __next__(self) -> T:
        return next(self._items)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __del__(self) -> None:
        close = getattr(self, "_close", None)  # absent when __init__ itself failed
        if close is not None:
            close()
