"""The way in: `abi`, and `python -m abi_tui.cli`.

Refuses to import anything that takes time before Ctrl-C ends it quietly.
"""

from __future__ import annotations

import sys

INTERRUPTED = 130  # as in `exits`, which is not imported yet


def main() -> None:
    """Carry out the command line of this process, and end it."""
    try:
        from abi_tui.cli import root

        root.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
