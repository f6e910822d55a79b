"""The base of every pane: lines of text, of which only what changed is painted again.

Refuses markup: a text is shown as it is, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from abi_tui.dashboard.paint import Line, changed, fit

if TYPE_CHECKING:
    from abi_tui.dashboard.app import Dashboard


class Lines(Widget):
    """A widget that paints `compose_lines()` and nothing else.

    Call `repaint` after a change: the lines are made anew, compared with those on the screen, and
    of each line only the columns from the first to the last difference are sent.
    """

    def __init__(self, *, place: str | None = None) -> None:
        super().__init__(id=place)
        self._lines: tuple[Line, ...] = ()
        self._strips: dict[int, Strip] = {}

    @property
    def dashboard(self) -> Dashboard:
        """The application, with its theme."""
        return cast("Dashboard", self.app)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is on the screen."""
        return self._lines

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        """The lines that belong on a screen of this size; fewer are filled, more are dropped."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Make the lines anew and send what differs."""
        if not self.size:
            return
        before, self._lines = self._lines, self._made()
        if len(before) != len(self._lines):
            self._forget()
            return
        regions = []
        for y, (old, new) in enumerate(zip(before, self._lines)):
            columns = changed(old, new)
            if columns is not None:
                self._strips.pop(y, None)
                regions.append(Region(columns[0], y, columns[1] - columns[0], 1))
        if regions:
            self.refresh(*regions)

    def _made(self) -> tuple[Line, ...]:
        """The lines for the size there is, each as wide as that."""
        width, height = self.size
        made = self.compose_lines(width, height)[:height]
        lines = tuple(fit(line, width) for line in made)
        return lines + (fit((), width),) * (height - len(lines))

    def restyle(self) -> None:
        """Paint everything again: the theme is another one."""
        self._forget()

    def _forget(self) -> None:
        self._strips.clear()
        self.refresh()

    def on_resize(self) -> None:
        """Lines depend on the size."""
        self._lines = ()
        self.repaint()

    def render_lines(self, crop: Region) -> list[Strip]:
        """What the compositor asks for; past the cache of styles, which these lines do not use."""
        if len(self._lines) != self.size.height:  # it was placed a moment ago: no blank frame
            self._strips.clear()
            self._lines = self._made()
        strips = [self._strip(y) for y in crop.line_range]
        if crop.column_span != (0, self.size.width):
            return [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """A line that knows which cell holds which letter, for selecting text with the mouse."""
        return self._strip(y).apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, without the blanks that fill lines."""
        text = "\n".join("".join(piece.text for piece in line) for line in self._lines)
        return "\n".join(line.rstrip() for line in selection.extract(text).split("\n")), "\n"

    def selection_updated(self, selection: Selection | None) -> None:  # noqa: ARG002 - as inherited
        """Show what is selected."""
        self._forget()

    def _strip(self, y: int) -> Strip:
        kept = self._strips.get(y)
        if kept is None:
            kept = self._strips[y] = self._paint(y)
        return kept

    def _paint(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else fit((), self.size.width)
        strip = Strip(self._segments(line), self.size.width)
        selection = self.text_selection
        chosen = selection.get_span(y) if selection is not None else None
        if chosen is None:
            return strip
        start, end = chosen[0], self.size.width if chosen[1] == -1 else chosen[1]
        reverse = Style(reverse=True)
        before, inside, after = strip.divide([start, end, self.size.width])
        return Strip.join([before, inside.apply_style(reverse), after])

    def _segments(self, line: Line) -> list[Segment]:
        """Neighbours of one style become one segment: each costs an escape sequence."""
        styles = self.dashboard.styles_of_inks
        segments: list[Segment] = []
        text, style = "", None
        for piece in line:
            wanted = styles[piece.ink, piece.ground]
            if wanted is not style and text:
                segments.append(Segment(text, style))
                text = ""
            text, style = text + piece.text, wanted
        if text:
            segments.append(Segment(text, style))
        return segments
