"""How many requests of a route are worked on at once, and the queue of those that wait their turn.

Pure, and of one thread: turns are asked for, come and end in the thread of the data plane; any
thread may read the counts. Refuses to lose a turn, or to give one back twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from abi_engine.features.gateway.api import Concurrency


class Turn:
    """A request's turn, from when it is asked for until it ends.

    Attributes:
        has_come: the request may be worked on.
    """

    __slots__ = ("_called", "_is_over", "_turns", "has_come")

    def __init__(self, turns: Turns, called: Callable[[], None]) -> None:
        self._turns = turns
        self._called = called
        self._is_over = False
        self.has_come = False

    def end(self) -> None:
        """The request is over, or waits no longer; further calls do nothing."""
        if not self._is_over:
            self._is_over = True
            self._turns.ended(self)

    def come(self) -> None:
        """Let it begin, after it had to wait."""
        self.has_come = True
        self._called()


class Turns:
    """The turns of one route, first come, first served. O(1) each.

    Args:
        settings: how many at once, and how many may wait.
    """

    __slots__ = ("_elsewhere", "_limit", "_queue", "_size", "refused", "settings", "working")

    def __init__(self, settings: Concurrency) -> None:
        self.settings = settings
        self._limit = settings.limit
        self._size = settings.queue
        self._queue: OrderedDict[Turn, None] = OrderedDict()
        self._elsewhere = 0
        self.working = 0
        """How many are worked on."""
        self.refused = 0
        """How many were refused since the start, by a full queue or a turn that did not come."""

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue) + self._elsewhere

    def count_elsewhere(self, waiting: int, refused: int) -> None:
        """So many more wait in another process, and were refused there."""
        self._elsewhere += waiting
        self.refused += refused

    def ask(self, called: Callable[[], None]) -> Turn | None:
        """A turn that has come, or will; None where the queue is full, which is counted.

        Args:
            called: called when the turn comes, if it has not come already. It must only arrange
                for the request to go on: it runs while another request ends.
        """
        turn = Turn(self, called)
        if self.working < self._limit:
            self.working += 1
            turn.has_come = True
        elif len(self._queue) < self._size:
            self._queue[turn] = None
        else:
            self.refused += 1
            return None
        return turn

    def ended(self, turn: Turn) -> None:
        """Used by `Turn.end`, once for each."""
        if not turn.has_come:
            del self._queue[turn]
        elif self._queue:
            following, _ = self._queue.popitem(last=False)
            following.come()
        else:
            self.working -= 1
