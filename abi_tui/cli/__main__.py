"""The way in: `abi`, and `python -m abi_tui.cli`.

Refuses to import anything that takes time before Ctrl-C ends it quietly.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130  # as in `exits`, which is not imported yet


def main() -> None:
    """Carry out the command line of this process, and end it."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if usual:  # whoever started it may have it ignored, and then it stays so
        signal.signal(signal.SIGINT, _leave)
    try:
        from abi_tui.cli import root

        if usual:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        root.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _leave(_: int, __: FrameType | None) -> None:
    """End at once: nothing has been begun, and an import that is cut short would complain."""
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
