"""Tables and details as lines of text in aligned columns. Pure; refuses to know a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import combining, east_asian_width

from abi_tui.views.detail import Detail
from abi_tui.views.numbers import bar
from abi_tui.views.table import Cell, Table, Tone

CELL_SIZE = 60
LAST_CELL_SIZE = 120
BAR_WIDTH = 24
GAP = "  "

_CODES = {
    Tone.DIM: "2",
    Tone.STRONG: "1",
    Tone.OK: "36",
    Tone.WARN: "33",
    Tone.BAD: "1;31",
}


class Writer:
    """Turns views into lines.

    Args:
        color: whether tones become escape sequences.
        cut: whether long texts are cut in tables; `was_cut` tells whether one was.
    """

    def __init__(self, *, color: bool, cut: bool) -> None:
        self._color = color
        self._cut = cut
        self.was_cut = False

    def lines(self, view: Table | Detail) -> Iterator[str]:
        """The lines of a view, without line feeds."""
        return self.table(view) if isinstance(view, Table) else self.detail(view)

    def table(self, table: Table) -> Iterator[str]:
        """A header and the rows; nothing where there are none."""
        if not table.rows:
            return
        rights = [column.right for column in table.columns]
        header = [Cell(column.title, Tone.DIM) for column in table.columns]
        rows = [header, *(self._fitted(row) for row in table.rows)]
        widths = [max(map(_cells, column)) for column in zip(*rows)]
        for row in rows:
            yield self.row(row, widths, rights)

    def row(self, row: Sequence[Cell], widths: Sequence[int], rights: Sequence[bool]) -> str:
        """Cells in columns of those widths."""
        last = len(row) - 1
        parts = []
        for index, (cell, width, right) in enumerate(zip(row, widths, rights)):
            blanks = " " * max(width - _cells(cell), 0)
            text = self._paint(cell)
            if right:
                parts.append(blanks + text)
            else:
                parts.append(text if index == last else text + blanks)
        return GAP.join(parts).rstrip()

    def detail(self, detail: Detail) -> Iterator[str]:
        """Labels in one column, what there is to tell in the other."""
        labelled = [line for line in detail.lines if line.cell.text]
        width = max((_width(line.label) for line in labelled), default=0)
        for line in detail.lines:
            label = self._paint(Cell(line.label, Tone.DIM))
            if not line.cell.text:
                yield label
                continue
            blanks = " " * (width - _width(line.label))
            drawn = ""
            if line.share is not None:
                piece = bar(line.share, BAR_WIDTH)
                drawn = piece + " " * (BAR_WIDTH + 8 - len(piece) - _cells(line.cell))
            yield label + blanks + GAP + drawn + self._paint(line.cell)

    def _fitted(self, row: Sequence[Cell]) -> list[Cell]:
        last = len(row) - 1
        sizes = (LAST_CELL_SIZE if index == last else CELL_SIZE for index in range(len(row)))
        return [self._fit(cell, size) for cell, size in zip(row, sizes)]

    def _fit(self, cell: Cell, size: int) -> Cell:
        if not self._cut or len(cell.text) <= size:
            return cell
        self.was_cut = True
        return Cell(cell.text[: size - 1] + "…", cell.tone)

    def _paint(self, cell: Cell) -> str:
        code = _CODES.get(cell.tone) if self._color else None
        return f"\x1b[{code}m{cell.text}\x1b[0m" if code and cell.text else cell.text


def _cells(cell: Cell) -> int:
    return _width(cell.text)


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )
