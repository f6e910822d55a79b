"""A table's columns in the room there is. Pure, but for the widths it remembers.

A width grows and never shrinks, so that columns stand still while figures change.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from abi_tui.dashboard.paint import Ground, Ink, Line, Span, cells, fit, pad, span
from abi_tui.views.table import Cell, Column, Table

GAP = "  "
MARGIN = " "
FLEXIBLE_LEAST = 24


class Placed(NamedTuple):
    """A column on the screen: where it is in the table, and where on a line."""

    position: int
    column: Column
    x: int
    width: int


class Columns:
    """Chooses columns and their widths.

    Args:
        flexible: the key of the column that takes what room is left, and is cut where that is
            little. The others go, from the right, before it is cut too short to read.
    """

    def __init__(self, flexible: str) -> None:
        self._flexible = flexible
        self._widths: dict[str, int] = {}

    def place(self, table: Table, width: int) -> tuple[Placed, ...]:
        """The columns that fit, from left to right."""
        self._measure(table)
        room = width - 2 * len(MARGIN)
        chosen = list(enumerate(table.columns))
        while len(chosen) > 1 and self._least(chosen) > room:
            chosen.remove(next(one for one in reversed(chosen) if one[1].key != self._flexible))
        placed: list[Placed] = []
        x = len(MARGIN)
        for index, column in chosen:
            wide = self._width(column, chosen, room)
            placed.append(Placed(index, column, x, wide))
            x += wide + len(GAP)
        return tuple(placed)

    def _measure(self, table: Table) -> None:
        for index, column in enumerate(table.columns):
            widest = max((cells(row[index].text) for row in table.rows), default=0)
            known = self._widths.get(column.key, cells(column.title))
            self._widths[column.key] = max(known, widest)

    def _least(self, chosen: Sequence[tuple[int, Column]]) -> int:
        """How much room they need, the flexible one at its shortest."""
        widths = (
            min(self._widths[column.key], FLEXIBLE_LEAST)
            if column.key == self._flexible
            else self._widths[column.key]
            for _, column in chosen
        )
        return sum(widths) + len(GAP) * (len(chosen) - 1)

    def _width(self, column: Column, chosen: Sequence[tuple[int, Column]], room: int) -> int:
        wanted = self._widths[column.key]
        if column.key != self._flexible:
            return wanted
        others = sum(self._widths[other.key] + len(GAP) for _, other in chosen) - wanted - len(GAP)
        return min(wanted, max(room - others, 1))


def header(placed: Sequence[Placed]) -> Line:
    """The columns' titles."""
    line = [Span(MARGIN)]
    for _, column, _, width in placed:
        line += [Span(pad(column.title, width, right=column.right), Ink.DIM), Span(GAP)]
    return tuple(line[:-1])


def row_line(placed: Sequence[Placed], row: Sequence[Cell], width: int, ground: Ground) -> Line:
    """A row on its ground."""
    line = [Span(MARGIN, Ink.PLAIN, ground)]
    for position, column, _, wide in placed:
        piece = span(row[position], ground)
        line.append(piece._replace(text=pad(piece.text, wide, right=column.right)))
        line.append(Span(GAP, Ink.PLAIN, ground))
    return fit(tuple(line[:-1]), width, ground)
