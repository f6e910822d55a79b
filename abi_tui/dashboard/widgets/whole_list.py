"""A list whose rows are all here. Refuses to ask the engine for an order or a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from abi_tui.dashboard.keys import LIST, PANES, Key
from abi_tui.dashboard.widgets.table import Fed, ListPane
from abi_tui.views.order import ordered
from abi_tui.views.table import Column, Table
from abi_tui.views.window import matching, narrowed


class WholeListPane(ListPane):
    """A list whose rows are all here, so that it is filtered and ordered here.

    A click on a header, or `s`, orders by a column, another one the other way round, a third puts
    back the order in which it was given.
    """

    footer: ClassVar[tuple[str, ...]] = ("open", "filter")
    keys: ClassVar[tuple[Key, ...]] = (*LIST, *PANES)

    _whole = Fed(Table("", (), (), (), 0))
    _column = ""
    _rising = False

    def take(self, table: Table, objects: Sequence[object]) -> None:
        """Show a table; `objects` are what its rows tell of."""
        self._whole = Fed(table, objects)
        self.cut()

    def cut(self) -> bool:
        """Filter and order what is here."""
        table, objects = self._whole.table, self._whole.objects
        total = table.total
        if self.filter:
            table, objects = _chosen(table, objects, matching(table, self.filter))
        if any(column.key == self._column for column in table.columns):
            order = ordered(table, objects, self._column, rising=self._rising)
            table, objects = _chosen(table, objects, order)
        self.feed(Fed(table, objects, 0, total))
        return True

    @property
    def rising(self) -> bool:
        """Whether the least comes first."""
        return self._rising

    def sort_by_column(self, column: Column) -> None:
        """Figures begin with the largest, words with `a`; a third click ends it."""
        if column.key != self._column:
            self._order_by(column, rising=not column.right)
        elif self._rising != column.right:
            self._order_by(column, rising=not self._rising)
        else:
            self._order_by(None)

    def action_sort(self) -> None:
        """By the next column; behind the last one as it was given."""
        columns = self._whole.table.columns
        at = next((i for i, one in enumerate(columns) if one.key == self._column), -1) + 1
        if at < len(columns):
            self._order_by(columns[at], rising=not columns[at].right)
        else:
            self._order_by(None)

    def _order_by(self, column: Column | None, *, rising: bool = False) -> None:
        self._column, self._rising = column.key if column else "", rising
        self.sort_by(column.title if column else "")
        self.post_message(self.Chosen(self))


def _chosen(
    table: Table, objects: Sequence[object], kept: Sequence[int]
) -> tuple[Table, Sequence[object]]:
    return narrowed(table, kept), tuple(objects[index] for index in kept)
