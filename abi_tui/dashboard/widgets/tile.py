"""A tile: two facts, and where there is room a trace on a scale that stands still."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from abi_tui.dashboard.history import History, bars, ceiling, ceiling_words
from abi_tui.dashboard.paint import Ink, Line, Span, cells, span
from abi_tui.dashboard.widgets.deck import Pane
from abi_tui.views.overview import Tile
from abi_tui.views.table import Cell

FACTS = 2


class TilePane(Pane):
    """One figure at a glance.

    Args:
        index: which of the tiles.
        place: as the plan knows it.
    """

    can_focus = False

    def __init__(self, index: int, *, place: str) -> None:
        super().__init__(place=place)
        self._index = index
        self._tile: Tile | None = None
        self._history = History()
        self._until = 0.0
        self._end = 1.0

    def show(self, tile: Tile, history: History, until: float) -> None:
        """Show a tile, with the past up to a moment."""
        self._tile, self._history, self._until = tile, history, until
        largest = max(tile.value or 0.0, history.largest(self._index, until))
        self._end = ceiling(largest, tile.least, tile.most)
        self.repaint()

    def title(self) -> str:
        """The figure's name."""
        return self._tile.title if self._tile else ""

    def facts(self) -> Line:
        """The scale, where there is a trace to read on it."""
        if self._tile is None or self.size.height <= FACTS or self._tile.unit is None:
            return ()
        return (Span(f"0–{ceiling_words(self._end)} {self._tile.unit}".rstrip(), Ink.DIM),)

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        """The facts, and the trace below them."""
        tile = self._tile
        if tile is None:
            return ()
        facts = [
            _fact(tile.now, tile.now_short, width),
            _fact(tile.also, tile.also_short, width),
        ]
        rows = height - FACTS
        if rows < 1:
            return facts
        columns = max(width - 2, 1)
        values = self._history.column(self._index, self._until, columns)
        trace = bars(values, self._end, rows)
        return [*facts, *((Span(" "), Span(row, Ink.TRACE)) for row in trace)]

    def on_click(self, event: events.Click) -> None:
        """A click goes to the list that the figure is made of."""
        event.prevent_default()
        self.dashboard.show_tile(self._index)


def _fact(cell: Cell, brief: str, width: int) -> Line:
    text = cell.text if not brief or cells(cell.text) <= width - 2 else brief
    return Span(" "), span(cell)._replace(text=text)
