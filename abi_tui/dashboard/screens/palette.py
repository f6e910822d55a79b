"""The command palette: everything that has a name, found by a few of its letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType

from abi_tui.dashboard.paint import Ground, Ink, Line, Span, cells, cut, pad
from abi_tui.dashboard.screens.modal import Modal
from abi_tui.dashboard.widgets.deck import Pane
from abi_tui.views import numbers
from abi_tui.views.window import matches

ROWS = 16
KIND = 10


class Entry(NamedTuple):
    """Something that has a name.

    Attributes:
        kind: what it is: a screen, a route, a command.
        name: by which it is found, safe to show.
        summary: a few words.
        action: of the application, with its argument.
        argument: what the action is about.
    """

    kind: str
    name: str
    summary: str
    action: str
    argument: str = ""


class PalettePane(Pane, can_focus=True):
    """A line to type, and what it finds, the closest first."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        super().__init__(place="only")
        self._entries = tuple(entries)
        self._words = ""
        self._found: Sequence[Entry] = self._entries
        self._cursor = 0

    @property
    def chosen(self) -> Entry | None:
        """What is under the cursor."""
        return self._found[self._cursor] if self._found else None

    def title(self) -> str:
        """What this is."""
        return "commands"

    def facts(self) -> Line:
        """How many there are."""
        found, whole = len(self._found), len(self._entries)
        return (Span(f"{numbers.count(found)} of {numbers.count(whole)}", Ink.DIM),)

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:
        """The line to type, and what it finds."""
        typed: Line = (Span(" "), Span(self._words), Span("▏", Ink.ACCENT))
        if not self._words:
            typed += (
                Span("a few letters of a screen, route, upstream, setting, command", Ink.DIM),
            )
        if not self._found:
            nothing = f"nothing is called like '{self._words}'"
            return [typed, (), (Span(" "), Span(nothing, Ink.DIM))]
        rows = height - 2
        top = max(min(self._cursor - rows // 2, len(self._found) - rows), 0)
        shown = self._found[top : top + rows]
        lines = [self._row(entry, index + top, width) for index, entry in enumerate(shown)]
        return [typed, (), *lines]

    def _row(self, entry: Entry, index: int, width: int) -> Line:
        ground = Ground.CHOSEN if index == self._cursor else Ground.PAGE
        name = cut(entry.name, max(width - KIND - 3, 1))
        room = max(width - KIND - 4 - cells(name), 0)
        return (
            Span(f" {pad(entry.kind, KIND)} ", Ink.DIM, ground),
            Span(name + "  ", Ink.PLAIN, ground),
            Span(pad(entry.summary, room), Ink.DIM, ground),
        )

    def add(self, entries: Sequence[Entry]) -> None:
        """More that can be found; what is chosen stays."""
        self._entries += tuple(entries)
        self._found = ranked(self._entries, self._words)
        self.repaint()

    def move(self, step: int) -> None:
        """Move the cursor; it goes round."""
        if self._found:
            self._cursor = (self._cursor + step) % len(self._found)
            self.repaint()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters are letters."""
        return key == "backspace" or (character is not None and character.isprintable())

    def on_key(self, event: events.Key) -> None:
        """Type."""
        if event.key == "backspace":
            self._search(self._words[:-1])
        elif event.is_printable and event.character:
            self._search(self._words + event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def on_click(self, event: events.Click) -> None:
        """A click takes what it hits."""
        event.prevent_default()
        rows = self.size.height - 2
        top = max(min(self._cursor - rows // 2, len(self._found) - rows), 0)
        index = top + event.y - 2
        if event.y >= 2 and index < len(self._found):
            self._cursor = index
            self.screen.dismiss(self.chosen)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """One down."""
        event.prevent_default()
        self.move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """One up."""
        event.prevent_default()
        self.move(-1)

    def _search(self, words: str) -> None:
        self._words = words
        self._found = ranked(self._entries, words)
        self._cursor = 0
        self.repaint()


def ranked(entries: Sequence[Entry], words: str) -> list[Entry]:
    """Those in whose names the letters occur in order; whole words and beginnings first."""
    letters = "".join(words.casefold().split())
    several = " " in words.strip()
    found = [
        entry
        for entry in entries
        if matches(words, entry.name) or (several and matches(words, f"{entry.kind} {entry.name}"))
    ]

    def distance(entry: Entry) -> tuple[bool, bool, int]:
        name = "".join(entry.name.casefold().split())
        return not name.startswith(letters), letters not in name, len(name)

    return sorted(found, key=distance) if letters else found


class PaletteScreen(Modal[Entry | None]):
    """Over the page: type, and take what is found."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+p", "dismiss", show=False),
        Binding("enter", "take", show=False),
        Binding("down,ctrl+n,tab", "move(1)", show=False),
        Binding("up,shift+tab", "move(-1)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
    ]

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._pane = PalettePane(entries)
        super().__init__(self._pane, lambda _: [()] * (ROWS + 2))

    def add(self, entries: Sequence[Entry]) -> None:
        """More that can be found."""
        self._pane.add(entries)

    def action_take(self) -> None:
        """What is under the cursor."""
        self.dismiss(self._pane.chosen)

    def action_move(self, step: int) -> None:
        """Move the cursor."""
        self._pane.move(step)
