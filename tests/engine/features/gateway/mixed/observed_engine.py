"""An engine that tells how many asyncio tasks it has: `python observed_engine.py FILE …`.

It is served with the other arguments. On SIGUSR1 the number is written into the file.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from pathlib import Path

from abi_engine.service.serve import main


def count_tasks() -> int:
    """The tasks of all loops that are not done."""
    tasks = [thing for thing in gc.get_objects() if isinstance(thing, asyncio.Task)]
    return sum(not task.done() for task in tasks)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    signal.signal(signal.SIGUSR1, lambda *_: place.write_text(f"{count_tasks()}\n"))
    sys.exit(main(sys.argv[2:]))
