"""Words from signals and threads for the main thread of a serving process, through one pipe.

Refuses to do anything in a signal handler: it may not take a lock that the thread it interrupts
holds, and the kernel may hand a signal to a thread that never runs handlers.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress
from enum import IntEnum
from threading import Thread
from typing import Any, Self


class Word(IntEnum):
    """What the main thread is told; a signal is its own number."""

    HANGUP = signal.SIGHUP
    INTERRUPT = signal.SIGINT
    TERMINATE = signal.SIGTERM
    ASKED = 200
    DONE = 201
    OWNER_GONE = 202
    NOTHING = 203

    @property
    def by_signal(self) -> bool:
        """Whether a signal said it."""
        return self < Word.ASKED


class Words:
    """Catches SIGTERM, SIGINT and SIGHUP between entering and leaving; for the main thread."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._read = self._write = self._wakeup_before = -1

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._before[number] = signal.signal(number, _nothing)
        return self

    def __exit__(self, *exc_info: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read)
        write, self._write = self._write, -1
        os.close(write)

    def say(self, word: Word) -> None:
        """Say a word; from any thread, never waits."""
        with suppress(OSError):  # nobody listens any more, or nobody has listened for long
            os.write(self._write, bytes([word]))

    def say_when(self, returns: Callable[[], object], word: Word) -> None:
        """Say a word when a call returns, in a thread of its own."""

        def run() -> None:
            try:
                returns()
            finally:
                self.say(word)

        Thread(target=run, name=f"abi-{word.name.lower()}", daemon=True).start()

    def wait(self, owner: int | None = None, timeout: float | None = None) -> Word:
        """The next word; `OWNER_GONE` when the descriptor `owner` ends, `NOTHING` when `timeout`
        seconds are over.
        """
        poll = select.poll()
        for descriptor in (self._read, owner):
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        while ready := dict(poll.poll(None if timeout is None else timeout * 1000)):
            if self._read in ready:
                (number,) = os.read(self._read, 1)
                if number in set(Word):
                    return Word(number)
            elif owner is not None and not os.read(owner, 1 << 10):
                return Word.OWNER_GONE
        return Word.NOTHING


def _nothing(*_: object) -> None:
    """Handles a signal; that it came is in the pipe already."""
