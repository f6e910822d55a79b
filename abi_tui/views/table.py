"""What every view is made of: cells with a tone, in columns. Refuses to know colours or widgets."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Tone(StrEnum):
    """What a text means; each renderer has its own way to show it."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Column(NamedTuple):
    """A column: `key` is its name in CSV, `title` its header with the unit."""

    key: str
    title: str
    right: bool = False


class Cell(NamedTuple):
    """A text, already safe to show, and what it means."""

    text: str
    tone: Tone = Tone.PLAIN


class Table(NamedTuple):
    """A list as people see it.

    Attributes:
        name: of the view, such as `gateway.routes`; also the schema of its JSON.
        columns: from left to right.
        rows: cells in the order of the columns.
        keys: what identifies each row, for selection and actions; as many as rows.
        total: how many rows there are in all, of which `rows` is a window.
        empty: why there are none and which command fills them.
    """

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    keys: tuple[str, ...]
    total: int
    empty: str = ""
