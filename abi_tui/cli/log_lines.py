"""Lines of the log, those that were and those to come. Refuses to hide that some were lost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from abi_engine.core.errors import EngineNotRunning
from abi_engine.system import LogLine
from abi_tui.cli import session, watching
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer, show
from abi_tui.views.logs import log_row, logs_table
from abi_tui.views.numbers import counted

SHOWN = 200
MOST = 10_000
BEFORE = 10
WIDTHS = (8, 7, 16, 0)
FILE = "engine.log"
LEVELS = ("debug", "info", "warning", "error", "critical")


class Wanted(NamedTuple):
    """Which lines.

    Attributes:
        level: the least of `LEVELS`, by its place; since: a moment, seconds since the epoch.
        logger: a part of the engine, and what is below it; words: a text within the message.
    """

    level: int = 0
    since: float = 0.0
    logger: str = ""
    words: str = ""

    @classmethod
    def of(
        cls, level: str | None, since: float | None, logger: str | None, words: str | None
    ) -> Wanted:
        """What the flags say; a negative `since` is seconds ago."""
        ago = since is not None and since < 0
        moment = (since or 0.0) + (time.time() if ago else 0.0)
        least = LEVELS.index(level) if level else 0
        return cls(least, moment, logger or "", (words or "").casefold())

    @property
    def everything(self) -> bool:
        """Whether no line is left out."""
        return self == Wanted()

    def has(self, line: LogLine) -> bool:
        """Whether a line is among them; one of a level that is not known always is."""
        level = line.level.lower()
        return (
            (level not in LEVELS or LEVELS.index(level) >= self.level)
            and line.at.timestamp() >= self.since
            and (not self.logger or f"{line.logger}.".startswith(f"{self.logger}."))
            and self.words in line.message.casefold()
        )


def show_logs(invocation: Invocation, wanted: Wanted, *, follow: bool) -> None:
    """The newest lines that are wanted, oldest first; with `follow` those to come as well.

    Without an engine the lines are those that the last one left in its file.

    Raises:
        EngineNotRunning: no engine runs, and none has left a log.
    """
    count = invocation.limit or (SHOWN if invocation.format is Format.TABLE else MOST)
    try:
        client = session.client(invocation)
    except EngineNotRunning:
        if follow or invocation.attach is not None:
            raise
        _show(invocation, _left(invocation, wanted, count), count)
        return
    with client:
        if not follow:
            # What is left out is not known before it is seen: all lines, where some are.
            asked = count + 1 if wanted.everything else MOST
            _show(invocation, _chosen(client.system.logs(limit=asked), wanted), count)
            return
        with client.system.watch_logs() as stream:
            asked = invocation.limit or BEFORE
            kept = client.system.logs(limit=asked if wanted.everything else MOST)
            before = _chosen(kept, wanted)[-asked:]
            watching.each(invocation, before, log_row, WIDTHS, lambda: 0)
            watching.each(
                invocation,
                _after(stream, kept[-1].at if kept else None, wanted),
                log_row,
                WIDTHS,
                lambda: stream.lagged,
                header=not before,
            )


def _chosen(lines: Iterable[LogLine], wanted: Wanted) -> tuple[LogLine, ...]:
    return tuple(line for line in lines if wanted.has(line))


def _after(stream: Iterable[LogLine], last: datetime | None, wanted: Wanted) -> Iterator[LogLine]:
    """The lines that come, without those that were shown before."""
    return (line for line in stream if (last is None or line.at > last) and wanted.has(line))


def _show(invocation: Invocation, lines: tuple[LogLine, ...], count: int) -> None:
    rows = lines[-count:]
    more = f"the newest {count} shown: --limit shows more" if len(lines) > count else ""
    show(
        invocation,
        Answer("engine.logs/1", rows, logs_table(rows), datetime.now(UTC), more=more),
    )


def _left(invocation: Invocation, wanted: Wanted, count: int) -> tuple[LogLine, ...]:
    """The last lines of the file that an engine has left."""
    path = session.data_dir(invocation) / FILE
    try:
        text = path.read_bytes()
    except OSError as error:
        where = session.data_dir(invocation)
        message = f"no engine runs on {where}, and none has left a log"
        raise EngineNotRunning(message, hint="abi serve") from error
    invocation.note(f"no engine runs; what the last one wrote into {path}")
    decode = msgspec.json.Decoder(LogLine).decode
    found: list[LogLine] = []
    unread = 0
    for line in reversed(text.splitlines()):
        try:
            read = decode(line)
        except msgspec.MsgspecError:  # half a line: the machine stopped in the middle of it
            unread += 1
            continue
        if wanted.has(read):
            found.append(read)
        if len(found) > count:
            break
    if unread:
        invocation.warn(f"{counted(unread, 'line')} of {path} cannot be read")
    return tuple(reversed(found))
