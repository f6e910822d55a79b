"""Asks for a request to send through the gateway: its method and its path."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType

from abi_tui.dashboard.paint import Ink, Line, Span
from abi_tui.dashboard.screens.modal import Modal
from abi_tui.dashboard.widgets.deck import Pane
from abi_tui.dashboard.widgets.text import same_as_lines
from abi_tui.views.detail import command_line

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROWS = 7
_NAMED = re.compile(r"\{[^}]*\}")


class Request(NamedTuple):
    """What to send."""

    method: str
    path: str


def sample_path(pattern: str) -> str:
    """A path that a pattern matches: `1` for each name, `x` for the rest."""
    path = _NAMED.sub("1", pattern)
    return f"{path[:-1]}x" if path.endswith("/*") else path


class RequestPane(Pane, can_focus=True):
    """A method to choose and a path to type."""

    def __init__(self, methods: Sequence[str], path: str) -> None:
        super().__init__(place="only")
        self._methods = tuple(methods)
        self._chosen = 0
        self.path = path

    @property
    def request(self) -> Request:
        """What is there to be sent."""
        return Request(self._methods[self._chosen], self.path)

    def title(self) -> str:
        """What it is for."""
        return "send a request through the gateway"

    def compose_lines(self, width: int, height: int) -> Sequence[Line]:  # noqa: ARG002 - as inherited
        """The method, the path, the command that does the same, and the keys."""
        request = self.request
        same = command_line("abi", "gateway", "test", request.path, "--method", request.method)
        shown = self.path[-max(width - 11, 1) :]
        more = (Span("  tab", Ink.STRONG), Span(" another", Ink.DIM)) if self._methods[1:] else ()
        return [
            (Span(" method  ", Ink.DIM), Span(request.method, Ink.STRONG), *more),
            (Span(" path    ", Ink.DIM), Span(shown), Span("▏", Ink.ACCENT)),
            (),
            *same_as_lines(same, max(width - 2, 1))[:2],
            (),
            (Span(" "), *_key("enter", "send"), *_key("esc", "leave it")),
        ]

    def next_method(self, step: int) -> None:
        """Another method; they go round."""
        self._chosen = (self._chosen + step) % len(self._methods)
        self.repaint()

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters are letters."""
        return key == "backspace" or (character is not None and character.isprintable())

    def on_paste(self, event: events.Paste) -> None:
        """A path from the clipboard: its first line."""
        self._type("".join(filter(str.isprintable, event.text.partition("\n")[0])))
        event.stop()

    def on_key(self, event: events.Key) -> None:
        """Type the path."""
        if event.key == "backspace":
            self.path = self.path[:-1]
            self.repaint()
        elif event.is_printable and event.character:
            self._type(event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def _type(self, text: str) -> None:
        self.path += text
        self.repaint()


class RequestScreen(Modal[Request | None]):
    """Asks for the method and the path of a request.

    Args:
        methods: to choose from.
        path: to begin with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", show=False),
        Binding("escape", "dismiss", show=False),
        Binding("tab,down", "method(1)", show=False),
        Binding("shift+tab,up", "method(-1)", show=False),
    ]

    def __init__(self, methods: Sequence[str], path: str) -> None:
        self._pane = RequestPane(methods, path)
        super().__init__(self._pane, lambda _: [()] * ROWS, 72)

    def action_send(self) -> None:
        """What is there."""
        self.dismiss(self._pane.request)

    def action_method(self, step: int) -> None:
        """Another method."""
        self._pane.next_method(step)


def _key(name: str, words: str) -> Line:
    return Span(name, Ink.STRONG), Span(f" {words}   ", Ink.DIM)
