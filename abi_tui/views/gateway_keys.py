"""The API keys by name and use. Refuses to show a key: nobody but its holder has it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from abi_engine.core.text import safe
from abi_engine.features.gateway.api import ApiKeyStats
from abi_tui.views import numbers
from abi_tui.views.table import Cell, Column, Table, Tone

KEYS = (
    Column("enabled", "state"),
    Column("name", "key"),
    Column("origin", "from"),
    Column("created_at", "made, UTC"),
    Column("last_used_at", "last used, UTC"),
    Column("requests_total", "requests", right=True),
)

NO_KEYS = "no API keys yet: abi gateway keys add NAME"


def keys_table(keys: Iterable[ApiKeyStats]) -> Table:
    """The keys in the given order."""
    rows = tuple(keys)
    return Table(
        "gateway.keys",
        KEYS,
        tuple(map(_row, rows)),
        tuple(key.name for key in rows),
        len(rows),
        NO_KEYS,
    )


def _row(key: ApiKeyStats) -> tuple[Cell, ...]:
    return (
        Cell("● on", Tone.OK) if key.enabled else Cell("– off", Tone.DIM),
        Cell(safe(key.name), Tone.PLAIN if key.enabled else Tone.DIM),
        Cell(key.origin.value),
        Cell(_moment(key.created_at, numbers.NONE)),
        Cell(_moment(key.last_used_at, "never")),
        Cell(numbers.count(key.requests_total)),
    )


def _moment(at: datetime | None, otherwise: str) -> str:
    """A day and a time, however long ago it was."""
    return otherwise if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
