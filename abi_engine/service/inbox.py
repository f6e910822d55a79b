"""The words that the main thread of a serving process has to act on.

Refuses to keep it waiting for a reload, which may read a file that does not answer, and to gather
more of those than one that is under way and one that follows.
"""

from __future__ import annotations

import logging
from threading import Lock, Thread

from abi_engine.core.errors import AbiError, EngineStateError
from abi_engine.engine import Engine
from abi_engine.service.terminal import Terminal
from abi_engine.service.words import Word, Words

logger = logging.getLogger("abi_engine.service")


class Inbox:
    """The words to the main thread, but for the wish to reload, which is seen to.

    Args:
        engine: what is served.
        words: see `Words`.
        terminal: where the process was started from.
    """

    def __init__(self, engine: Engine, words: Words, terminal: Terminal) -> None:
        self._engine = engine
        self._words = words
        self._terminal = terminal
        self._reloading = Lock()
        self._follows = False  # a reload is yet to begin, and will see whatever there is by then
        self.say_when = words.say_when

    def wait(self, owner: int | None = None, timeout: float | None = None) -> Word:
        """See `Words.wait`."""
        while True:
            word = self._words.wait(owner, timeout)
            if word is not Word.HANGUP or self._terminal.is_gone():
                return word
            if not self._follows:
                self._follows = True
                Thread(target=self._reload_in_turn, name="abi-reload", daemon=True).start()

    def _reload_in_turn(self) -> None:
        with self._reloading:
            self._follows = False
            self._reload()

    def _reload(self) -> None:
        try:
            self._engine.reload()
        except EngineStateError as error:
            logger.warning("SIGHUP: not reloaded: %s", error)
        except AbiError:
            return  # it is in the log, and an event
        except Exception:
            logger.exception("SIGHUP: not reloaded")
