"""The engine's log. Refuses to show a line that has not been made safe."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC

from abi_engine.core.text import safe
from abi_engine.system import LogLine
from abi_tui.views import numbers
from abi_tui.views.detail import Detail, Line, line
from abi_tui.views.table import Cell, Column, Table, Tone

COLUMNS = (
    Column("at", "time UTC"),
    Column("level", "level"),
    Column("logger", "logger"),
    Column("message", "what"),
)
EMPTY = "the log is empty"

LEVELS = ("debug", "info", "warning", "error")

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


def log_row(said: LogLine) -> tuple[Cell, ...]:
    """One line in the columns of the table; how bad it is is told by the word for it."""
    return (
        Cell(numbers.clock(said.at), Tone.DIM),
        _level_cell(said),
        Cell(safe(said.logger.removeprefix("abi_engine.")), Tone.DIM),
        Cell(safe(said.message, limit=2000)),
    )


def log_detail(said: LogLine) -> Detail:
    """One line, nothing cut."""
    return Detail(
        "engine.logs",
        "line of the log",
        (
            line("at", f"{said.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"),
            Line("level", _level_cell(said)),
            line("logger", safe(said.logger)),
            line("message", safe(said.message, newlines=True)),
        ),
        "abi logs --json",
    )


def level_rank(level: str) -> int:
    """How bad a level is: its place in `LEVELS`; what is not there is as bad as can be."""
    known = level.lower()
    return LEVELS.index(known) if known in LEVELS else len(LEVELS) - 1


def _level_cell(said: LogLine) -> Cell:
    level = said.level.lower()
    return Cell(safe(level), _TONES.get(level, Tone.PLAIN))
