"""Headers as they are typed: `Name: value`, or `@FILE` with one a line, so that a secret need not
be on a command line. Refuses to repeat a value in what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from abi_engine.core.text import safe


def read_headers(given: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Names and values, in order.

    Raises:
        UsageError: a line has no colon, or a file cannot be read.
    """
    return tuple(_pair(line) for text in given for line in _lines(text))


def _lines(text: str) -> Iterator[str]:
    if not text.startswith("@"):
        yield text
        return
    try:
        lines = Path(text[1:]).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise _refused(f"cannot read headers from {safe(text[1:])}: {reason}") from error
    yield from filter(str.strip, lines)


def _pair(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise _refused("a header is written 'Name: value', or @FILE with one a line")
    return name.strip(), value.strip()


def _refused(message: str) -> click.UsageError:
    return click.UsageError(message, click.get_current_context(silent=True))
