"""Every letter of every theme can be read."""

from __future__ import annotations

import asyncio
from itertools import product

import pytest
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import TerminalTheme

from abi_engine.core.errors import InvalidConfig
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.paint import Ground, Ink
from abi_tui.dashboard.places import PLACES
from abi_tui.dashboard.themes import BY_NAME, PALETTES, Palette, choose, styles
from tests.tui.dashboard.canned import CannedEngine, past
from tests.tui.dashboard.still import still

pytestmark = pytest.mark.slow

LEAST = 4.5
NOT_READ = {Ink.FRAME, Ink.TRACE}
LINES = set("─│╭╮╰╯├┤┬┴┼┃▏▎▍▌▋▊▉ ▁▂▃▄▅▆▇█")

# The 16 colours as xterm has them.
XTERM = TerminalTheme(
    (0, 0, 0),
    (229, 229, 229),
    [(0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205),
     (0, 205, 205), (229, 229, 229)],
    [(127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255),
     (0, 255, 255), (255, 255, 255)],
)  # fmt: skip


def _luminance(color: Color | None, *, foreground: bool) -> float:
    shown = (color or Color.default()).get_truecolor(XTERM, foreground)
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in shown)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(style: Style) -> float:
    """Of a letter with its ground, as WCAG has it."""
    pair = [
        _luminance(style.color, foreground=True),
        _luminance(style.bgcolor, foreground=False),
    ]
    return (max(pair) + 0.05) / (min(pair) + 0.05)


def test_contrast_is_measured_as_it_is_defined() -> None:
    assert contrast(Style.parse("#ffffff on #000000")) == pytest.approx(21.0)
    assert contrast(Style.parse("#777777 on #ffffff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
def test_every_letter_has_enough_contrast_on_every_ground(palette: Palette) -> None:
    table = styles(palette)
    for ink, ground in product(set(Ink) - NOT_READ, Ground):
        assert contrast(table[ink, ground]) >= LEAST, (ink, ground)


@pytest.mark.parametrize("palette", PALETTES, ids=lambda palette: palette.name)
def test_every_letter_on_the_screen_has_enough_contrast(palette: Palette) -> None:
    """Whatever paints it: a pane, or the toolkit by itself."""
    for style, letters in asyncio.run(_painted(palette)).items():
        if set(letters) - LINES:
            assert contrast(style) >= LEAST, (style, letters)


async def _painted(palette: Palette) -> dict[Style, str]:
    found: dict[Style, str] = {}
    async with still(CannedEngine(kept=past(60)), settings=Settings(palette=palette)) as shown:
        for place in PLACES[:2]:
            shown.app.go(place.name)
            await shown.settle()
            for keys in (("question_mark", "escape"), ("ctrl+p", "u", "escape"), ("g", "escape")):
                for key in keys:
                    await shown.press(key)
                    for strip in shown.app.screen._compositor.render_strips():
                        for text, style, _ in strip:
                            assert style is not None
                            plain = Style(color=style.color, bgcolor=style.bgcolor)
                            found[plain] = found.get(plain, "") + text
    return found


def test_there_are_seven_and_among_them_those_that_people_need() -> None:
    assert len(PALETTES) >= 7
    assert {"day", "contrast", "ansi", "mono"} <= set(BY_NAME)
    assert not BY_NAME["day"].dark


def test_the_default_has_the_colours_that_the_colour_blind_tell_apart() -> None:
    night = PALETTES[0]
    assert (night.page, night.accent, night.warn) == ("#101418", "#5cc8ff", "#ffd75f")


def test_mono_has_no_colour_and_status_still_differs() -> None:
    table = styles(BY_NAME["mono"])
    assert all(style.color is None and style.bgcolor is None for style in table.values())
    assert table[Ink.BAD, Ground.PAGE] != table[Ink.OK, Ground.PAGE]
    assert table[Ink.PLAIN, Ground.CHOSEN].reverse


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TERM": "xterm-256color"}, "night"),
        ({"TERM": "linux"}, "ansi"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "mono"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "night"),
    ],
)
def test_a_theme_suits_the_terminal(environ: dict[str, str], name: str) -> None:
    assert choose(None, environ).name == name


def test_a_theme_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(InvalidConfig, match="no theme named 'nihgt'; did you mean 'night'"):
        choose("nihgt", {})


def test_a_theme_that_was_asked_for_is_taken() -> None:
    assert choose("day", {"NO_COLOR": "1"}).name == "day"
