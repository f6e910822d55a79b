"""The frame around panes: one line between neighbours, titles and facts on it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from abi_tui.dashboard.paint import Ink, Line, Span, cells, cut, width_of


class Box(NamedTuple):
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column behind it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.height


class Thumb(NamedTuple):
    """Which rows of a pane's right line are thick, to tell where in its list it stands."""

    start: int
    end: int


class Framed(NamedTuple):
    """A pane as its frame sees it.

    Attributes:
        box: its inside; the frame goes around it.
        title: on the line above it, at the left.
        facts: on the same line, at the right; dropped where they do not fit.
        focused: its frame is in the colour of focus.
        thumb: where it stands in its list, if all of that does not fit.
    """

    box: Box
    title: str
    facts: Line = ()
    focused: bool = False
    thumb: Thumb | None = None


_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_GLYPHS = {
    _LEFT: "─", _RIGHT: "─", _LEFT | _RIGHT: "─",
    _UP: "│", _DOWN: "│", _UP | _DOWN: "│",
    _DOWN | _RIGHT: "╭", _DOWN | _LEFT: "╮", _UP | _RIGHT: "╰", _UP | _LEFT: "╯",
    _UP | _DOWN | _RIGHT: "├", _UP | _DOWN | _LEFT: "┤",
    _LEFT | _RIGHT | _DOWN: "┬", _LEFT | _RIGHT | _UP: "┴",
    _UP | _DOWN | _LEFT | _RIGHT: "┼",
}  # fmt: skip
_THICK = "┃"


class _Grid:
    """Directions of lines by cell, and who they belong to."""

    def __init__(self, width: int, height: int) -> None:
        self.size = width, height
        self.arms = [[0] * width for _ in range(height)]
        self.letters: list[list[tuple[str, Ink] | None]] = [[None] * width for _ in range(height)]
        self.focused: set[tuple[int, int]] = set()

    def border(self, box: Box, *, focused: bool) -> None:
        left, right, top, bottom = box.x - 1, box.right, box.y - 1, box.bottom
        for x in range(left, right + 1):
            arms = (_LEFT if x > left else 0) | (_RIGHT if x < right else 0)
            self._add(x, top, arms, focused)
            self._add(x, bottom, arms, focused)
        for y in range(top, bottom + 1):
            arms = (_UP if y > top else 0) | (_DOWN if y < bottom else 0)
            self._add(left, y, arms, focused)
            self._add(right, y, arms, focused)

    def _add(self, x: int, y: int, arms: int, focused: bool) -> None:
        width, height = self.size
        if 0 <= x < width and 0 <= y < height:
            self.arms[y][x] |= arms
            if focused:
                self.focused.add((x, y))

    def write(self, x: int, y: int, text: str, ink: Ink) -> None:
        """Letters over the line; a wide one takes its cell and an empty one behind it."""
        width, height = self.size
        if not 0 <= y < height:
            return
        for character in text:
            taken = cells(character)
            if taken and 0 <= x <= width - taken:
                self.letters[y][x] = character, ink
                for behind in range(x + 1, x + taken):
                    self.letters[y][behind] = "", ink
            x += taken

    def line(self, y: int) -> Line:
        row = [self._cell(x, y) for x in range(self.size[0])]
        runs = groupby(row, key=lambda cell: cell[1])
        return tuple(Span("".join(text for text, _ in run), ink) for ink, run in runs)

    def _cell(self, x: int, y: int) -> tuple[str, Ink]:
        letter = self.letters[y][x]
        ink = Ink.ACCENT if (x, y) in self.focused else Ink.FRAME
        if letter is None:
            return _GLYPHS.get(self.arms[y][x], " "), ink
        return letter if letter[0] != _THICK else (_THICK, ink)


def draw(width: int, height: int, panes: Sequence[Framed]) -> tuple[Line, ...]:
    """Every line of the frame around `panes`; the insides are blank."""
    grid = _Grid(width, height)
    for pane in sorted(panes, key=lambda pane: pane.focused):
        grid.border(pane.box, focused=pane.focused)
        if pane.thumb is not None:
            for y in range(pane.thumb.start, pane.thumb.end):
                grid.write(pane.box.right, pane.box.y + y, _THICK, Ink.FRAME)
    for pane in panes:
        _label(grid, pane)
    return tuple(grid.line(y) for y in range(height))


def _label(grid: _Grid, pane: Framed) -> None:
    """The title and, where there is room beside it, the facts."""
    box = pane.box
    room = box.width - 2
    if room < 1 or not pane.title:
        return
    title = f" {cut(pane.title, room)} "
    start = box.x + min(1, box.width - cells(title))
    grid.write(start, box.y - 1, title, Ink.FOCUS if pane.focused else Ink.PLAIN)
    taken = width_of(pane.facts) + 2
    if pane.facts and taken + cells(title) + 2 <= box.width:
        x = box.right - taken - 1
        for text, ink in _padded(pane.facts):
            shown = Ink.ACCENT if pane.focused and ink is Ink.DIM else ink
            grid.write(x, box.y - 1, text, shown)
            x += cells(text)


def _padded(facts: Line) -> Iterable[tuple[str, Ink]]:
    yield " ", Ink.DIM
    for piece in facts:
        yield piece.text, piece.ink
    yield " ", Ink.DIM
