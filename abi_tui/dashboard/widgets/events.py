"""What happened, newest first; Enter on one moves the whole screen to that moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from abi_engine.core.events import Event
from abi_tui.dashboard.widgets.whole_list import WholeListPane
from abi_tui.views.events import events_table
from abi_tui.views.table import Cell, Tone


class EventsPane(WholeListPane):
    """The newest events.

    Args:
        place: as the plan knows it.
        headed: whether it has a header line.
    """

    footer: ClassVar[tuple[str, ...]] = ("open", "filter")
    help_text = (
        "What happened in the engine, newest first. Enter on an event moves the whole screen to "
        "that moment; L comes back to now."
    )
    same_as = "abi events"

    def __init__(self, *, place: str, headed: bool = False) -> None:
        super().__init__(
            place=place, title="events", flexible="message", headed=headed, follow=False
        )

    def show(self, events: Sequence[Event]) -> None:
        """Show these, newest first."""
        table = events_table(events)
        self.take(table._replace(rows=tuple(map(_calm, table.rows))), events)


def _calm(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """How bad it is is told by the word in front, not by the whole line."""
    at, source, message = row
    return at, source._replace(tone=message.tone), message._replace(tone=Tone.PLAIN)
