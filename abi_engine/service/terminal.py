"""The terminal that a process was started from: whether it is still there when SIGHUP comes."""

from __future__ import annotations

import os
import signal
from typing import Final

_DEVICE: Final = "/dev/tty"


class Terminal:
    """What controls this process, as it was when this object was made; before SIGHUP is caught.

    A process that was told to ignore SIGHUP, as `nohup` does, is taken to have none: it is to
    outlive its terminal.

    Args:
        device: stands for the controlling terminal of whoever opens it.
    """

    def __init__(self, device: str = _DEVICE) -> None:
        self._device = device
        self._had = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and self._is_there()

    def is_gone(self) -> bool:
        """Whether there was one, and is none any more."""
        return self._had and not self._is_there()

    def _is_there(self) -> bool:
        try:
            descriptor = os.open(self._device, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:  # ENXIO: no terminal controls this process
            return False
        os.close(descriptor)
        return True
