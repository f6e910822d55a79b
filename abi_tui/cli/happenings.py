"""Events and log lines, those that were and those to come. Refuses to hide that some were lost."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from abi_engine.core.errors import EngineNotRunning
from abi_engine.service.client import Client
from abi_engine.system import LogLine
from abi_tui.cli import session, watching
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer, show
from abi_tui.views.events import event_row, events_table
from abi_tui.views.logs import log_row, logs_table
from abi_tui.views.numbers import counted

EVENTS_SHOWN = 50
LINES_SHOWN = 200
MOST = 10_000
EVENT_WIDTHS = (8, 8, 0)
LOG_WIDTHS = (8, 7, 16, 0)
LOG_FILE = "engine.log"


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


def show_logs(invocation: Invocation, *, follow: bool) -> None:
    """The newest lines of the log, oldest first; with `follow` those to come as well.

    Without an engine the lines are those that the last one left in its file.

    Raises:
        EngineNotRunning: no engine runs, and none has left a log.
    """
    wanted = invocation.limit or (LINES_SHOWN if invocation.format is Format.TABLE else MOST)
    try:
        client = session.client(invocation)
    except EngineNotRunning:
        if follow or invocation.attach is not None:
            raise
        lines = _left_lines(invocation, wanted + 1)
        _show_lines(invocation, lines, wanted)
        return
    with client:
        if not follow:
            _show_lines(invocation, client.system.logs(limit=wanted + 1), wanted)
            return
        with client.system.watch_logs() as stream:
            before = client.system.logs(limit=invocation.limit or 10)
            watching.each(invocation, before, log_row, LOG_WIDTHS, lambda: 0)
            new = (line for line in stream if not before or line.at > before[-1].at)
            watching.each(
                invocation, new, log_row, LOG_WIDTHS, lambda: stream.lagged, header=not before
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


def _show_lines(invocation: Invocation, lines: tuple[LogLine, ...], wanted: int) -> None:
    rows = lines[-wanted:]
    more = f"the newest {wanted} shown: --limit shows more" if len(lines) > wanted else ""
    show(invocation, Answer("engine.logs/1", rows, logs_table(rows), more=more))


def _left_lines(invocation: Invocation, limit: int) -> tuple[LogLine, ...]:
    """The last lines of the file that an engine has left."""
    import msgspec

    path = session.data_dir(invocation) / LOG_FILE
    try:
        text = path.read_bytes()
    except OSError as error:
        where = session.data_dir(invocation)
        message = f"no engine runs on {where}, and none has left a log"
        raise EngineNotRunning(message, hint="abi serve") from error
    invocation.note(f"no engine runs; what the last one wrote into {path}")
    decode = msgspec.json.Decoder(LogLine).decode
    found = []
    unread = 0
    for line in text.splitlines()[-limit:]:
        try:
            found.append(decode(line))
        except msgspec.MsgspecError:  # half a line: the machine stopped in the middle of it
            unread += 1
    if unread:
        invocation.warn(f"{counted(unread, 'line')} of {path} cannot be read")
    return tuple(found)
