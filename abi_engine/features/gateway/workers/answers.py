"""Who has answered a question that was put to several. Refuses to wait for those that are gone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from abi_engine.core.errors import AbiError


class Answers:
    """Questions that are open, by their numbers."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[set[int], asyncio.Future[None]]] = {}

    def expect(self, question: int, numbers: Iterable[int]) -> asyncio.Future[None]:
        """Done when all of these have answered, or are gone; raises what one of them says."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open[question] = set(numbers), future
        future.add_done_callback(lambda _: self._open.pop(question, None))
        self._look(question)
        return future

    def missing(self, question: int) -> frozenset[int]:
        """Who has not answered."""
        return frozenset(self._open[question][0]) if question in self._open else frozenset()

    def came(self, question: int, number: int) -> None:
        """One has answered."""
        if question in self._open:
            self._open[question][0].discard(number)
            self._look(question)

    def failed(self, question: int, error: AbiError) -> None:
        """One has refused, which is the answer of all."""
        if question in self._open:
            future = self._open[question][1]
            if not future.done():
                future.set_exception(error)

    def left(self, number: int) -> None:
        """One is gone, and answers no more."""
        for question in tuple(self._open):
            self.came(question, number)

    def _look(self, question: int) -> None:
        missing, future = self._open[question]
        if not missing and not future.done():
            future.set_result(None)
