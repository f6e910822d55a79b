"""A list: a window of rows, a chosen one, a filter and an order. Refuses to hold the whole list.

The rows come from a view; whoever owns the list hands in those that `window` asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import BindingType
from textual.message import Message

from abi_tui.dashboard.frame import Thumb
from abi_tui.dashboard.keys import LIST, PANES, Key, bindings
from abi_tui.dashboard.paint import Ground, Ink, Line, Span, wrap
from abi_tui.dashboard.widgets.columns import MARGIN, Columns, Placed, header, row_line
from abi_tui.dashboard.widgets.deck import Pane
from abi_tui.views.detail import Detail
from abi_tui.views.detail import Line as DetailLine
from abi_tui.views.numbers import count as whole
from abi_tui.views.table import Column, Table

ASCENDING = ("path",)


class Window(NamedTuple):
    """Which rows are wanted."""

    offset: int
    limit: int


class Fed(NamedTuple):
    """What a list is fed with.

    Attributes:
        table: the view; its rows are a window of the whole.
        objects: what each row tells of.
        offset: how many rows of the whole come before them.
        total: how many rows there are before filtering.
    """

    table: Table
    objects: Sequence[object] = ()
    offset: int = 0
    total: int = 0


class ListPane(Pane, can_focus=True):
    """A list of rows.

    Args:
        place: as the plan knows it.
        title: what it lists.
        flexible: the key of the column that takes what room is left.
        sorts: the orders that `s` goes through; empty where the order is given.
        follow: keep to the chosen row as it moves in the list, once one was chosen.
        headed: whether there is a line with the columns' titles.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(PANES), *bindings(LIST)]
    keys: ClassVar[tuple[Key, ...]] = (*LIST, *PANES)
    footer: ClassVar[tuple[str, ...]] = ("open", "filter", "sort")
    header_sorts: ClassVar[dict[str, str]] = {}

    class Chosen(Message):
        """Another row is under the cursor."""

        def __init__(self, pane: ListPane) -> None:
            super().__init__()
            self.pane = pane

    class Opened(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, pane: ListPane, key: str) -> None:
            super().__init__()
            self.pane = pane
            self.key = key

    class Wanted(Message):
        """Other rows are wanted: it was scrolled, filtered or sorted."""

        def __init__(self, pane: ListPane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(
        self,
        *,
        place: str,
        title: str,
        flexible: str,
        sorts: Sequence[str] = (),
        follow: bool = True,
        headed: bool = True,
    ) -> None:
        super().__init__(place=place)
        self._title = title
        self._columns = Columns(flexible)
        self._sorts = tuple(sorts)
        self._follow = follow
        self._headed = headed
        self.sort = self._sorts[0] if self._sorts else ""
        self.filter = ""
        self.editing = False
        self._fed = Fed(Table("", (), (), (), 0))
        self._top = 0
        self._cursor = 0
        self._key: str | None = None
        self._placed: tuple[Placed, ...] = ()

    def window(self) -> Window:
        """The rows it can show, and a screen more on both sides for scrolling."""
        rows = self._rows_shown
        return Window(max(self._top - rows, 0), max(rows, 1) * 3)

    def cut(self) -> bool:
        """Make the window from what is here already; tell whether that was possible."""
        return False

    @property
    def rising(self) -> bool:
        """Whether the least comes first."""
        return self.sort in ASCENDING

    def feed(self, fed: Fed) -> None:
        """Show these rows."""
        self._fed = fed
        if self._follow and self._key in fed.table.keys:
            self._cursor = fed.offset + fed.table.keys.index(self._key)
        self._cursor = max(min(self._cursor, fed.table.total - 1), 0)
        self._top = max(min(self._top, fed.table.total - self._rows_shown), 0)
        self.repaint()

    @property
    def table(self) -> Table:
        """The view that is shown."""
        return self._fed.table

    @property
    def chosen(self) -> str | None:
        """The key of the row under the cursor; None where that is not in the window."""
        index = self._cursor - self._fed.offset
        keys = self._fed.table.keys
        return keys[index] if 0 <= index < len(keys) else None

    @property
    def objects(self) -> Sequence[object]:
        """What the rows tell of, in their order."""
        return self._fed.objects

    @property
    def object(self) -> object:
        """What the chosen row tells of; None where there is none."""
        index = self._cursor - self._fed.offset
        return self._fed.objects[index] if 0 <= index < len(self._fed.objects) else None

    def row_detail(self) -> Detail:
        """The chosen row, nothing cut."""
        table = self.table
        row = table.rows[table.keys.index(self.chosen or "")]
        shown = zip(table.columns, row)
        lines = tuple(DetailLine(column.title, cell) for column, cell in shown if cell.text)
        return Detail(table.name, self._title, lines)

    def choose(self, key: str) -> None:
        """Put the cursor on a row, now or when it comes."""
        self._key = key
        if key in self._fed.table.keys:
            self._go(self._fed.offset + self._fed.table.keys.index(key))

    def on_resize(self) -> None:
        """Keep the chosen row in sight: there may be less room than before, or more."""
        self._reveal()
        super().on_resize()

    def title(self) -> str:
        """What it lists, and the filter."""
        if self.editing:
            return f"{self._title}  / {self.filter}▏"
        return f"{self._title}  / {self.filter}" if self.filter else self._title

    def facts(self) -> Line:
        """Which rows these are of how many, and their order."""
        total, matched, shown = self._fed.total, self._fed.table.total, self._rows_shown
        if not matched and not self.filter:
            return ()
        first, last = self._top + 1, min(self._top + shown, matched)
        part = whole(matched) if last - first + 1 >= matched else f"{whole(first)}–{whole(last)}"
        words = f"{part} of {whole(max(total, matched))}"
        if self.filter and part != whole(matched):
            words = f"{part} of {whole(matched)} of {whole(max(total, matched))}"
        if self.sort:
            words += f" · sort {self.sort.replace('_', ' ')} {'↑' if self.rising else '↓'}"
        return (Span(words, Ink.DIM),)

    def thumb(self) -> Thumb | None:
        """A part of the frame at the right is thick."""
        rows, total = self._rows_shown, self._fed.table.total
        if total <= rows or rows < 2:
            return None
        length = max(rows * rows // total, 1)
        start = self._headed + (rows - length) * self._top // max(total - rows, 1)
        return Thumb(start, start + length)

    @property
    def _rows_shown(self) -> int:
        return max(self.size.height - self._headed, 0)

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - as inherited
        """The header and the rows in sight; or why there are none."""
        table = self._fed.table
        if not table.total:
            return self._empty(width)
        self._placed = self._columns.place(table, width)
        start = self._top - self._fed.offset
        lines = [header(self._placed)] if self._headed else []
        for index in range(start, start + self._rows_shown):
            if 0 <= index < len(table.rows):
                ground = self._ground(index + self._fed.offset)
                lines.append(row_line(self._placed, table.rows[index], width, ground))
            elif index < 0:
                lines.append(())
        return lines

    def _ground(self, index: int) -> Ground:
        if index != self._cursor:
            return Ground.PAGE
        return Ground.CHOSEN if self.focused else Ground.MARKED

    def _empty(self, width: int) -> Sequence[Line]:
        why = self._fed.table.empty
        if self.filter:
            why = f"nothing matches '{self.filter}'; esc clears the filter"
        lines = [(Span(MARGIN), Span(line, Ink.DIM)) for line in wrap(why, max(width - 2, 1))]
        return [(), *lines] if self.size.height > 2 else lines

    def _go(self, index: int) -> None:
        self._cursor = max(min(index, self._fed.table.total - 1), 0)
        self._reveal()
        self._key = self.chosen
        self.repaint()
        self._ask_for_rows()
        self.post_message(self.Chosen(self))

    def _reveal(self) -> None:
        """Scroll as little as brings the cursor into sight."""
        rows = self._rows_shown
        if self._cursor < self._top:
            self._top = self._cursor
        elif rows and self._cursor >= self._top + rows:
            self._top = self._cursor - rows + 1

    def _ask_for_rows(self) -> None:
        """Ask when a row in sight is not among those that were fed."""
        begin, end = self._fed.offset, self._fed.offset + len(self._fed.table.rows)
        last = min(self._top + self._rows_shown, self._fed.table.total)
        if (self._top < begin or last > end) and not self.cut():
            self.post_message(self.Wanted(self))

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._go(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self._go(self._cursor + step * max(self._rows_shown - 1, 1))

    def action_first(self) -> None:
        """To the first row."""
        self._go(0)

    def action_last(self) -> None:
        """To the last row."""
        self._go(self._fed.table.total - 1)

    def action_open(self) -> None:
        """Open the chosen row."""
        if self.chosen is not None:
            self.post_message(self.Opened(self, self.chosen))

    def action_sort(self) -> None:
        """The next order."""
        if self._sorts:
            self.sort_by(self._sorts[(self._sorts.index(self.sort) + 1) % len(self._sorts)])

    def sort_by(self, sort: str) -> None:
        """Order by `sort`, from the top."""
        self.sort = sort
        self._from_top()

    def _from_top(self) -> None:
        self._cursor = self._top = 0
        self._key = None
        if not self.cut():
            self.post_message(self.Wanted(self))
        self.repaint()

    def action_filter(self) -> None:
        """Type into the filter."""
        self.editing = True
        self.repaint()

    def set_filter(self, words: str) -> None:
        """Show only what matches."""
        self.filter = words
        self._from_top()

    def clear(self) -> bool:
        """Leave the filter; tell whether there was one."""
        had = self.editing or bool(self.filter)
        self.editing = False
        if self.filter:
            self.set_filter("")
        else:
            self.repaint()
        return had

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While the filter is typed, letters are letters."""
        return self.editing and (
            key in ("backspace", "enter") or (character is not None and character.isprintable())
        )

    def on_key(self, event: events.Key) -> None:
        """Type into the filter."""
        if not self.editing:
            return
        if event.key == "enter":
            self.editing = False
            self.repaint()
        elif event.key == "backspace":
            self.set_filter(self.filter[:-1])
        elif event.is_printable and event.character:
            self.set_filter(self.filter + event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_click(self, event: events.Click) -> None:
        """Choose a row, open it with a second click, sort by a header."""
        event.prevent_default()
        if event.y == 0 and self._headed and self._fed.table.total:
            self._sort_by_header(event.x)
            return
        index = self._top + event.y - self._headed
        if 0 <= index < self._fed.table.total:
            self._go(index)
            if event.chain == 2:
                self.action_open()

    def _sort_by_header(self, x: int) -> None:
        for _, column, start, width in self._placed:
            if start <= x < start + width:
                self.sort_by_column(column)

    def sort_by_column(self, column: Column) -> None:
        """Order by a column whose header was clicked, where there is such an order."""
        if column.key in self.header_sorts:
            self.sort_by(self.header_sorts[column.key])

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll, leaving the cursor where it is."""
        self._scroll(3, event)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll, leaving the cursor where it is."""
        self._scroll(-3, event)

    def _scroll(self, step: int, event: events.MouseEvent) -> None:
        event.stop()
        event.prevent_default()
        self._show_from(self._top + step)

    def _show_from(self, top: int) -> None:
        most = max(self._fed.table.total - self._rows_shown, 0)
        self._top = max(min(top, most), 0)
        self.repaint()
        self._ask_for_rows()
