"""What every part of the dashboard knows: the feed, the moment shown, the theme, the keys.

The application is built up in layers, one idea each: this, where one is (`journey`), when
(`rewind`), what is done (`commands`); `app` is the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, cast

from textual.app import App
from textual.message import Message

from abi_engine.config import Setting
from abi_engine.core.errors import AbiError
from abi_engine.core.text import safe
from abi_tui.dashboard.feed import News, Query
from abi_tui.dashboard.history import History
from abi_tui.dashboard.keys import ALL, Key
from abi_tui.dashboard.moment import Moment, State, recording_cell, state_cell
from abi_tui.dashboard.screens.modal import Modal
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.themes import PALETTES, Palette, styles, textual_theme
from abi_tui.dashboard.widgets.bars import TopLine
from abi_tui.views import numbers
from abi_tui.views.engine import trouble_cells
from abi_tui.views.table import Cell, Tone

GATEWAY_OFF = "the gateway is off: g f goes to the features, where o switches it on"
STYLES = Path(__file__).with_name("styles.tcss")
CONNECTING = "looking for the engine"
READING = "reading the recording"


class FeedApi(Protocol):
    """What the dashboard needs of a feed; see `feed.Feed`."""

    def start(self, sink: Callable[[News], None]) -> None: ...
    def close(self, deadline: float = ...) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def set_interval(self, seconds: float) -> None: ...
    def set_query(self, query: Query | None) -> None: ...
    def tail(self, wanted: bool) -> None: ...
    def ask(self, call: Query, then: Callable[[Any], None]) -> None: ...
    def run(self, call: Callable[[], object], then: Callable[[Any], None]) -> None: ...


class Settings(NamedTuple):
    """How a dashboard is.

    Attributes:
        palette: the theme it starts with.
        name: whom it is attached to.
        screen: the name of the place it starts with.
        read_only: refuse whatever changes something in the engine.
        interval: seconds between reports.
        keys: other keys by the name of what they do.
        export_dir: where exports are written.
        own: the settings of the dashboard, for the screen that shows settings.
        recording: the file that is played; empty where an engine is followed.
        recorded: the file that reports are recorded to; empty where they are not.
    """

    palette: Palette = PALETTES[0]
    name: Callable[[], str] = lambda: "engine"
    screen: str = "overview"
    read_only: bool = False
    interval: float = 1.0
    keys: Mapping[str, str] = {}
    export_dir: Path = Path()
    own: tuple[Setting, ...] = ()
    recording: str = ""
    recorded: str = ""


class Core(App[int]):
    """State and look.

    Args:
        feed: brings the reports.
        settings: how the dashboard is.
    """

    ENABLE_COMMAND_PALETTE = False
    TITLE = "abi"

    class Told(Message):
        """The feed has news."""

        bubble: ClassVar[bool] = False

        def __init__(self, news: News) -> None:
            super().__init__()
            self.news = news

    def __init__(self, feed: FeedApi, settings: Settings) -> None:
        super().__init__(css_path=STYLES)
        self.animation_level = "none"
        self.feed = feed
        self.settings = settings
        self.state = State.CONNECTING
        self.moment: Moment | None = None
        self.newest: datetime | None = None
        self.lost: AbiError | None = None
        self.unrecorded: AbiError | None = None
        self.speed = 0.0
        self.history = History()
        self.interval = settings.interval
        for palette in PALETTES:
            self.register_theme(textual_theme(palette))
        self.palette = settings.palette
        self.styles_of_inks = styles(settings.palette)
        self.theme = settings.palette.name
        self.set_keymap(dict(settings.keys))

    @property
    def live(self) -> bool:
        """Whether the engine may be asked for what reports lack: what is shown is now."""
        return self.state in (State.LIVE, State.CONNECTING)

    @property
    def replaying(self) -> bool:
        """Whether the past is shown."""
        return self.state is State.REPLAY

    @property
    def page(self) -> Page | None:
        """The page in sight, even under a question; None before there is one."""
        pages = [screen for screen in self.screen_stack if isinstance(screen, Page)]
        return pages[-1] if pages else None

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The way to the page in sight."""
        return tuple(page.crumb for page in self.screen_stack if isinstance(page, Page))

    def top_line(self) -> TopLine:
        """What the top bar says."""
        moment = self.moment
        at = moment.report.at if moment else None
        state = self._state_cell(at)
        crumbs = ("abi", *self.crumbs)
        if moment is None:
            return TopLine(crumbs, "", self._lost_cells(), state)
        engine = moment.report.engine
        attached = (
            f"{safe(self.settings.name())} {engine.pid}  up {numbers.duration(engine.uptime_s)}"
        )
        trouble = (*self._lost_cells(), *trouble_cells(engine, moment.gateway))
        return TopLine(crumbs, attached, trouble, state)

    def _state_cell(self, at: datetime | None) -> Cell:
        if self.settings.recording and at is not None:
            return recording_cell(at, self.speed)
        cell = state_cell(self.state, at, self.newest, self.interval)
        if self.settings.recorded and self.unrecorded is None:
            return cell._replace(text=f"REC {cell.text}")
        return cell

    def _lost_cells(self) -> tuple[Cell, ...]:
        stopped = Cell("▲ recording stopped", Tone.BAD)
        cells = (stopped,) if self.unrecorded is not None else ()
        if self.lost is None:
            return cells
        what = "no engine, trying again" if self.moment is None else "engine lost, reconnecting"
        return (Cell(f"▲ {what}", Tone.BAD), *cells)

    def why_nothing(self) -> str:
        """Why there is no report."""
        if self.lost is None:
            return READING if self.settings.recording else CONNECTING
        hint = f"; {safe(self.lost.hint)}" if self.lost.hint else ""
        return f"{safe(self.lost.message, limit=400)}{hint}"

    def why_no_gateway(self) -> str:
        """Why the gateway has nothing to show."""
        return self.why_nothing() if self.moment is None else GATEWAY_OFF

    def say(self, words: str, tone: Tone = Tone.PLAIN) -> None:
        """Say something where the keys are, until the next key."""
        if self.page is not None:
            self.page.say(Cell(words, tone))

    def say_error(self, error: AbiError) -> None:
        """Say what failed and the way out."""
        hint = f" ({safe(error.hint, limit=120)})" if error.hint else ""
        self.say(f"{safe(error.message, limit=200)}{hint}", Tone.BAD)

    def shown_key(self, key: Key) -> str:
        """A key as it is printed on the keyboard, where configuration moved it."""
        given = self.settings.keys.get(key.name)
        return given.split(",")[0].strip() if given else key.shown

    def key_for(self, name: str) -> str:
        """The key that does something, by its name."""
        return self.shown_key(next(key for key in ALL if key.name == name))

    def set_palette(self, palette: Palette) -> None:
        """Another theme, everywhere at once."""
        self.palette = palette
        self.styles_of_inks = styles(palette)
        self.theme = palette.name
        for screen in self.screen_stack:
            if isinstance(screen, Page | Modal):
                screen.restyle()

    def copy_to_clipboard(self, text: str) -> None:
        """Through the terminal (OSC 52); what is copied has been made safe."""
        super().copy_to_clipboard(safe(text, newlines=True))

    def _fatal_error(self) -> None:
        """A defect: leave without a word. `run` raises it, and whoever called says it in a line,
        rather than the toolkit with every variable on the screen.
        """
        self._close_messages_no_wait()

    def page_changed(self) -> None:
        """Another page is in sight: it gets the moment, and asks for what it needs."""
        page = self.page
        if page is not None and page is self.screen:
            page.show()
            self.feed.set_query(page.asks())
            self.feed.tail(page.tails)
            self.ask_page()

    def ask_page(self) -> None:
        """Ask the engine what the page in sight needs, now rather than with the next report."""
        page = self.page
        query = page.asks() if page is not None else None
        self.feed.set_query(query)
        if query is None or page is None or self.state is not State.LIVE:
            return
        asking = page

        def show(answer: object) -> None:
            if asking is self.page and self.state is State.LIVE:
                asking.show(answer)

        self.feed.ask(query, cast("Callable[[Any], None]", show))
