"""The engine's log: a live tail, oldest first, that stays at its end until one looks back."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual.binding import BindingType

from abi_engine.system import LogLine
from abi_tui.dashboard import plans
from abi_tui.dashboard.keys import LOG, Key, bindings
from abi_tui.dashboard.paint import Ink, Line, Span
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.tail import Logged
from abi_tui.dashboard.widgets.table import Fed
from abi_tui.dashboard.widgets.whole_list import WholeListPane
from abi_tui.views import numbers
from abi_tui.views.detail import Detail
from abi_tui.views.logs import LEVELS, level_rank, log_detail, logs_table
from abi_tui.views.table import Column, Table
from abi_tui.views.window import matching

KEPT = 2000
NONE_RECORDED = "a recording has reports, and no log"


class LogsPane(WholeListPane):
    """The newest lines, as they come."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LOG)]
    keys: ClassVar[tuple[Key, ...]] = (
        *(key for key in WholeListPane.keys if key.name != "sort"),
        *LOG,
    )
    footer: ClassVar[tuple[str, ...]] = ("follow", "filter", "level", "open")
    help_text = (
        "The engine's log as it is written, the newest line last. Who moves up looks back, and the "
        "list stands still there while lines go on to come; at its end it follows again."
    )
    same_as = "abi logs"

    def __init__(self) -> None:
        super().__init__(place="list", title="logs", flexible="message")
        self._kept: deque[tuple[int, LogLine]] = deque(maxlen=KEPT)
        self._number = 0
        self._until: datetime | None = None
        self.lost = 0
        self.level = 0
        self.following = True

    def hear(self, lines: Sequence[LogLine], lost: int) -> None:
        """Take up new lines, and how many were lost before them."""
        self.lost += lost
        for line in lines:
            self._number += 1
            self._kept.append((self._number, line))
        self.cut()

    def show_until(self, until: datetime | None) -> None:
        """Show only what was there at a moment; None shows everything."""
        if until != self._until:
            self._until = until
            self.cut()

    def sort_by_column(self, column: Column) -> None:
        """A log stays in the order in which it was written."""

    def action_sort(self) -> None:
        """A log stays in the order in which it was written."""

    def cut(self) -> bool:
        """The lines that are bad enough and match the filter."""
        until = self._until
        shown = [
            (number, line)
            for number, line in self._kept
            if level_rank(line.level) >= self.level and (until is None or line.at <= until)
        ]
        table = logs_table(line for _, line in shown)
        kept = matching(table, self.filter) if self.filter else range(len(shown))
        rows = tuple(table.rows[index] for index in kept)
        keys = tuple(str(shown[index][0]) for index in kept)
        objects = tuple(shown[index][1] for index in kept)
        self._hold(keys)
        cut = Table(table.name, table.columns, rows, keys, len(rows), self._why_empty(table))
        self.feed(Fed(cut, objects, 0, len(self._kept)))
        return True

    def _why_empty(self, table: Table) -> str:
        if self._kept and self.level:
            return f"no line of level {LEVELS[self.level]} or worse; v shows lesser ones"
        return table.empty

    def _hold(self, keys: Sequence[str]) -> None:
        """Stay at the end, or with the line at the top, whatever came and went."""
        if self.following:
            self._key = None
            self._cursor = self._top = len(keys)
        elif self._top < len(self.table.keys):
            top = int(self.table.keys[self._top])
            self._top = sum(int(key) < top for key in keys)

    def _go(self, index: int) -> None:
        super()._go(index)
        self._set_following(self._cursor >= self.table.total - 1)

    def _show_from(self, top: int) -> None:
        super()._show_from(top)
        self._set_following(self._top >= self.table.total - self._rows_shown)

    def _set_following(self, following: bool) -> None:
        if following != self.following:
            self.following = following
            self.repaint()

    def action_follow(self) -> None:
        """Follow the end, or stand still."""
        self.following = not self.following
        self.cut()

    def action_level(self) -> None:
        """The next level: all lines, information and worse, warnings and worse, errors."""
        self.level = (self.level + 1) % len(LEVELS)
        self.cut()

    def command(self) -> str:
        """Following, where it does."""
        return f"{self.same_as} --follow" if self.following else self.same_as

    def facts(self) -> Line:
        """How many were lost, which levels are shown, and whether it follows."""
        words = [f"{LEVELS[self.level]} and worse"] if self.level else []
        words += [piece.text for piece in super().facts()]
        words.append("following" if self.following else "stands still")
        lost = f"{numbers.counted(self.lost, 'line')} lost: too many at once · "
        return (
            *((Span(lost, Ink.WARN),) if self.lost else ()),
            Span(" · ".join(words), Ink.DIM),
        )

    def row_detail(self) -> Detail:
        """The chosen line, nothing cut."""
        line = self.object
        return log_detail(line) if isinstance(line, LogLine) else super().row_detail()


class LogsPage(Page):
    """The log, while it is looked at."""

    views = ("engine.logs",)
    tails = True

    def __init__(self) -> None:
        self.logs = LogsPane()
        super().__init__("logs", (self.logs,), plans.whole)
        self._heard = False

    def hear(self, news: Logged) -> None:
        """New lines."""
        self._heard = True
        self.logs.hear(news.lines, news.lost)

    def fill(self, answer: object) -> None:  # noqa: ARG002 - lines come by themselves
        """Why there is nothing; of the past what was there then."""
        app = self.dashboard
        self.logs.show_until(app.moment.report.at if app.replaying and app.moment else None)
        if self._heard:
            return
        why = app.why_nothing() if app.moment is None else "asking the engine"
        why = NONE_RECORDED if app.settings.recording else why
        self.logs.feed(Fed(Table("engine.logs", (), (), (), 0, why)))
