"""One thing with everything known of it, as labelled lines. Refuses to know how they are drawn."""

from __future__ import annotations

import shlex
from typing import NamedTuple

from abi_engine.core.text import safe
from abi_tui.views.table import Cell, Tone


class Line(NamedTuple):
    """A line of a detail.

    Attributes:
        label: what it tells; empty continues the line above.
        cell: what there is to tell.
        share: per cent of a whole, where a bar may be drawn before the text.
    """

    label: str
    cell: Cell
    share: float | None = None


class Detail(NamedTuple):
    """One thing as people see it.

    Attributes:
        name: of the view, such as `gateway.route`; also the schema of its JSON.
        title: what it is about, safe to show.
        lines: from top to bottom.
        same_as: the command that prints it as JSON, ready for a shell.
    """

    name: str
    title: str
    lines: tuple[Line, ...]
    same_as: str = ""


def line(label: str, text: str, tone: Tone = Tone.PLAIN, share: float | None = None) -> Line:
    """A line whose text is ours or has been made safe."""
    return Line(label, Cell(text, tone), share)


def heading(text: str) -> Line:
    """A line that begins a part."""
    return Line(text, Cell("", Tone.DIM))


def command_line(*words: str) -> str:
    """Words as they are typed into a shell, each quoted where it must be, and safe to show."""
    return safe(shlex.join(words))
