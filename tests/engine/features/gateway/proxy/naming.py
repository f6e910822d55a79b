"""Answers for names, under a test's control."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from threading import Condition


class Naming:
    """A look-up whose answers change.

    Attributes:
        answers: the addresses of each name; a name without any cannot be resolved.
        asked: how often each was asked for.
        hangs: no answer ever comes.
    """

    def __init__(self, **answers: Sequence[str]) -> None:
        self.answers = {name.replace("_", "."): places for name, places in answers.items()}
        self.asked: dict[str, int] = {}
        self.hangs = False
        self._changed = Condition()

    async def __call__(self, host: str) -> Sequence[str]:
        with self._changed:
            self.asked[host] = self.asked.get(host, 0) + 1
            self._changed.notify_all()
        if self.hangs:
            await asyncio.Event().wait()
        places = self.answers.get(host)
        if places is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return places

    def wait_for_questions(self, host: str, count: int) -> None:
        """Wait until the name was asked for `count` times more."""
        with self._changed:
            wanted = self.asked.get(host, 0) + count
            assert self._changed.wait_for(lambda: self.asked.get(host, 0) >= wanted, 5)
