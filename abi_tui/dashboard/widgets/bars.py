"""The line at the top and the line at the bottom of every page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual import events

from abi_tui.dashboard.paint import Ground, Ink, Line, Span, cells, fit, on, span, spread, width_of
from abi_tui.dashboard.widgets.lines import Lines
from abi_tui.views.table import Cell

GAP = Span("   ", Ink.PLAIN, Ground.BAR)


class TopLine(NamedTuple):
    """What the top bar says.

    Attributes:
        crumbs: the way to this page, the last one being it.
        attached: to whom, and for how long that is up.
        trouble: what is wrong, in words, worst first.
        state: live, paused, replay or lost, and of when.
    """

    crumbs: tuple[str, ...] = ()
    attached: str = ""
    trouble: tuple[Cell, ...] = ()
    state: Cell = Cell("")


class TopBar(Lines):
    """Attached to whom, up how long, what is wrong in words, and of when it tells."""

    def __init__(self) -> None:
        super().__init__(place="top")
        self._line = TopLine()

    def show(self, line: TopLine) -> None:
        """Say this."""
        self._line = line
        self.repaint()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - as inherited
        """One line; what does not fit goes from the middle, trouble last."""
        line = self._line
        crumbs = [
            Span(f"{' › ' if index else ' '}{name}", Ink.STRONG if last else Ink.DIM)
            for index, name in enumerate(line.crumbs)
            for last in [index == len(line.crumbs) - 1]
        ]
        state: Line = (span(line.state), Span("  "), Span("?", Ink.STRONG), Span(" "))
        state = on(state, Ground.BAR)
        attached = (GAP, Span(line.attached, Ink.DIM)) if line.attached else ()
        left = on((*crumbs, *attached), Ground.BAR)
        room = width - width_of(state) - 3
        words = _trouble(line.trouble, max(room - width_of(left), room // 2))
        if width_of(left) + width_of(words) > room:
            left = on(tuple(crumbs), Ground.BAR)
        if width_of(left) + width_of(words) > room:
            left = on((Span(f" {line.crumbs[-1]}", Ink.STRONG),), Ground.BAR)
        return [spread((*left, *words), state, width, Ground.BAR)]


def _trouble(words: tuple[Cell, ...], room: int) -> Line:
    """As many as fit, and how many there are besides."""
    if not words:
        return ()
    first, *others = words
    line: list[Span] = [GAP, span(first)]
    for index, cell in enumerate(others):
        rest = f"   +{len(others) - index}"
        if width_of(tuple(line)) + 3 + cells(cell.text) + 5 > room:
            line.append(Span(rest, Ink.DIM))
            break
        line += [GAP, span(cell)]
    return on(tuple(line), Ground.BAR)


class Hint(NamedTuple):
    """A key of the footer.

    Attributes:
        key: as it is printed on the keyboard.
        label: what it does, in a word.
        action: what a click on it does.
    """

    key: str
    label: str
    action: str


class Footer(Lines):
    """The keys that matter here; or, until the next key, what just happened."""

    def __init__(self) -> None:
        super().__init__(place="footer")
        self._hints: tuple[Hint, ...] = ()
        self._said: Cell | None = None
        self._columns: list[tuple[int, int, str]] = []

    def show(self, hints: tuple[Hint, ...]) -> None:
        """Offer these keys, the most important first."""
        self._hints = hints
        self.repaint()

    def say(self, words: Cell | None) -> None:
        """Say what happened; None brings the keys back."""
        if words != self._said:
            self._said = words
            self.repaint()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - as inherited
        """As many keys as fit."""
        self._columns = []
        if self._said is not None:
            return [(Span(" "), *fit((span(self._said),), width - 1))]
        line: list[Span] = [Span(" ")]
        x = 1
        for hint in self._hints:
            taken = cells(hint.key) + 1 + cells(hint.label)
            if x + taken > width:
                continue
            self._columns.append((x, x + taken, hint.action))
            line += [Span(hint.key, Ink.STRONG), Span(f" {hint.label}", Ink.DIM), Span("   ")]
            x += taken + 3
        return [tuple(line[:-1])]

    async def on_click(self, event: events.Click) -> None:
        """A click on a key does what the key does."""
        for start, end, action in self._columns:
            if start <= event.x < end:
                await self.app.run_action(action, self.screen.focused or self.screen)
