"""When, where a recording is shown: it plays, stands still, and goes anywhere in its own time."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from abi_engine.system import Report
from abi_tui.dashboard.history import Point
from abi_tui.dashboard.moment import Moment, State
from abi_tui.dashboard.rewind import Rewind
from abi_tui.views import overview

if TYPE_CHECKING:
    from abi_tui.dashboard.player import Player


class Playback(Rewind):
    """What the keys of time do to a recording; without one they do as before."""

    @property
    def player(self) -> Player | None:
        """What plays the recording; None where an engine is followed."""
        return cast("Player", self.feed) if self.settings.recording else None

    def _played(self, report: Report, speed: float) -> None:
        self.state, self.lost, self.speed = State.REPLAY, None, speed
        self.moment = moment = Moment.of(report)
        values = overview.values(overview.tiles(moment.gateway))
        self.history.add((Point(report.at.timestamp(), values),))
        if self.page is not None:
            self.page.show()

    def action_pause(self) -> None:
        """Hold still, or go on."""
        player = self.player
        if player is None:
            super().action_pause()
        elif player.playing:
            player.pause()
        else:
            player.resume()

    def action_live(self) -> None:
        """Back to now, which a recording does not have."""
        if self.player is None:
            super().action_live()
        else:
            self.say("a recording has no now")

    def leave_past(self) -> bool:
        """Back to now; of a recording nothing else is there to be shown."""
        return self.player is None and super().leave_past()

    def action_rewind(self, seconds: int) -> None:
        """A report, or many seconds, back or forward."""
        if self.player is None:
            super().action_rewind(seconds)
        else:
            self.player.move(seconds)

    def seek(self, at: datetime) -> None:
        """Move the whole screen to the first report after something happened."""
        if self.player is None:
            super().seek(at)
        else:
            self.player.seek(at.timestamp())

    def action_speed(self, steps: int) -> None:
        """Play a recording faster or more slowly."""
        if self.player is None:
            self.say("only a recording is played: abi dashboard --replay FILE")
        else:
            self.say(f"{self.player.change_speed(steps):g} seconds of the recording in one")
