"""When: live, paused, or at a moment of the past."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from abi_engine.core.errors import NotFound
from abi_engine.system import Report
from abi_tui.dashboard.feed import (
    FILL_S,
    Answered,
    Arrived,
    Failed,
    Lost,
    Played,
    Remembered,
    Unrecorded,
    first_after,
    past,
)
from abi_tui.dashboard.history import History, Point
from abi_tui.dashboard.journey import Journey
from abi_tui.dashboard.moment import Moment, State
from abi_tui.dashboard.tail import Logged
from abi_tui.views import overview

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi

A_MOMENT = 0.001
AWAY_INTERVAL = 5.0


class Rewind(Journey):
    """Following the engine, holding still, and going back."""

    def on_core_told(self, message: Journey.Told) -> None:
        """Take up the news."""
        match message.news:
            case Arrived(report, answer):
                self._arrived(report, answer)
            case Remembered(points, anew):
                self.history = History() if anew else self.history
                self._remembered(points)
            case Lost(error):
                self.lost = error
                self._enter(State.LOST if self.moment else State.CONNECTING)
            case Answered(then, value):
                then(value)
            case Failed(error):
                self.say_error(error)
            case Logged():
                if self.page is not None and self.state is not State.PAUSED:
                    self.page.hear(message.news)
            case Unrecorded(error):
                self.unrecorded = error
                self.say_error(error)
            case Played(report, speed):
                self._played(report, speed)

    def _arrived(self, report: Report, answer: object) -> None:
        if self.state in (State.PAUSED, State.REPLAY):
            return
        self.state, self.lost = State.LIVE, None
        self.moment = moment = Moment.of(report)
        self.newest = report.at
        values = overview.values(overview.tiles(moment.gateway))
        self.history.add((Point(report.at.timestamp(), values),))
        if self.page is not None:
            self.page.show(answer)
            self.feed.set_query(self.page.asks())
            if answer is None:
                self.ask_page()

    def _played(self, report: Report, speed: float) -> None:
        """A report out of a recording."""

    def _remembered(self, points: tuple[Point, ...]) -> None:
        self.history.add(points)
        if self.page is not None:
            self.page.show()

    def _enter(self, state: State) -> None:
        self.state = state
        if self.page is not None:
            self.page.show()

    def action_pause(self) -> None:
        """Hold still, or go on."""
        if self.state in (State.PAUSED, State.REPLAY):
            self.action_live()
        elif self.moment is not None:
            self.feed.pause()
            self._enter(State.PAUSED)

    def action_live(self) -> None:
        """Back to now."""
        if self.state in (State.PAUSED, State.REPLAY):
            self.feed.resume()
            self._enter(State.LIVE)

    def leave_past(self) -> bool:
        """Back to now; tell whether one was in the past."""
        past_shown = self.replaying
        if past_shown:
            self.action_live()
        return past_shown

    def action_rewind(self, seconds: int) -> None:
        """A report, or many seconds, back or forward."""
        moment = self.moment
        if moment is None:
            self.say("nothing to go back to yet")
        elif seconds > 0 and self.state is State.LIVE:
            self.say("this is now")
        else:
            shown = moment.report
            self.feed.ask(lambda engine: _neighbour(engine, shown, seconds), self._replay)

    def seek(self, at: datetime) -> None:
        """Move the whole screen to the first report after something happened."""
        self.feed.ask(lambda engine: first_after(engine, at.timestamp()), self._replay)

    def _replay(self, report: Report | None) -> None:
        if report is None or (self.newest is not None and report.at >= self.newest):
            self.action_live()
            self.say("this is now")
            return
        self.feed.pause()
        self.moment = Moment.of(report)
        until = report.at.timestamp()
        first = self.history.first()
        if first is None or first > until - FILL_S:
            self.feed.ask(lambda engine: _points(engine, until), self._remembered)
        self._enter(State.REPLAY)

    def watch_app_focus(self, focused: bool) -> None:
        """Out of focus, one refresh in five seconds is enough."""
        slow = max(AWAY_INTERVAL, self.settings.interval)
        self.interval = self.settings.interval if focused else slow
        self.feed.set_interval(self.interval)


def _neighbour(engine: EngineApi, shown: Report, seconds: int) -> Report | None:
    """The report before or after one, or that many seconds away; None where that is now."""
    at = shown.at.timestamp()
    if seconds == -1:
        return engine.system.report(at=at - A_MOMENT)
    if seconds == 1:
        return first_after(engine, at + A_MOMENT)
    try:
        return engine.system.report(at=at + seconds)
    except NotFound:  # less than that is kept: the oldest there is
        return first_after(engine, 0.0)


def _points(engine: EngineApi, until: float) -> tuple[Point, ...]:
    return tuple(point for points in past(engine, until - FILL_S, until) for point in points)
