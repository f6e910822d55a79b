"""Request targets brought into one form, once, before anything looks at them.

Refuses what two readers could read differently. The path that comes out is what routes are matched
with *and* what the upstream is asked for, so both always mean the same thing:

- escapes of letters, digits and `-._~` are decoded, all others stay, in upper case: an encoded
  slash or backslash is data within a segment, and `%252e` is the text `%2e`, not a dot;
- repeated slashes are merged, then `.` and `..` are carried out;
- refused are climbing above the root, broken escapes, escaped control characters, bytes that are
  not UTF-8, raw backslashes, and what some servers take for `..`: `..;x` and `..%2Fx`.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PLAIN: Final = "".join(sorted(_UNRESERVED)).encode() + b"/!$&'()*+,=:@"
"""What may stand in a path as it is, but for `;` and `%`, which need a closer look."""

_HEX: Final = frozenset("0123456789abcdefABCDEF")
_ENCODED_SLASH: Final = re.compile("%2F|%5C")
_PARAMETERS: Final = re.compile(";|%3B")
_DOTS: Final = (".", "..")
_REFUSED: Final = frozenset('"#<>')
_ENCODED: Final = {mark: f"%{ord(mark):02X}" for mark in "^`{|}"}


class BadTarget(Exception):
    """A request target without a single meaning.

    Args:
        reason: one line, without text from outside.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def split_target(target: str) -> tuple[str, str]:
    """Cut a request target into the path and the query with its `?`, both as they came.

    Args:
        target: `/path?query`, or the same behind `http://host`.
    """
    if target[:1] != "/" and "://" in target:
        target = target.partition("://")[2]
        cut = min((at for mark in "/?" if (at := target.find(mark)) >= 0), default=len(target))
        target = target[cut:]
        if target[:1] != "/":
            target = "/" + target
    path, mark, query = target.partition("?")
    return path, mark + query


def normalise(path: str) -> str:
    """The one form of a path; a path in that form comes back as it is.

    Args:
        path: as it came, without its query.

    Raises:
        BadTarget: it has no single meaning.
    """
    if (
        path[:1] == "/"
        and path.isascii()
        and "//" not in path
        and "/." not in path
        and not path.encode().translate(None, _PLAIN)
    ):
        return path
    if path[:1] != "/":
        raise BadTarget("a path begins with /")
    _check_letters(path)
    if "\\" in path or "?" in path:
        raise BadTarget("a backslash or a question mark in a path is percent-encoded")
    return _resolve(_decode(path))


def check_query(query: str) -> None:
    """Refuse a query with characters that a request target may not have.

    Raises:
        BadTarget: it has one.
    """
    if query:
        _check_letters(query)


def decoded(segment: str) -> str:
    """What a segment of a normalised path says."""
    return unquote(segment) if "%" in segment else segment


def _check_letters(text: str) -> None:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise BadTarget("a space, a control character or a letter beyond ASCII in a target")
    if not _REFUSED.isdisjoint(text):
        raise BadTarget('one of " # < > in a target')


def _decode(path: str) -> str:
    """Every escape in its one form."""
    first, *rest = path.split("%")
    pieces = [first]
    escaped = bytearray()
    for piece in rest:
        digits = piece[:2]
        if len(digits) < 2 or not _HEX.issuperset(digits):
            raise BadTarget("a broken percent-escape")
        code = int(digits, 16)
        if code < 0x20 or code == 0x7F:
            raise BadTarget("an escaped control character")
        escaped.append(code)
        escaped += piece[2:].encode()
        letter = chr(code)
        pieces.append(letter if letter in _UNRESERVED else "%" + digits.upper())
        pieces.append(piece[2:])
    try:
        escaped.decode()
    except UnicodeDecodeError as error:
        raise BadTarget("the path is not UTF-8") from error
    path = "".join(pieces)
    for mark, escape in _ENCODED.items():
        path = path.replace(mark, escape)
    return path


def _resolve(path: str) -> str:
    """Without empty segments, `.` and `..`."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment not in _DOTS and _hides_dots(segment):
            raise BadTarget("a dot segment with parameters, or beside an encoded slash")
        if segment == "..":
            if not kept:
                raise BadTarget("the path climbs above the root")
            kept.pop()
        elif segment not in ("", "."):
            kept.append(segment)
    ending = "/" if kept and segments[-1] in ("", ".", "..") else ""
    return "/" + "/".join(kept) + ending


def _hides_dots(segment: str) -> bool:
    """Whether a server that decodes first, or cuts parameters off, would find `.` or `..` in it."""
    if "." not in segment:
        return False
    return any(_PARAMETERS.split(part, 1)[0] in _DOTS for part in _ENCODED_SLASH.split(segment))
