"""Settings and where each comes from. Refuses to show a value that has not been made safe."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from abi_engine.config import DEFAULT, Setting
from abi_engine.core.text import safe
from abi_tui.views.table import Cell, Column, Table, Tone

COLUMNS = (Column("key", "setting"), Column("value", "value"))
ORIGIN = Column("origin", "from")
ENVIRONMENT = (Column("name", "variable"), Column("value", "value"), Column("key", "setting"))
EMPTY = "no setting has that name: abi config show"


def settings_table(settings: Iterable[Setting], *, origin: bool = True) -> Table:
    """Settings in the given order; those that somebody set stand out."""
    rows = tuple(settings)
    return Table(
        "config.settings",
        (*COLUMNS, ORIGIN) if origin else COLUMNS,
        tuple(_row(row)[: 3 if origin else 2] for row in rows),
        tuple(row.key for row in rows),
        len(rows),
        EMPTY,
    )


def value_text(value: object) -> str:
    """A value as it is written in TOML or, where it is deeper, in JSON; safe to show."""
    return safe(json.dumps(value, ensure_ascii=False, default=str))


def _row(setting: Setting) -> tuple[Cell, ...]:
    untouched = setting.origin == DEFAULT
    return (
        Cell(safe(setting.key), Tone.DIM if untouched else Tone.PLAIN),
        Cell(value_text(setting.value), Tone.DIM if untouched else Tone.STRONG),
        Cell(safe(setting.origin), Tone.DIM),
    )


class Variable(NamedTuple):
    """An environment variable that is read.

    Attributes:
        name: of the variable; key: the setting that it sets, where it sets one.
        value: what it holds; None where it is not set.
    """

    name: str
    value: str | None
    key: str


def environment_table(variables: Iterable[Variable]) -> Table:
    """Environment variables in the given order."""
    rows = tuple(variables)
    return Table(
        "config.environment",
        ENVIRONMENT,
        tuple(map(_variable_row, rows)),
        tuple(row.name for row in rows),
        len(rows),
        "no variable is set",
    )


def _variable_row(row: Variable) -> tuple[Cell, ...]:
    value = Cell("–", Tone.DIM) if row.value is None else Cell(safe(row.value), Tone.STRONG)
    return Cell(safe(row.name)), value, Cell(safe(row.key), Tone.DIM)
