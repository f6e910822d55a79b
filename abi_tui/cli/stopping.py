"""How an engine is stopped from outside: asked, then waited for. Refuses to send signals."""

from __future__ import annotations

import time
from collections.abc import Callable

from abi_engine.core.errors import ConnectionLost, EngineNotRunning, TimedOut
from abi_engine.service.client import Client
from abi_engine.system import EngineStatus
from abi_tui.cli import session
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation

GRACE = 10.0
POLL = 0.05


def stop(invocation: Invocation, deadline: float) -> Exit:
    """Stop the running engine and wait until it has left.

    Raises:
        EngineNotRunning: none runs.
        TimedOut: it has not left in time.
    """
    with session.running(invocation) as engine:
        status = engine.system.status()
        where = status.data_dir or "memory"
        undo = "" if invocation.attach else "abi serve --detach"
        change = Change((f"stop the engine {status.pid} on {where}",), undo)
        return carry_out(invocation, change, lambda: _stop(engine, status, deadline))


def _stop(engine: Client, status: EngineStatus, deadline: float) -> None:
    engine.system.stop(deadline=deadline)
    end = time.monotonic() + deadline + GRACE
    while not _gone(engine.check):
        if time.monotonic() > end:
            raise TimedOut(
                f"engine {status.pid} has not left after {deadline + GRACE:g} s",
                hint="abi logs says what it waits for",
            )
        time.sleep(POLL)


def _gone(check: Callable[[], object]) -> bool:
    try:
        check()
    except (EngineNotRunning, ConnectionLost):
        return True
    return False
