"""What a demo may leave behind: processes and files under a directory of the test's own."""

from __future__ import annotations

import os
import time
from pathlib import Path

GONE_WITHIN = 30.0


def processes(place: Path) -> list[int]:
    """The processes, but this one, whose temporary directory is `place`."""
    mark = f"TMPDIR={place}\0".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark in (entry / "environ").read_bytes() + b"\0":
                    found.append(int(entry.name))
            except OSError:  # it has ended meanwhile, or is another user's
                continue
    return found


def wait_until_nothing_is_left(place: Path) -> None:
    """Fail unless soon no process and no file is there."""
    deadline = time.monotonic() + GONE_WITHIN
    while time.monotonic() < deadline:
        if not processes(place) and not list(place.iterdir()):
            return
        time.sleep(0.02)
    raise AssertionError(f"left behind: {processes(place)} {list(place.iterdir())}")
