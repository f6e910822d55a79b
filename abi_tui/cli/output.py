"""The answer on stdout, in the format that was asked for; what was cut is said on stderr.

Refuses to let the terminal choose the format: it decides on colours alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import click

from abi_engine.core.text import safe
from abi_tui.cli.columns import Writer
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.views.detail import Detail
from abi_tui.views.table import Table


class Answer(NamedTuple):
    """What a command has to say.

    Attributes:
        schema: the name and number of the form of `data`, such as `gateway.routes/1`.
        data: a list for a table, else one object: structs, or plain values.
        view: the same for people.
        at: the moment that it tells of; None means now.
        total: how many rows there are in all; None where that is not known.
        more: what to say where there is more and `total` is not known.
    """

    schema: str
    data: Any
    view: Table | Detail
    at: datetime | None = None
    total: int | None = None
    more: str = ""

    @property
    def rows(self) -> Sequence[Any]:
        """The objects, one for each line of JSON or CSV."""
        return self.data if isinstance(self.data, (list, tuple)) else (self.data,)


def show(invocation: Invocation, answer: Answer) -> None:
    """Write an answer, then say what is not in it.

    Raises:
        BrokenPipeError: nobody reads stdout any more.
    """
    match invocation.format:
        case Format.JSON:
            write(document(answer) + "\n")
        case Format.JSONL:
            write("".join(line(row) + "\n" for row in answer.rows))
        case Format.CSV:
            write(as_csv(answer.rows))
        case _:
            _show_view(invocation, answer.view)
    _say_what_is_missing(invocation, answer)


def write(text: str) -> None:
    """Text on stdout, at once.

    Raises:
        BrokenPipeError: nobody reads it any more.
        ClickException: it cannot be written.
    """
    if sys.stdout is None:
        message = "cannot write the answer: stdout is closed"
        raise click.ClickException(message)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        message = f"cannot write the answer: {error.strerror}"
        raise click.ClickException(message) from error


def document(answer: Answer, *, indent: int | None = 2) -> str:
    """One JSON document: schema, moment, data."""
    at = moment(answer.at or datetime.now(UTC))
    whole = {"schema": f"abi.{answer.schema}", "at": at, "data": plain(answer.data)}
    return _visible(json.dumps(whole, ensure_ascii=False, indent=indent))


def line(row: Any) -> str:
    """One object on one line."""
    return _visible(json.dumps(plain(row), ensure_ascii=False, separators=(",", ":")))


def as_csv(rows: Iterable[Any]) -> str:
    """A header of dotted names, and the rows; lists are JSON within their cell."""
    import csv
    import io

    flat = [dict(flatten(plain(row))) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    if names:
        writer.writeheader()
        writer.writerows(flat)
    return text.getvalue()


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, object]]:
    """(dotted name, cell) of everything in an object."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from flatten(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple, Mapping)):
        yield name, _visible(json.dumps(value, ensure_ascii=False))
    elif isinstance(value, bool):
        yield name, str(value).lower()
    else:
        yield name, safe(value) if isinstance(value, str) else value


def plain(data: Any) -> Any:
    """Structs as plain values; times in RFC 3339, bytes in base64."""
    if "msgspec" not in sys.modules:  # then there is no struct either
        return data
    import msgspec

    return msgspec.to_builtins(data)


def moment(at: datetime) -> str:
    """A time in RFC 3339, UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _show_view(invocation: Invocation, view: Table | Detail) -> None:
    writer = Writer(color=invocation.colored(sys.stdout), cut=invocation.format is not Format.PLAIN)
    write("".join(text + "\n" for text in writer.lines(view)))
    if writer.was_cut:
        invocation.note("some texts are cut: --plain shows them whole")


def _say_what_is_missing(invocation: Invocation, answer: Answer) -> None:
    shown = len(answer.rows)
    if answer.total is not None and answer.total > shown:
        invocation.note(f"{shown} of {answer.total} shown: --limit {answer.total} shows the rest")
    elif answer.more:
        invocation.note(answer.more)
    if isinstance(answer.view, Table) and not answer.view.rows and answer.view.empty:
        invocation.note(answer.view.empty)


def _visible(text: str) -> str:
    """JSON in which nothing acts on a terminal: what `safe` escapes is escaped in JSON's way."""
    if text.isascii() and "\x7f" not in text:
        return text
    acting = (letter for letter in set(text) - {"\n"} if safe(letter) != letter)
    return text.translate({ord(letter): _escape(letter) for letter in acting})


def _escape(letter: str) -> str:
    """A character as JSON escapes it: two halves of a surrogate pair beyond the first 65 536."""
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
