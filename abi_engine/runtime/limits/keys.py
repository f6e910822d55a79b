"""What is remembered of each key, bounded. Refuses to grow: beyond it newcomers share one place."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

E = TypeVar("E")

FEW = 1024  # keys are simply kept: learning one anew costs more than remembering it

SHARED = None
"""The place of every newcomer that finds no room."""


class Keys(Generic[E]):
    """Entries by key, at most `most` of them and the shared one.

    Where there are more than a few, each newcomer makes two of the others, in turn, be looked at
    and forgotten if they are spent: O(1), and no pause. Not thread-safe: the caller's lock.

    Args:
        most: how many keys are remembered.
        spent: whether an entry means no more than none.
    """

    __slots__ = ("_few", "_most", "_spent", "_turns", "entries")

    def __init__(self, most: int, spent: Callable[[E], bool]) -> None:
        self._most = most
        self._few = min(FEW, most)
        self._spent = spent
        self._turns: deque[str] = deque()
        self.entries: dict[str | None, E] = {}

    def __len__(self) -> int:
        return len(self._turns)

    def place(self, newcomer: str) -> str | None:
        """Where a key without an entry is counted: its own place, or the shared one."""
        return newcomer if len(self._turns) < self._most else SHARED

    def learn(self, newcomer: str, entry: E) -> str | None:
        """Put the entry of a newcomer in its place, and return that.

        An entry that is in the shared place already stays there.
        """
        place = self.place(newcomer)
        if len(self._turns) >= self._few:
            self._look()
            self._look()
        self.entries.setdefault(place, entry)
        if place is not SHARED:
            self._turns.append(newcomer)
        return place

    def _look(self) -> None:
        """Forget the key whose turn it is if it is spent, else give it another turn."""
        if not self._turns:
            return
        key = self._turns.popleft()
        if self._spent(self.entries[key]):
            del self.entries[key]
        else:
            self._turns.append(key)
