"""Tables as each shell writes them. Refuses a word that could act: every one is quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from abi_tui.cli.completion import Case, Described


class Writer(NamedTuple):
    """How a shell has a table of replies, and one of words with what they do."""

    table: Callable[[Iterable[Case]], str]
    described: Callable[[Iterable[Described]], str]


def _by_reply(cases: Iterable[Case]) -> dict[str, list[str]]:
    """Rows with the same reply share one."""
    found: dict[str, list[str]] = {}
    for case in cases:
        found.setdefault(case.reply, []).append(case.word)
    return found


def _posix_table(cases: Iterable[Case]) -> str:
    return "\n".join(
        f"    {'|'.join(map(_posix_pattern, words))}) reply={_posix(reply)} ;;"
        for reply, words in _by_reply(cases).items()
    )


def _posix_described(tables: Iterable[Described]) -> str:
    """`name:what it does`, one a word, as zsh's `_describe` takes them."""
    return "\n".join(
        f"    {_posix_pattern(word)}) reply="
        f"{_posix(' '.join(_posix(f'{name}:{what}') for name, what in rows))} ;;"
        for word, rows in tables
    )


def _posix_pattern(word: str) -> str:
    """A word as a pattern of `case`: quoted, but for a star in front."""
    return f"*{_posix(word[1:])}" if word.startswith("*") else _posix(word)


def _posix(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_table(cases: Iterable[Case]) -> str:
    """A star in front acts within quotes too, as `case` of fish has it."""
    return "\n".join(
        f"        case {' '.join(map(_fish, words))}\n            echo {_fish(reply)}"
        for reply, words in _by_reply(cases).items()
    )


def _fish_described(tables: Iterable[Described]) -> str:
    lines = []
    for word, rows in tables:
        lines.append(f"        case {_fish(word)}\n            printf '%s\\t%s\\n' \\")
        pairs = [f"                {_fish(name)} {_fish(what)}" for name, what in rows]
        lines.append(" \\\n".join(pairs))
    return "\n".join(lines)


def _fish(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _powershell_table(cases: Iterable[Case]) -> str:
    return "\n".join(f"    {_powershell(word)} = {_powershell(reply)}" for word, reply in cases)


def _powershell_described(tables: Iterable[Described]) -> str:
    return "\n".join(
        f"    {_powershell(f'{word}|{name}')} = {_powershell(what)}"
        for word, rows in tables
        for name, what in rows
    )


def _powershell(text: str) -> str:
    """Within single quotes nothing acts; each of the five letters that end them is doubled."""
    for quote in "'\u2018\u2019\u201a\u201b":
        text = text.replace(quote, quote * 2)
    return f"'{text}'"


WRITERS = {
    "bash": Writer(_posix_table, _posix_described),
    "zsh": Writer(_posix_table, _posix_described),
    "fish": Writer(_fish_table, _fish_described),
    "powershell": Writer(_powershell_table, _powershell_described),
}
