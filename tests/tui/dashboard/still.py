"""A dashboard that stands still: no threads, no timers; whatever it asks is answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from abi_engine.core.errors import AbiError
from abi_engine.system import LogLine
from abi_tui.dashboard.app import Dashboard
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.feed import (
    Answered,
    Arrived,
    Failed,
    Lost,
    News,
    Query,
    Remembered,
    point,
)
from abi_tui.dashboard.paint import Line
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.tail import Logged
from tests.tui.dashboard.canned import CannedEngine


class StillFeed:
    """A feed that tells what a test says, and records what it was told."""

    def __init__(self, engine: CannedEngine) -> None:
        self.engine = engine
        self.query: Query | None = None
        self.said: list[tuple[str, object]] = []
        self.tailing = False
        self._sink: Callable[[News], None] = lambda _: None

    def start(self, sink: Callable[[News], None]) -> None:
        self._sink = sink
        if self.engine.lost is not None:
            sink(Lost(self.engine.lost))
            return
        if self.engine.kept:
            sink(Remembered(tuple(map(point, self.engine.kept))))
        if self.tailing:
            sink(Logged(self.engine.system.logs()))
        self.tell()

    def tell(self) -> None:
        """The engine's report of now, as the stream would bring it."""
        answer = None
        if self.query is not None:
            try:
                answer = self.query(self.engine)
            except AbiError:
                answer = None
        self._sink(Arrived(self.engine.now, answer))

    def lose(self, error: AbiError) -> None:
        """The stream ended."""
        self._sink(Lost(error))

    def close(self, deadline: float = 0.0) -> None:
        self.said.append(("close", None))

    def pause(self) -> None:
        self.said.append(("pause", None))

    def resume(self) -> None:
        self.said.append(("resume", None))
        self.tell()

    def set_interval(self, seconds: float) -> None:
        self.said.append(("interval", seconds))

    def set_query(self, query: Query | None) -> None:
        self.query = query

    def tail(self, wanted: bool) -> None:
        self.said.append(("tail", wanted))
        if wanted and not self.tailing and self.engine.lost is None:
            self._sink(Logged(self.engine.system.logs()))
        self.tailing = wanted

    def log(self, *lines: LogLine, lost: int = 0) -> None:
        """New lines of the log."""
        if self.tailing:
            self._sink(Logged(lines, lost))

    def ask(self, call: Query, then: Callable[[Any], None]) -> None:
        self.run(lambda: call(self.engine), then)

    def run(self, call: Callable[[], object], then: Callable[[Any], None]) -> None:
        try:
            self._sink(Answered(then, call()))
        except AbiError as error:
            self._sink(Failed(error))


class Still:
    """A dashboard, its pilot, its engine and its feed."""

    def __init__(self, app: Dashboard, pilot: Pilot[int], feed: StillFeed) -> None:
        self.app = app
        self.pilot = pilot
        self.feed = feed
        self.engine = feed.engine

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until everything they cause has happened."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        for _ in range(200):
            await self.pilot.pause()
            screen = self.app.screen
            layout = screen._layout_required or any(w._layout_required for w in screen.query("*"))
            if not (layout or screen._repaint_required or screen._dirty_widgets):
                return
            await asyncio.sleep(0.01)
        raise AssertionError("the dashboard does not come to rest")

    async def tell(self) -> None:
        """Another report."""
        self.feed.tell()
        await self.settle()

    @property
    def page(self) -> Page:
        page = self.app.page
        assert page is not None
        return page

    @property
    def top(self) -> str:
        """The line at the top."""
        return text_of(self.page.top.lines)

    @property
    def foot(self) -> str:
        """The line at the bottom."""
        return text_of(self.page.foot.lines)

    @property
    def text(self) -> str:
        """The whole screen, as a terminal has it."""
        return screen_text(self.app)


def text_of(lines: tuple[Line, ...]) -> str:
    """Lines as plain text."""
    return "\n".join("".join(piece.text for piece in line).rstrip() for line in lines)


def screen_text(app: Dashboard) -> str:
    """What is on the screen, modal screens included, blanks at the ends of lines left out."""
    from textual._context import visible_screen_stack

    token = visible_screen_stack.set(app._background_screens)
    try:
        strips = app.screen._compositor.render_strips()
    finally:
        visible_screen_stack.reset(token)
    return "\n".join(strip.text.rstrip() for strip in strips) + "\n"


@asynccontextmanager
async def still(
    engine: CannedEngine | None = None,
    *,
    size: tuple[int, int] = (120, 40),
    settings: Settings | None = None,
) -> AsyncIterator[Still]:
    """A dashboard on a canned engine, shown and at rest."""
    feed = StillFeed(engine or CannedEngine())
    app = Dashboard(feed, settings or Settings())
    async with app.run_test(size=size) as pilot:
        shown = Still(app, pilot, feed)
        await shown.settle()
        await shown.tell() if feed.engine.lost is None else await shown.settle()
        yield shown
