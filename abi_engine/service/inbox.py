"""The words that the main thread of a serving process has to act on.

Refuses to keep it waiting for a reload, which may read a file that does not answer.
"""

from __future__ import annotations

import logging
from threading import Thread

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
        self.say_when = words.say_when

    def wait(self, owner: int | None = None, timeout: float | None = None) -> Word:
        """See `Words.wait`."""
        while True:
            word = self._words.wait(owner, timeout)
            if word is not Word.HANGUP or self._terminal.is_gone():
                return word
            Thread(target=self._reload, name="abi-reload", daemon=True).start()

    def _reload(self) -> None:
        try:
            self._engine.reload()
        except EngineStateError as error:
            logger.warning("SIGHUP: not reloaded: %s", error)
        except AbiError:
            return  # it is in the log, and an event
        except Exception:
            logger.exception("SIGHUP: not reloaded")
