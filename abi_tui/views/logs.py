"""The engine's log. Refuses to show a line that has not been made safe."""

from __future__ import annotations

from collections.abc import Iterable

from abi_engine.core.text import safe
from abi_engine.system import LogLine
from abi_tui.views import numbers
from abi_tui.views.table import Cell, Column, Table, Tone

COLUMNS = (
    Column("at", "time UTC"),
    Column("level", "level"),
    Column("logger", "logger"),
    Column("message", "what"),
)
EMPTY = "the log is empty"

_TONES = {"warning": Tone.WARN, "error": Tone.BAD, "critical": Tone.BAD, "debug": Tone.DIM}


def logs_table(lines: Iterable[LogLine]) -> Table:
    """Lines in the given order, oldest first as the engine gives them."""
    rows = tuple(lines)
    return Table(
        "engine.logs",
        COLUMNS,
        tuple(map(log_row, rows)),
        tuple(str(number) for number in range(len(rows))),
        len(rows),
        EMPTY,
    )


def log_row(line: LogLine) -> tuple[Cell, ...]:
    """One line in the columns of the table."""
    tone = _TONES.get(line.level.lower(), Tone.PLAIN)
    return (
        Cell(numbers.clock(line.at), Tone.DIM),
        Cell(safe(line.level.lower()), tone),
        Cell(safe(line.logger.removeprefix("abi_engine.")), Tone.DIM),
        Cell(safe(line.message, limit=2000), tone),
    )
