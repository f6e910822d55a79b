"""Text from outside is shown, never interpreted: not as markup, not by the terminal."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from rich.segment import Segment

from abi_engine.core.errors import AbiError, Severity
from abi_engine.core.events import Event
from abi_engine.features.gateway.api import GatewayReport
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.places import PLACES
from tests.tui.dashboard.canned import (
    NOW,
    CannedEngine,
    engine_status,
    gateway_report,
    report,
)
from tests.tui.dashboard.still import Still

pytestmark = pytest.mark.slow

Run = Callable[..., None]
HOSTILE = (
    "/[/x]",
    "/[bold red]x[/]",
    "/\x1b[31mred\x1b[0m",
    "/\x1b]52;c;aGk=\x07",
    "/\u202egnp.exe",
    "/世界/🎉/\u200b",
    "/\x9b2J",
    "/a\nb\rc\td",
    "/" + "x" * 3000,
    "/{id}%s%n{0}$(id)`id`",
)


def _engine(text: str) -> CannedEngine:
    gateway = gateway_report(routes=3)
    routes = tuple(
        msgspec.structs.replace(route, path=f"{text}{index}", limit=text)
        for index, route in enumerate(gateway.routes)
    )
    upstreams = tuple(
        msgspec.structs.replace(row, upstream=f"http://{text}{index}", last_error=text)
        for index, row in enumerate(gateway.upstreams)
    )
    hostile = GatewayReport(text, text, gateway.stats, routes, upstreams)
    event = Event(1, NOW, text, text, text, text, Severity.ERROR)
    made = report(gateway=hostile, trouble=(text,), told=(event,))
    status = msgspec.structs.replace(
        engine_status(trouble=(text,)), version=text, data_dir=text, socket=text, admin=text
    )
    return CannedEngine(msgspec.structs.replace(made, engine=status))


def _safe(shown: Still) -> None:
    """No letter on the screen acts on a terminal."""
    for strip in shown.app.screen._compositor.render_strips():
        for segment in strip:
            assert isinstance(segment, Segment)
            assert segment.control is None
            for letter in segment.text:
                assert letter.isprintable(), repr(letter)
                assert letter not in "\u200b\u202e\u2066\ufeff"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_screen_interprets_it(on_dashboard: Run, text: str) -> None:
    async def test(shown: Still) -> None:
        _safe(shown)
        for place in (place for place in PLACES if place.built):
            shown.app.go(place.name)
            await shown.settle()
            _safe(shown)
        for keys in (
            ("2", "enter"), ("escape", "tab", "enter"), ("escape", "question_mark"),
            ("escape", "o"),
            ("escape", "ctrl+p", "slash"), ("escape", "escape", "escape", "tab", "enter"),
            ("escape", "y"), ("g", "l", "enter"),
        ):  # fmt: skip
            await shown.press(*keys)
            _safe(shown)

    on_dashboard(test, _engine(text))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_an_error_is_said_as_it_is(on_dashboard: Run, text: str) -> None:
    async def test(shown: Still) -> None:
        shown.engine.refuse = AbiError(text, hint=text)
        page = shown.page
        page.panes[1].focus()
        await shown.press("r")
        _safe(shown)
        shown.feed.lose(AbiError(text, hint=text))
        await shown.settle()
        _safe(shown)

    on_dashboard(test, settings=Settings(screen="gateway", name=lambda: text))


def test_markup_is_shown_letter_by_letter(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert "/[/x]0" in shown.text

    on_dashboard(test, _engine("/[/x]"))


def test_what_is_copied_to_the_clipboard_is_safe_as_well(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("enter", "y")
        assert "\x1b" not in shown.app.clipboard
        assert "\\x1b" in shown.app.clipboard

    on_dashboard(test, _engine("/\x1b[31m"))


def test_hostile_letters_can_be_typed_into_a_filter(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"[/x](*+?\\", "ctrl+a", "f5")
        _safe(shown)
        assert "[/x](*+?\\" in shown.text

    on_dashboard(test)
