"""The small screens over a page: a question, a line to type, help, the letters to go to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen

from abi_tui.dashboard.export import Kind
from abi_tui.dashboard.frame import Box
from abi_tui.dashboard.keys import TEXT, bindings
from abi_tui.dashboard.paint import Ink, Line, Span
from abi_tui.dashboard.places import BY_LETTER, PLACES, Place
from abi_tui.dashboard.widgets.deck import Deck, Pane
from abi_tui.dashboard.widgets.lines import Lines
from abi_tui.dashboard.widgets.text import Composed, TextPane

T = TypeVar("T")
MOST_COLUMNS = 92
TEXT_COLUMNS = 76


class Modal(ModalScreen[T], Generic[T]):
    """One pane over the page, as large as what it says.

    Args:
        pane: the pane; its place is `only`.
        lines: what it says in a width: so many rows it gets, where there is room.
        columns: how many columns it wants.
    """

    def __init__(self, pane: Pane, lines: Composed, columns: int = MOST_COLUMNS) -> None:
        super().__init__()
        self.pane = pane
        self._composed = lines
        self._left = False
        self._columns = columns + 2
        self.deck = Deck((pane,), _only)

    def compose(self) -> ComposeResult:
        """The pane in its frame, which has its size from the first moment: no flash."""
        self._fit(self.app.size)
        yield self.deck

    def on_key(self, event: events.Key) -> None:
        """A key that no binding took."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Leave with a result. Does nothing the second time: a key may come in between."""
        if self._left:
            return AwaitComplete()
        self._left = True
        return super().dismiss(result)

    def on_resize(self, event: events.Resize) -> None:
        """Another size of terminal."""
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        """As large as it wants and the screen allows."""
        width = min(self._columns, size.width)
        rows = len(self._composed(width - 2)) + 2
        self.deck.styles.width = width
        self.deck.styles.height = min(rows, size.height)

    def restyle(self) -> None:
        """Paint everything in the theme that is chosen now."""
        for widget in self.query_all():
            widget.restyle()

    def query_all(self) -> Sequence[Lines]:
        """Every widget that paints itself."""
        return [widget for widget in self.walk_children() if isinstance(widget, Lines)]


def _only(width: int, height: int) -> Mapping[str, Box]:
    return {"only": Box(1, 1, max(width - 2, 0), max(height - 2, 0))}


class HelpScreen(Modal[None]):
    """Something to read: what is in focus and its keys, a row, an answer.

    Args:
        title: what it is about.
        lines: what it says in a width.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter,f1", "dismiss", show=False),
        *bindings(TEXT),
    ]

    def __init__(self, title: str, lines: Composed) -> None:
        self._pane = TextPane(place="only")
        super().__init__(self._pane, lines, TEXT_COLUMNS)
        self._title = title

    def on_mount(self) -> None:
        """Say it."""
        self._pane.show(self._title, self._composed)


class AskScreen(Modal[bool]):
    """Whether to do something dangerous; no, unless `y` is pressed.

    Args:
        title: what it is.
        lines: what will happen, in a width.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n,escape,enter,q", "answer(False)", show=False),
    ]

    def __init__(self, title: str, lines: Composed) -> None:
        self._pane = TextPane(place="only")
        super().__init__(self._pane, lambda width: [*lines(width), (), _answers()], TEXT_COLUMNS)
        self._title = title

    def on_mount(self) -> None:
        """Ask."""
        self._pane.show(self._title, self._composed)

    def action_answer(self, yes: bool) -> None:
        """The answer."""
        self.dismiss(yes)


def _answers() -> Line:
    return (
        Span(" "),
        Span("y", Ink.STRONG),
        Span(" yes   ", Ink.DIM),
        Span("n", Ink.STRONG),
        Span(" no (also esc, enter)", Ink.DIM),
    )


class JumpScreen(Modal[str | None]):
    """The letters to go to."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", show=False)]

    def __init__(self) -> None:
        self._pane = TextPane(place="only")
        super().__init__(self._pane, _place_lines, 64)

    def on_mount(self) -> None:
        """Say where each letter leads."""
        self._pane.show("go to", self._composed)

    def on_key(self, event: events.Key) -> None:
        """Go there."""
        place = BY_LETTER.get(event.key)
        if place is not None:
            event.stop()
            event.prevent_default()
            self.dismiss(place.name)


def _place_lines(_: int) -> list[Line]:
    return [_place_line(place, index) for index, place in enumerate(PLACES)]


def _place_line(place: Place, index: int) -> Line:
    digit = str(index + 1) if index < 9 else " "
    ink = Ink.PLAIN if place.built else Ink.DIM
    return (
        Span(f" {place.letter}", Ink.STRONG),
        Span(f" {digit}  ", Ink.DIM),
        Span(f"{place.name:<12}", ink),
        Span(place.summary if place.built else f"{place.summary} (planned)", Ink.DIM),
    )


class LinePane(Pane, can_focus=True):
    """One line to type."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__(place="only")
        self._title = title
        self.text = text

    def title(self) -> str:
        """What to type."""
        return self._title

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - as inherited
        """The text and where it goes on."""
        shown = self.text[-(width - 3) :]
        keys = Span(" "), Span("enter", Ink.STRONG), Span(" send   ", Ink.DIM)
        leave = Span("esc", Ink.STRONG), Span(" leave it", Ink.DIM)
        return [(Span(" "), Span(shown), Span("▏", Ink.ACCENT)), (), (*keys, *leave)]

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters are letters."""
        return key == "backspace" or (character is not None and character.isprintable())

    def on_key(self, event: events.Key) -> None:
        """Type."""
        if event.key == "backspace":
            self.text = self.text[:-1]
        elif event.is_printable and event.character:
            self.text += event.character
        else:
            return
        event.stop()
        event.prevent_default()
        self.repaint()


class PromptScreen(Modal[str | None]):
    """Asks for one line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", show=False),
        Binding("escape", "dismiss", show=False),
    ]

    def __init__(self, title: str, text: str) -> None:
        self._pane = LinePane(title, text)
        super().__init__(self._pane, lambda _: [()] * 3, 62)

    def action_send(self) -> None:
        """What was typed."""
        self.dismiss(self._pane.text)


class ExportScreen(Modal[Kind | None]):
    """How to write what is on the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", show=False)]

    def __init__(self) -> None:
        self._pane = TextPane(place="only")
        super().__init__(self._pane, lambda _: _KINDS, 58)

    def on_mount(self) -> None:
        """Say what there is."""
        self._pane.show("export", self._composed)

    def on_key(self, event: events.Key) -> None:
        """This one."""
        kind = _KEYS.get(event.key)
        if kind is not None:
            event.stop()
            event.prevent_default()
            self.dismiss(kind)


def _kind(key: str, name: str, words: str) -> Line:
    return Span(f" {key}  ", Ink.STRONG), Span(f"{name:<6}"), Span(words, Ink.DIM)


_KEYS = {"j": Kind.JSON, "c": Kind.CSV, "s": Kind.SVG}
_KINDS = (
    _kind("j", "json", "the list in focus, as the command prints it"),
    _kind("c", "csv", "the list in focus, for a spreadsheet"),
    _kind("s", "svg", "a picture of the screen"),
)
