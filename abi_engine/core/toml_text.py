"""Writes plain values as TOML. Refuses what TOML has no word for, such as `None`.

For files that the engine writes as a whole; comments and order of a file that people write are kept
by tomlkit, which takes a hundred times as long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED: Final = re.compile(r'[\x00-\x1f\x7f"\\]')
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def table_of_list(name: str, table: Mapping[str, object]) -> str:
    """One `[[name]]`, with deeper tables as dotted keys.

    Raises:
        TypeError: a value that TOML has no word for.
    """
    return "".join((f"[[{key_text(name)}]]\n", *(f"{line}\n" for line in _lines(table, ""))))


def value_text(value: object) -> str:
    """A value as it stands behind the equals sign.

    Raises:
        TypeError: TOML has no word for it.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{_ESCAPED.sub(_escape, value)}"'
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(value_text, value))}]"
    if isinstance(value, Mapping):
        pairs = (f"{key_text(key)} = {value_text(one)}" for key, one in value.items())
        return f"{{{', '.join(pairs)}}}"
    message = f"TOML has no word for {value!r}"
    raise TypeError(message)


def key_text(key: str) -> str:
    """A word of a key, in quotes where it needs them."""
    return key if _BARE_KEY.fullmatch(key) else value_text(key)


def _lines(table: Mapping[str, object], prefix: str) -> Iterator[str]:
    for key, value in table.items():
        name = prefix + key_text(key)
        if isinstance(value, Mapping) and value:
            yield from _lines(value, f"{name}.")
        else:
            yield f"{name} = {value_text(value)}"


def _escape(found: re.Match[str]) -> str:
    letter = found[0]
    return _SHORT.get(letter) or f"\\u{ord(letter):04x}"
