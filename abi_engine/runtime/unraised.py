"""Errors that Python can raise nowhere, as lines of the log instead of tracebacks on stderr.

Whoever connects can cause some: a server name beyond ASCII in a TLS handshake is such an error, for
each handshake. Refuses to let that fill a disk.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from typing import Final

_QUIET: Final = 60.0
"""Seconds between two lines."""


class Unraised:
    """For `sys.unraisablehook`: logs the first error, and then how many there were in a minute.

    Args:
        logger: where.
        now: gives seconds of any clock.
    """

    def __init__(self, logger: logging.Logger, now: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._now = now
        self._said_at: float | None = None
        self._unsaid = 0

    def __call__(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Called by Python; what the error belongs to is not shown, for it may be hostile."""
        self._unsaid += 1
        now = self._now()
        if self._said_at is not None and now - self._said_at < _QUIET:
            return
        count, self._unsaid, self._said_at = self._unsaid, 0, now
        errors = "an error" if count == 1 else f"{count} errors"
        last = unraisable.exc_value
        self._logger.error("%s that could be raised nowhere; the last:", errors, exc_info=last)
