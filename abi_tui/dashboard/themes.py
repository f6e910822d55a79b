"""The themes: for each meaning a colour. Refuses anything that cannot be read.

Every letter has a contrast of at least 4.5 to 1 with what it stands on; only lines and traces,
which are not read, may be fainter. One colour means focus, three mean status, and all else is grey.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import NamedTuple

from rich.color import Color
from rich.style import Style
from textual.theme import BUILTIN_THEMES, Theme

from abi_engine.core.errors import InvalidConfig
from abi_engine.core.text import safe
from abi_tui.dashboard.paint import Ground, Ink


class Palette(NamedTuple):
    """A theme's colours, as `#rrggbb`, as the name of one of the 16, or empty for none.

    Attributes:
        name: of the theme.
        summary: a few words.
        page, bar, chosen, marked: the grounds (see `Ground`).
        text, dim: the two greys of letters.
        frame, trace: lines and bars.
        accent: focus.
        ok, warn, bad: status.
        dark: whether the page is.
        attributes: status and focus are told by bold, underlined and reversed text as well.
    """

    name: str
    summary: str
    page: str
    bar: str
    chosen: str
    marked: str
    text: str
    dim: str
    frame: str
    trace: str
    accent: str
    ok: str
    warn: str
    bad: str
    dark: bool = True
    attributes: bool = False


PALETTES = (
    Palette(
        "night", "the default; safe for the colour-blind",
        page="#101418", bar="#1a2027", chosen="#1b303f", marked="#1d232a",
        text="#d7dce2", dim="#8f9aa7", frame="#323c47", trace="#4d6479",
        accent="#5cc8ff", ok="#d7dce2", warn="#ffd75f", bad="#ff6b6b",
    ),
    Palette(
        "day", "light",
        page="#fbfbf9", bar="#eceeed", chosen="#d3e6f3", marked="#e6e9ea",
        text="#1d242b", dim="#56606b", frame="#c2c9cf", trace="#9db2c4",
        accent="#005f9e", ok="#1d242b", warn="#734b00", bad="#ab1f1a", dark=False,
    ),
    Palette(
        "contrast", "as much contrast as there is",
        page="#000000", bar="#1c1c1c", chosen="#00384f", marked="#262626",
        text="#ffffff", dim="#d4d4d4", frame="#9a9a9a", trace="#a8a8a8",
        accent="#62e0ff", ok="#ffffff", warn="#ffe45c", bad="#ff9a9a",
    ),
    Palette(
        "slate", "cool and soft",
        page="#232832", bar="#2b313d", chosen="#31445a", marked="#2f3643",
        text="#e0e5ee", dim="#a7b1c2", frame="#434c5d", trace="#627794",
        accent="#8fd3e8", ok="#e0e5ee", warn="#f0cf8a", bad="#ffa3a8",
    ),
    Palette(
        "ember", "warm and dark",
        page="#1b1816", bar="#262220", chosen="#3a2f22", marked="#2a2522",
        text="#e9dfcf", dim="#aca08e", frame="#463e36", trace="#76654f",
        accent="#8fd0b4", ok="#e9dfcf", warn="#fbc64a", bad="#ff8370",
    ),
    Palette(
        "moss", "green and dark",
        page="#0e1512", bar="#18211d", chosen="#1b3529", marked="#1b2420",
        text="#d6e0da", dim="#8fa197", frame="#2f3d36", trace="#4c6a5b",
        accent="#7fe0ac", ok="#d6e0da", warn="#f4d36b", bad="#ff7d75",
    ),
    Palette(
        "paper", "warm and light",
        page="#f7f1e5", bar="#ebe3d3", chosen="#d9e2d8", marked="#e6ddcb",
        text="#2a251f", dim="#615749", frame="#cdc1ae", trace="#b3a288",
        accent="#00566f", ok="#2a251f", warn="#6d4500", bad="#9c1f16", dark=False,
    ),
    Palette(
        "ansi", "the terminal's 16 colours",
        page="black", bar="black", chosen="white", marked="black",
        text="bright_white", dim="white", frame="bright_black", trace="white",
        accent="bright_cyan", ok="bright_white", warn="bright_yellow", bad="bright_red",
        attributes=True,
    ),
    Palette(
        "mono", "no colours: bold, underlined and reversed",
        page="", bar="", chosen="", marked="",
        text="", dim="", frame="", trace="",
        accent="", ok="", warn="", bad="",
        attributes=True,
    ),
)  # fmt: skip

BY_NAME: Mapping[str, Palette] = {palette.name: palette for palette in PALETTES}
DEFAULT = PALETTES[0].name
FEW_COLOURS = ("linux", "cons25", "vt100", "vt220", "ansi", "xterm-16color", "screen-16color")

Styles = Mapping[tuple[Ink, Ground], Style]


def choose(name: str | None, environ: Mapping[str, str]) -> Palette:
    """The palette called `name`; without a name, one that suits the terminal.

    Raises:
        InvalidConfig: none has that name.
    """
    if name and name in BY_NAME:
        return BY_NAME[name]
    if name:
        near = get_close_matches(name, BY_NAME, 1)
        guess = f"; did you mean '{near[0]}'?" if near else ""
        message = f"no theme named '{safe(name)}'{guess}"
        raise InvalidConfig(message, hint=", ".join(BY_NAME))
    if environ.get("NO_COLOR"):
        return BY_NAME["mono"]
    return BY_NAME["ansi" if environ.get("TERM", "") in FEW_COLOURS else DEFAULT]


def styles(palette: Palette) -> Styles:
    """The style of each ink on each ground."""
    return {(ink, ground): _style(palette, ink, ground) for ink in Ink for ground in Ground}


def _style(palette: Palette, ink: Ink, ground: Ground) -> Style:
    if palette.attributes and ground is Ground.CHOSEN:
        return Style(reverse=True, bold=ink in _BOLD or None)
    page = {
        Ground.PAGE: palette.page,
        Ground.BAR: palette.bar,
        Ground.CHOSEN: palette.chosen,
        Ground.MARKED: palette.marked,
    }[ground]
    underline = palette.attributes and (ink is Ink.BAD or ground is Ground.MARKED)
    return Style(
        color=_colour(_letter(palette, ink, ground)),
        bgcolor=_colour(page),
        bold=ink in _BOLD or (palette.attributes and ink in _LOUD) or None,
        underline=underline or None,
        dim=(not palette.frame and ink in _FAINT) or None,
    )


_FAINT = frozenset({Ink.FRAME, Ink.TRACE})
_BOLD = frozenset({Ink.STRONG, Ink.FOCUS})
_LOUD = frozenset({Ink.ACCENT, Ink.WARN, Ink.BAD})


def _letter(palette: Palette, ink: Ink, ground: Ground) -> str:
    if ink is Ink.DIM and ground is Ground.CHOSEN:  # the chosen row is there to be read
        return palette.text
    return {
        Ink.PLAIN: palette.text,
        Ink.DIM: palette.dim,
        Ink.STRONG: palette.text,
        Ink.ACCENT: palette.accent,
        Ink.FOCUS: palette.accent,
        Ink.OK: palette.ok,
        Ink.WARN: palette.warn,
        Ink.BAD: palette.bad,
        Ink.FRAME: palette.frame,
        Ink.TRACE: palette.trace,
    }[ink]


def _colour(name: str) -> Color | None:
    return Color.parse(name) if name else None


def textual_theme(palette: Palette) -> Theme:
    """The same for the toolkit: what it paints by itself is the page."""
    few = palette.attributes
    page = f"ansi_{palette.page}" if palette.page and few else palette.page or "ansi_default"
    text = f"ansi_{palette.text}" if palette.text and few else palette.text or "ansi_default"
    return Theme(
        palette.name,
        primary=text,
        foreground=text,
        background=page,
        surface=page,
        panel=page,
        dark=palette.dark,
        ansi=few,
        variables=BUILTIN_THEMES["ansi-dark"].variables if few else {},
    )
