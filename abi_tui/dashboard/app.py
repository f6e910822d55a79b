"""The dashboard: a client of a running engine that shows it, live or of the past, and acts on it.

Refuses to hold an engine in its own process: a busy engine must not freeze the screen.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from abi_engine.config import Setting
from abi_engine.core.events import Event
from abi_tui.dashboard.commands import Commands
from abi_tui.dashboard.config import DashboardConfig
from abi_tui.dashboard.core import FeedApi, Settings
from abi_tui.dashboard.feed import Feed, News, Record
from abi_tui.dashboard.keys import EVERYWHERE, PLAY, bindings, check
from abi_tui.dashboard.launch import Way
from abi_tui.dashboard.screens.features import FeaturesPane
from abi_tui.dashboard.screens.modal import LinePane, Modal
from abi_tui.dashboard.screens.palette import PalettePane
from abi_tui.dashboard.screens.request import RequestPane
from abi_tui.dashboard.themes import Palette, choose
from abi_tui.dashboard.widgets.breakers import BreakersPane
from abi_tui.dashboard.widgets.events import EventsPane
from abi_tui.dashboard.widgets.routes import RoutesPane
from abi_tui.dashboard.widgets.table import ListPane

INTERRUPTED = 130


class Dashboard(Commands):
    """The whole application."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(EVERYWHERE),
        *bindings(PLAY),
        *(Binding(str(n), f"app.digit('{n}')", show=False, id=f"digit_{n}") for n in range(1, 10)),
    ]

    def on_mount(self) -> None:
        """Begin to follow the engine, on the screen that was asked for."""
        if not self.is_headless:  # else the terminal would be left as it is
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit, INTERRUPTED)
        self.call_after_refresh(self._follow)
        if self.settings.screen != "overview":
            self.go(self.settings.screen)

    def _follow(self) -> None:
        def tell(news: News) -> None:
            self.post_message(self.Told(news))

        self.feed.start(tell)

    async def action_back(self) -> None:
        """Leave the filter, then the past, then the page."""
        if self.leave_filter() or self.leave_past() or self.leave_page():
            return
        self.say(f"{self.key_for('quit')} quits")

    async def action_quit(self) -> None:
        """Leave."""
        self.exit(0)

    def action_help_quit(self) -> None:
        """Ctrl-C copies what is selected; where nothing is, it leaves at once."""
        self.exit(INTERRUPTED)

    async def _on_key(self, event: events.Key) -> None:
        """Keys end here that nothing took. One typed so fast that what it is meant for, a screen or
        a filter, was not there yet when it came, is taken by that now.
        """
        event.prevent_default()  # of the toolkit's own handler, which does the last line alone
        again, screen = events.Key(event.key, event.character), self.screen
        for target in (self.focused or getattr(screen, "pane", None), screen):
            if isinstance(target, ListPane | LinePane | PalettePane | RequestPane | Modal):
                target.on_key(again)
                if again._stop_propagation:
                    return
        await self._check_bindings(event.key)

    def on_unmount(self) -> None:
        """Follow no more."""
        self.feed.close()

    def on_list_pane_opened(self, message: ListPane.Opened) -> None:
        """Enter on a row."""
        pane = message.pane
        if not self._in_sight(pane):
            return
        if isinstance(pane, RoutesPane):
            self.show_route(message.key)
        elif isinstance(pane, BreakersPane):
            self.show_upstream(message.key)
        elif isinstance(pane, EventsPane) and isinstance(pane.object, Event):
            self.seek(pane.object.at)
        elif isinstance(pane, FeaturesPane):
            self.action_switch_feature()
        else:
            self.show_row(pane)

    def _in_sight(self, pane: ListPane) -> bool:
        """Whether a list is on the page that is shown; one may have been left meanwhile."""
        return self.page is not None and pane in self.page.panes

    def on_list_pane_wanted(self) -> None:
        """Other rows are in sight than were fed."""
        self.ask_page()

    def on_list_pane_chosen(self, message: ListPane.Chosen) -> None:
        """Another row is chosen: what tells about it follows."""
        page = self.page
        if page is not None and self._in_sight(message.pane):
            page.row_chosen()


def run(
    *,
    attach: str | None = None,
    data_dir: str | Path | None = None,
    config: str | None = None,
    settings: Mapping[str, str] | None = None,
    screen: str | None = None,
    read_only: bool = False,
    theme: str | None = None,
    options: DashboardConfig | None = None,
    own: tuple[Setting, ...] = (),
    record: str | Path | None = None,
    replay: str | Path | None = None,
    at: float | None = None,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Open the dashboard in this terminal, and return when it is left.

    Args:
        attach: the path of a control socket, or `ssh://host`; else the engine of the data
            directory, started as a child where none runs.
        data_dir: of the engine; else `ABI_DATA_DIR`, else the user's.
        config: the configuration file of an engine that has to be started.
        settings: its settings by dotted key.
        screen: the name of the screen to begin with.
        read_only: refuse whatever changes something in the engine.
        theme: its name; None takes the configured one, else one that suits the terminal.
        options: the section `[dashboard]` of the configuration.
        own: the same with origins, to be shown.
        record: a file that reports are recorded to as they arrive.
        replay: a recording that is shown in place of an engine.
        at: where it begins: seconds since the epoch or, negative, before its end.
        environ: where the environment is read.

    Returns:
        The exit code.

    Raises:
        InvalidConfig: no theme has that name, or keys cannot be used as they are configured.
        AbiError: why the recording cannot be written or read.
    """
    chosen = options or DashboardConfig()
    check(chosen.keys)
    palette = choose(theme or chosen.theme, environ)
    shown = _settings(chosen, palette, screen, read_only, own)._replace(recorded=str(record or ""))
    if replay is not None:
        return _play(Path(replay), at, shown)
    way = Way(attach=attach, data_dir=data_dir, config=config, settings=settings, environ=environ)
    with ExitStack() as stack:
        stack.callback(way.leave)
        keep = _keeper(Path(record), chosen, stack) if record is not None else None
        feed = Feed(way.open, interval=chosen.interval, record=keep)
        return _show(feed, shown._replace(name=lambda: way.name))


def _settings(
    chosen: DashboardConfig,
    palette: Palette,
    screen: str | None,
    read_only: bool,
    own: tuple[Setting, ...],
) -> Settings:
    return Settings(
        palette=palette,
        screen=screen or "overview",
        read_only=read_only,
        interval=chosen.interval,
        keys=chosen.keys,
        export_dir=Path(chosen.export_dir),
        own=own,
    )


def _play(path: Path, at: float | None, shown: Settings) -> int:
    from abi_tui.dashboard.player import Player  # not at the start of every dashboard
    from abi_tui.recordings.reader import Recording

    recording = Recording(path)
    name = f"recording {path.name}"
    return _show(Player(recording, at=at), shown._replace(name=lambda: name, recording=str(path)))


def _keeper(path: Path, chosen: DashboardConfig, stack: ExitStack) -> Record:
    from abi_tui.dashboard.keeper import Keeper
    from abi_tui.recordings.writer import RecordingWriter

    writer = RecordingWriter(path, name="engine", interval=chosen.interval, size=chosen.record_size)
    stack.callback(writer.close)
    return Keeper(writer).take


def _show(feed: FeedApi, settings: Settings) -> int:
    dashboard = Dashboard(feed, settings)
    try:
        code = dashboard.run()
    finally:
        feed.close()
    defect = dashboard._exception  # the toolkit has no other name for it
    if defect is not None:
        raise defect
    return code or 0
