"""A pane of text: a detail in labelled lines, or prose; longer ones are scrolled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import events
from textual.binding import BindingType

from abi_tui.dashboard.frame import Thumb
from abi_tui.dashboard.keys import PANES, TEXT, Key, bindings
from abi_tui.dashboard.paint import Ink, Line, Span, cells, pad, span, wrap
from abi_tui.dashboard.widgets.deck import Pane
from abi_tui.views import numbers
from abi_tui.views.detail import Detail
from abi_tui.views.detail import Line as DetailLine

LABEL_MOST = 14
BAR_LEAST, BAR_MOST = 4, 24
MARGIN = Span(" ")

Composed = Callable[[int], Sequence[Line]]


def _nothing(_: int) -> Sequence[Line]:
    return ()


class TextPane(Pane, can_focus=True):
    """Lines that are made for a width.

    Args:
        place: as the plan knows it.
        title: what it tells about, until `show` says otherwise.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(PANES), *bindings(TEXT)]
    keys: ClassVar[tuple[Key, ...]] = (*TEXT, *PANES)

    def __init__(self, *, place: str, title: str = "") -> None:
        super().__init__(place=place)
        self._title = title
        self._composed: Composed = _nothing
        self._last: Composed = _nothing
        self._top = 0
        self._rows = 0
        self._length = 0

    def show(self, title: str, composed: Composed, last: Composed = _nothing) -> None:
        """Show what `composed` makes for the width there is, and `last` below it: where not all
        fits, that stays in sight.
        """
        if title != self._title:
            self._top = 0
        self._title, self._composed, self._last = title, composed, last
        self.repaint()

    def show_detail(self, detail: Detail) -> None:
        """Show a detail, with the command that prints the same in sight."""
        self.same_as = detail.same_as
        self.show(detail.title, partial(detail_lines, detail), partial(command_lines, detail))

    def title(self) -> str:
        """What it tells about."""
        return self._title

    def thumb(self) -> Thumb | None:
        """A part of the frame at the right is thick."""
        rows = self._rows
        if self._length <= rows or rows < 2:
            return None
        length = max(rows * rows // self._length, 1)
        start = (rows - length) * self._top // max(self._length - rows, 1)
        return Thumb(start, start + length)

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        """The lines in sight."""
        lines, last = self._composed(width), self._last(width)
        self._length = len(lines)
        self._rows = max(height - len(last), 1)
        self._top = max(min(self._top, self._length - self._rows), 0)
        return [*lines[self._top : self._top + self._rows], *last]

    def action_scroll(self, step: int) -> None:
        """Scroll by lines."""
        self._top += step
        self.repaint()

    def action_page(self, step: int) -> None:
        """Scroll by pages."""
        self.action_scroll(step * max(self._rows - 1, 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        event.prevent_default()
        self.action_scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        event.prevent_default()
        self.action_scroll(-3)


def detail_lines(detail: Detail, width: int) -> list[Line]:
    """A detail for a width: labels at the left, texts wrapped beside them, bars for shares."""
    room = max(width - 2, 1)
    label = max((cells(line.label) for line in detail.lines if line.cell.text), default=0)
    label = min(label, LABEL_MOST, room // 2)
    lines: list[Line] = []
    for before, line in zip((None, *detail.lines), detail.lines):
        if before is not None and before.share is not None and line.share is None:
            lines.append(())
        lines += _labelled(line, label, room)
    return lines


def command_lines(detail: Detail, width: int) -> list[Line]:
    """The command that prints a detail, below an empty line."""
    return [(), *same_as_lines(detail.same_as, max(width - 2, 1))] if detail.same_as else []


def same_as_lines(command: str, room: int) -> list[Line]:
    """The command that prints the same, where one looks for it."""
    first, *rest = wrap(f"same as:  {command}", room)
    head = (MARGIN, Span(first[:8], Ink.DIM), Span(first[8:]))
    return [head, *((MARGIN, Span(text)) for text in rest)]


def prose(paragraphs: Sequence[str], width: int) -> list[Line]:
    """Paragraphs with an empty line between them."""
    lines: list[Line] = []
    for paragraph in paragraphs:
        lines += [() for _ in lines[:1]]
        lines += [(MARGIN, Span(text)) for text in wrap(paragraph, max(width - 2, 1))]
    return lines


def _labelled(line: DetailLine, label: int, room: int) -> list[Line]:
    if not line.cell.text:
        return [(), (MARGIN, Span(line.label, Ink.DIM))]
    head = Span(pad(line.label, label) + "  ", Ink.DIM)
    left = max(room - label - 2, 1)
    if line.share is not None:
        return [(MARGIN, head, *_bar(line, left))]
    first, *rest = wrap(line.cell.text, left)
    ink = span(line.cell).ink
    indent = Span(" " * (label + 2))
    return [(MARGIN, head, Span(first, ink)), *((MARGIN, indent, Span(t, ink)) for t in rest)]


def _bar(line: DetailLine, left: int) -> Line:
    """A bar on a scale of 100 %, and the figure right of it."""
    width = min(left - 9, BAR_MOST)
    figure = pad(line.cell.text, 7, right=True)
    if width < BAR_LEAST:
        return (Span(figure),)
    return Span(pad(numbers.bar(line.share or 0.0, width), width), Ink.TRACE), Span("  " + figure)
