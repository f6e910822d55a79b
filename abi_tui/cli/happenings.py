"""Events, those that were and those to come. Refuses to hide that some were lost."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from abi_engine.service.client import Client
from abi_tui.cli import session, watching
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer, show
from abi_tui.views.events import event_row, events_table

EVENTS_SHOWN = 50
MOST = 10_000
EVENT_WIDTHS = (8, 8, 0)


def show_events(
    invocation: Invocation, source: str | None, *, follow: bool, at: float | None
) -> None:
    """Events, newest first; with `follow` those to come as well, oldest first.

    Raises:
        EngineNotRunning: no engine runs, so nothing happens.
    """
    if follow and at is not None:
        message = "--at and --follow exclude each other: the past does not go on"
        raise click.UsageError(message)
    with session.running(invocation) as engine:
        if not follow:
            show(invocation, _events(invocation, engine, source, at))
            return
        with engine.system.watch_events(source=source) as stream:
            before = engine.system.events(limit=invocation.limit or 10, source=source)
            last = before[0].id if before else 0
            old = list(reversed(before))
            new = (event for event in stream if event.id > last)
            watching.each(invocation, old, event_row, EVENT_WIDTHS, lambda: 0)
            watching.each(
                invocation, new, event_row, EVENT_WIDTHS, lambda: stream.lagged, header=not old
            )


def _events(invocation: Invocation, engine: Client, source: str | None, at: float | None) -> Answer:
    wanted = invocation.limit or (EVENTS_SHOWN if invocation.format is Format.TABLE else MOST)
    moment = datetime.now(UTC)
    if at is None:
        found = engine.system.events(limit=wanted + 1, source=source)
    else:
        report = engine.system.report(at=at)
        moment = report.at
        found = tuple(one for one in report.events if source in (None, one.source))
    rows = found[:wanted]
    more = f"the newest {wanted} shown: --limit shows more" if len(found) > wanted else ""
    return Answer("engine.events/1", rows, events_table(rows), moment, more=more)
