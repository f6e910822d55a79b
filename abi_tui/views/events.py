"""What happened, as a list: the message tells it, the kind is for programs.

Refuses to show a message that has not been made safe.
"""

from __future__ import annotations

from collections.abc import Iterable

from abi_engine.core.errors import Severity
from abi_engine.core.events import Event
from abi_engine.core.text import safe
from abi_tui.views import numbers
from abi_tui.views.table import Cell, Column, Table, Tone

COLUMNS = (
    Column("at", "time UTC"),
    Column("source", "source"),
    Column("message", "what"),
)
EMPTY = "nothing has happened yet: events come with traffic and changes"

_TONES = {
    Severity.INFO: Tone.PLAIN,
    Severity.WARNING: Tone.WARN,
    Severity.ERROR: Tone.BAD,
    Severity.CRITICAL: Tone.BAD,
}


def events_table(events: Iterable[Event]) -> Table:
    """Events in the given order, newest first as the engine gives them."""
    rows = tuple(events)
    return Table(
        "engine.events",
        COLUMNS,
        tuple(map(event_row, rows)),
        tuple(str(event.id) for event in rows),
        len(rows),
        EMPTY,
    )


def event_row(event: Event) -> tuple[Cell, ...]:
    """One event in the columns of the table."""
    return (
        Cell(numbers.clock(event.at), Tone.DIM),
        Cell(safe(event.source)),
        Cell(safe(event.message, limit=400), _TONES[event.severity]),
    )
