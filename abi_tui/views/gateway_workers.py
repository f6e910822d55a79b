"""The processes that serve clients of the gateway. Refuses to judge which is too busy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from abi_engine.features.gateway.api import WorkerState, WorkerStats
from abi_tui.views import numbers
from abi_tui.views.table import Cell, Column, Table, Tone

WORKERS: Final = (
    Column("state", "state"),
    Column("worker", "worker", right=True),
    Column("pid", "process", right=True),
    Column("uptime_s", "up", right=True),
    Column("connections_open", "connections", right=True),
    Column("requests_total", "requests", right=True),
)

NO_WORKERS: Final = "this engine serves clients itself: workers = 2 in [gateway] starts others"

_STATES: Final = {
    WorkerState.STARTING: Cell("◐ starting", Tone.WARN),
    WorkerState.SERVING: Cell("● serving", Tone.OK),
    WorkerState.DRAINING: Cell("◐ draining", Tone.WARN),
    WorkerState.GONE: Cell("✖ gone", Tone.BAD),
}


def workers_table(workers: Iterable[WorkerStats]) -> Table:
    """The workers in the given order."""
    rows = tuple(workers)
    return Table(
        "gateway.workers",
        WORKERS,
        tuple(map(_row, rows)),
        tuple(str(row.worker) for row in rows),
        len(rows),
        NO_WORKERS,
    )


def _row(row: WorkerStats) -> tuple[Cell, ...]:
    return (
        _STATES[row.state],
        Cell(str(row.worker)),
        Cell(str(row.pid)),
        Cell(numbers.span(row.uptime_s)),
        Cell(numbers.count(row.connections_open)),
        Cell(numbers.count(row.requests_total)),
    )
