"""What every pane is painted from: lines of text with a meaning, measured in terminal cells.

Refuses to know colours: an ink says what a text means, a ground what it stands on.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size

from abi_tui.views.table import Cell, Tone


class Ink(Enum):
    """What a text means. Members hash by identity, which is fast; they never leave the process."""

    PLAIN = auto()
    DIM = auto()
    STRONG = auto()
    ACCENT = auto()
    OK = auto()
    WARN = auto()
    BAD = auto()
    FRAME = auto()
    FOCUS = auto()
    TRACE = auto()


class Ground(Enum):
    """What a text stands on: the page, a bar, the chosen row with and without focus."""

    PAGE = auto()
    BAR = auto()
    CHOSEN = auto()
    MARKED = auto()


class Span(NamedTuple):
    """A piece of a line: its text, already safe to show, with its ink and ground."""

    text: str
    ink: Ink = Ink.PLAIN
    ground: Ground = Ground.PAGE


Line = tuple[Span, ...]

INKS = {
    Tone.PLAIN: Ink.PLAIN,
    Tone.DIM: Ink.DIM,
    Tone.STRONG: Ink.STRONG,
    Tone.OK: Ink.OK,
    Tone.WARN: Ink.WARN,
    Tone.BAD: Ink.BAD,
}


def span(cell: Cell, ground: Ground = Ground.PAGE) -> Span:
    """A view's cell as a span."""
    return Span(cell.text, INKS[cell.tone], ground)


def cells(text: str) -> int:
    """How many terminal cells a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def width_of(line: Line) -> int:
    """How many terminal cells a line takes."""
    return sum(cells(piece.text) for piece in line)


def cut(text: str, width: int) -> str:
    """A text in at most `width` cells; the last is `…` where some were cut."""
    if cells(text) <= width:
        return text
    kept, room = [], width - 1
    for character in text:
        room -= get_character_cell_size(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept) + "…"[: max(width, 0)]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """A text in exactly `width` cells, cut or filled with blanks; `right` aligns it there."""
    text = cut(text, width)
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def fit(line: Line, width: int, ground: Ground = Ground.PAGE) -> Line:
    """A line in exactly `width` cells, cut or filled with blanks on `ground`."""
    fitted: list[Span] = []
    room = width
    for piece in line:
        taken = cells(piece.text)
        if taken > room:
            if room:
                fitted.append(piece._replace(text=pad(piece.text, room)))
            return tuple(fitted)
        fitted.append(piece)
        room -= taken
    if room:
        fitted.append(Span(" " * room, Ink.PLAIN, ground))
    return tuple(fitted)


def spread(left: Line, right: Line, width: int, ground: Ground = Ground.PAGE) -> Line:
    """A line with its parts at both ends; where they do not fit the left one is cut."""
    room = max(width - width_of(right), 0)
    return fit((*fit(left, room, ground), *right), width, ground)


def on(line: Line, ground: Ground) -> Line:
    """A line moved to another ground."""
    return tuple(piece._replace(ground=ground) for piece in line)


def wrap(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` cells, broken at blanks where there are any."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            joined = f"{line} {word}" if line else word
            if cells(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            while cells(word) > width > 0:
                head = _head(word, width)
                lines.append(head)
                word = word[len(head) :]
            line = word
        lines.append(line)
    return lines


def _head(word: str, width: int) -> str:
    """As many characters as fit, at least one."""
    taken = 0
    for index, character in enumerate(word):
        taken += get_character_cell_size(character)
        if taken > width:
            return word[: max(index, 1)]
    return word


def changed(before: Line, after: Line) -> tuple[int, int] | None:
    """The columns from the first to behind the last that differ; None where none does."""
    if before == after:
        return None
    start = 0
    first = 0
    for old, new in zip(before, after):
        if old != new:
            break
        start += cells(new.text)
        first += 1
    end = width_of(after)
    if width_of(before) != end:
        return start, max(end, width_of(before))
    for old, new in zip(reversed(before[first:]), reversed(after[first:])):
        if old != new:
            break
        end -= cells(new.text)
    return (start, end) if start < end else None
