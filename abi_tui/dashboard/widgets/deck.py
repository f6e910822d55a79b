"""A page of panes in one frame: places them, draws the lines between them and what stands on those.

Refuses nested frames: neighbours share a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

from abi_tui.dashboard.frame import Box, Framed, Thumb, draw
from abi_tui.dashboard.keys import Key
from abi_tui.dashboard.paint import Line
from abi_tui.dashboard.widgets.lines import Lines

Plan = Callable[[int, int], Mapping[str, Box]]


class Pane(Lines):
    """A part of a page, with a title and facts on the line above it.

    Attributes:
        help_text: what `?` says about it.
        keys: those that mean something while it has focus.
        footer: the names of those that its footer offers, the most important first.
        same_as: the command that prints what it shows.
    """

    help_text = ""
    keys: ClassVar[tuple[Key, ...]] = ()
    footer: ClassVar[tuple[str, ...]] = ()
    same_as = ""

    def command(self) -> str:
        """The command that prints what it shows now; empty where there is none."""
        return self.same_as

    def title(self) -> str:
        """What it shows, in a few words."""
        return ""

    def facts(self) -> Line:
        """What stands at the right of the title."""
        return ()

    def thumb(self) -> Thumb | None:
        """Where it stands in its list; None where all of that is on the screen."""
        return None

    def repaint(self) -> None:
        """Paint what changed, here and on the frame."""
        super().repaint()
        if isinstance(self.parent, Deck):
            self.parent.repaint()

    @property
    def place(self) -> str:
        """Its id, by which the plan knows it."""
        return self.id or ""

    @property
    def focused(self) -> bool:
        """Whether keys go to it: it has focus, and nothing covers its screen."""
        return self.has_focus and self.app.screen is self.screen

    def watch_has_focus(self, focused: bool) -> None:
        """Focus is told by the frame."""
        super().watch_has_focus(focused)
        self.repaint()

    def allow_focus(self) -> bool:
        """Only what the plan has room for can have it."""
        deck = self.parent
        planned = not isinstance(deck, Deck) or not deck.size or self.place in deck.boxes(deck.size)
        return super().allow_focus() and planned


class Deck(Lines):
    """The frame and the panes in it.

    Args:
        panes: by their ids the plan knows them.
        plan: from a size to the box of each pane that has room; what it leaves out is not shown.
    """

    ALLOW_SELECT = False

    def __init__(self, panes: Sequence[Pane], plan: Plan) -> None:
        super().__init__()
        self._panes = tuple(panes)
        self._plan = plan
        self._wanted: tuple[int, int, tuple[Framed, ...]] = 0, 0, ()
        self._drawn: tuple[Line, ...] = ()
        self._planned: tuple[Size, Mapping[str, Box]] = Size(0, 0), {}

    def compose(self) -> Sequence[Widget]:
        """The panes."""
        return self._panes

    def boxes(self, size: Size) -> Mapping[str, Box]:
        """Where each pane is."""
        if self._planned[0] != size:
            self._planned = size, self._plan(size.width, size.height)
        return self._planned[1]

    def replan(self) -> None:
        """Place the panes anew: what the plan depends on is another thing now."""
        self._planned = Size(0, 0), {}
        self._panes[0].refresh(layout=True)  # a child's: that of its own keeps what it arranged
        self.repaint()

    @property
    def layout(self) -> Layout:
        """Panes go where the plan says."""
        return _Placed()

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        """The frame."""
        boxes = self.boxes(Size(width, height))
        shown = [
            Framed(boxes[pane.place], pane.title(), pane.facts(), pane.focused, pane.thumb())
            for pane in self._panes
            if pane.place in boxes
        ]
        wanted = width, height, tuple(shown)
        if wanted != self._wanted:  # drawing takes longer than comparing, and changes are rare
            self._wanted, self._drawn = wanted, draw(*wanted)
        return self._drawn


class _Placed(Layout):
    name = "placed"

    def arrange(
        self,
        parent: Widget,
        children: list[Widget],
        size: Size,
        greedy: bool = True,  # noqa: ARG002 - as inherited
    ) -> ArrangeResult:
        assert isinstance(parent, Deck)
        boxes = parent.boxes(size)
        return [
            WidgetPlacement(Region(*boxes[child.place]), NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if isinstance(child, Pane) and child.place in boxes
        ]
