"""What is written down of a request, and in which form: JSON, or the formats that NCSA httpd began.

Text from outside cannot end a field, nor a line: what could is written as an escape. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

import msgspec

from abi_engine.core.text import safe
from abi_engine.features.gateway.config import LogFormat

_TEXT_LIMIT: Final = 2048
_WORD: Final = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('"\\[]')
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)

Encode = Callable[["Iterable[Entry]"], bytes]


class Entry(msgspec.Struct, gc=False):
    """A line of the log. Text is as it came from outside, until it is written.

    Attributes:
        time: when the request was over; seconds since the epoch, until it is written.
        request_id, client, method, target: of the request.
        status, bytes_in, bytes_out, duration_ms: of the answer; bytes are of bodies.
        route, upstream: where it went.
        error: a word; empty where nothing went wrong.
        key: the name of the API key it came with; empty where it had none.
        trace_id: of its trace context; empty where there is none.
    """

    time: float | datetime
    request_id: str
    client: str
    method: str
    target: str
    status: int
    bytes_in: int
    bytes_out: int
    duration_ms: float
    route: str
    upstream: str
    error: str
    key: str = ""
    trace_id: str = ""


class NcsaEntry(Entry, gc=False):
    """What the other formats have beside: `referer` and `user_agent` are for `combined`."""

    http11: bool = True
    referer: str = ""
    user_agent: str = ""


def encoder(format_: LogFormat) -> Encode:
    """What makes lines of entries."""
    if format_ is LogFormat.JSON:
        return _json_lines(msgspec.json.Encoder())
    line = common_line if format_ is LogFormat.COMMON else combined_line
    return lambda entries: "".join(map(line, entries)).encode()


def _json_lines(encoder: msgspec.json.Encoder) -> Encode:
    return lambda entries: encoder.encode_lines([_made_safe(entry) for entry in entries])


def _made_safe(entry: Entry) -> Entry:
    if isinstance(entry.time, float):
        entry.time = datetime.fromtimestamp(entry.time, UTC)
    entry.target = safe(entry.target, limit=_TEXT_LIMIT)
    entry.duration_ms = int(entry.duration_ms * 1000 + 0.5) / 1000  # `round` costs five times that
    return entry


def common_line(entry: Entry) -> str:
    """The Common Log Format; the name of an API key stands where that of a user would."""
    return f"{_common(entry)}\n"


def combined_line(entry: Entry) -> str:
    """The same with `Referer` and `User-Agent`."""
    referer = user_agent = ""
    if isinstance(entry, NcsaEntry):
        referer, user_agent = entry.referer, entry.user_agent
    return f"{_common(entry)} {_quoted(referer)} {_quoted(user_agent)}\n"


def _common(entry: Entry) -> str:
    request = ""
    if entry.method:
        http11 = not isinstance(entry, NcsaEntry) or entry.http11
        request = f"{entry.method} {entry.target} HTTP/1.{int(http11)}"
    return (
        f"{_word(entry.client)} - {_word(entry.key)} [{_date(entry.time)}] {_quoted(request)} "
        f"{entry.status or '-'} {entry.bytes_out or '-'}"
    )


def _date(time: float | datetime) -> str:
    """Always in English, whatever the locale."""
    at = time if isinstance(time, datetime) else datetime.fromtimestamp(time, UTC)
    return at.strftime(f"%d/{_MONTHS[at.month - 1]}/%Y:%H:%M:%S +0000")


def _word(text: str) -> str:
    """A field without quotes: nothing in it ends it."""
    if not _WORD.issuperset(text):
        text = "".join(one if one in _WORD else _escape(one) for one in text)
    return text or "-"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _quoted(text: str) -> str:
    if not text:
        return '"-"'
    text = safe(text[:_TEXT_LIMIT].replace("\\", "\\\\")).replace('"', '\\"')
    return f'"{text}"'
