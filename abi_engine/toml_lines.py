"""On which line a key of a TOML text stands. Refuses to parse: `tomllib` does that."""

from __future__ import annotations

from collections.abc import Mapping

Key = tuple[str | int, ...]


def dotted(key: Key) -> str:
    """A key as people write it: `gateway.routes[0].path`."""
    text = ""
    for word in key:
        text += f"[{word}]" if isinstance(word, int) else f".{word}" if text else word
    return text


def lines_of_keys(text: str) -> dict[Key, int]:
    """The line, from 1, of every table header and of every key at the start of a line.

    Tables within a line and keys within a text of several lines are not told apart; what is looked
    up there gets the line of the nearest key above.
    """
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("[["):
            plain = _resolve(_words(line[2:].partition("]]")[0]), counts)
            counts[plain] = counts.get(plain, -1) + 1
            table = (*plain, counts[plain])
            lines.setdefault(plain, number)
            lines.setdefault(table, number)
        elif line.startswith("["):
            table = _resolve(_words(line[1:].partition("]")[0]), counts)
            lines.setdefault(table, number)
        elif "=" in line and not line.startswith("#"):
            lines.setdefault((*table, *_words(line.partition("=")[0])), number)
    return lines


def line_of(lines: Mapping[Key, int], key: Key) -> int:
    """The line of `key`, or of the nearest thing around it; 1 where nothing is known."""
    while key:
        if key in lines:
            return lines[key]
        key = key[:-1]
    return 1


def _words(text: str) -> Key:
    words: list[str] = []
    word, quote = "", ""
    for letter in text.strip():
        if quote:
            if letter == quote:
                quote = ""
            else:
                word += letter
        elif letter in "\"'":
            quote = letter
        elif letter == ".":
            words.append(word.strip())
            word = ""
        else:
            word += letter
    return (*words, word.strip())


def _resolve(words: Key, counts: Mapping[Key, int]) -> Key:
    """Within an array of tables a header means the last table of it."""
    resolved: Key = ()
    for position, word in enumerate(words):
        resolved = (*resolved, word)
        if resolved in counts and position < len(words) - 1:
            resolved = (*resolved, counts[resolved])
    return resolved
