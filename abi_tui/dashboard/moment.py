"""One report with its parts read once, and the state of the screen that shows it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from abi_engine.features.gateway.api import GatewayReport
from abi_engine.system import Report
from abi_tui.views import numbers
from abi_tui.views.table import Cell, Tone


class State(StrEnum):
    """Of when the screen tells."""

    CONNECTING = "connecting"
    LIVE = "live"
    PAUSED = "paused"
    REPLAY = "replay"
    LOST = "lost"


class Moment(NamedTuple):
    """A report and the gateway's part of it, None where that does not run."""

    report: Report
    gateway: GatewayReport | None

    @classmethod
    def of(cls, report: Report) -> Moment:
        """Read a report."""
        return cls(report, report.of("gateway", GatewayReport))


def state_cell(state: State, at: datetime | None, newest: datetime | None, interval: float) -> Cell:
    """Live, paused, replay or lost, and of when.

    Args:
        state: which.
        at: the moment that is shown.
        newest: the newest moment that is known.
        interval: seconds between reports.
    """
    if state is State.LIVE:
        return Cell(f"LIVE {interval:g} s", Tone.STRONG)
    if at is None or state is State.CONNECTING:
        return Cell(state.upper(), Tone.BAD if state is State.LOST else Tone.DIM)
    words = f"{state.upper()} {numbers.clock(at)}"
    if state is State.REPLAY and newest is not None:
        words += f" −{numbers.span(max((newest - at).total_seconds(), 0.0))}"
    return Cell(words, Tone.BAD if state is State.LOST else Tone.WARN)


def recording_cell(at: datetime, speed: float) -> Cell:
    """Of when a recording tells, and how fast it is played; 0 means that it stands still."""
    pace = f"{speed:g}×" if speed else "still"
    return Cell(f"REPLAY {at.astimezone(UTC):%Y-%m-%d} {numbers.clock(at)} {pace}", Tone.WARN)
