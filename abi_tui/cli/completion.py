"""Writes the completion scripts from the command tree. Refuses to run `abi` for what is static.

A script holds a few tables over the words before: the commands of a group, the options of a
command, the values of an option, the values of an argument. Values that only `abi` itself knows are
asked for with `abi completions values KIND`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any, NamedTuple

from abi_tui.cli import completion_tables, topics

SHELLS = ("bash", "zsh", "fish", "powershell")
TEMPLATES = {"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "ps1"}
MARK = "written by: abi completions"

PLACES = {"FILE", "DIR", "SOCKET"}
FILES = "@files"
UNKNOWN = "-"


class Case(NamedTuple):
    """A row of a table: the words before, and what may follow them.

    Attributes:
        word: the key: a path of commands, or `PATH|OPTION`, or `PATH|INDEX`.
        reply: words with a space between; `@KIND` for live values, `@KIND+` where the argument
            before is handed on, `@files`, or `-` where a value follows of which nothing is known.
    """

    word: str
    reply: str


class Described(NamedTuple):
    """A row of a table for shells that say what each word does."""

    word: str
    rows: tuple[tuple[str, str], ...]


def script(shell: str, tree: Mapping[str, Any]) -> str:
    """The script for a shell.

    Args:
        shell: one of `SHELLS`.
        tree: as `tree.described_tree` gives it.
    """
    template = files("abi_tui.cli") / "shells" / f"completion.{TEMPLATES[shell]}"
    text = template.read_text(encoding="utf-8")
    write = completion_tables.WRITERS[shell]
    for name, rows in _tables(tree).items():
        text = text.replace(f"@{name}@", write.table(rows))
    for name, described in _described_tables(tree).items():
        text = text.replace(f"@{name}@", write.described(described))
    return text.replace("@SHARED@", _words(_shared_flags(tree)))


def _tables(tree: Mapping[str, Any]) -> dict[str, tuple[Case, ...]]:
    shared = tree["shared_options"]
    return {
        "ALIASES": tuple(_aliases(tree)),
        "COMMANDS": tuple(_commands(tree)),
        "OPTIONS": tuple(_options(tree)),
        "VALUES": (*_values(tree), *_values_of("*", shared)),
        "ARGUMENTS": tuple(_arguments(tree)),
    }


def _described_tables(tree: Mapping[str, Any]) -> dict[str, tuple[Described, ...]]:
    return {
        "DESCRIPTIONS": tuple(_each(tree, "commands", _described_command)),
        "FLAGS": tuple(_each(tree, "options", _described_option)),
        "SHARED_FLAGS": (Described("*", tuple(_rows(tree["shared_options"], _described_option))),),
    }


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("commands", ()):
        yield from _nodes(child)


def _path(node: Mapping[str, Any]) -> str:
    return " ".join(node["path"])


def _commands(tree: Mapping[str, Any]) -> Iterator[Case]:
    for node in _nodes(tree):
        if "commands" in node:
            yield Case(_path(node), _words(child["path"][-1] for child in node["commands"]))
    names = dict.fromkeys((*(child["path"][-1] for child in tree["commands"]), *topics.NAMES))
    yield Case("help", _words(names))


def _aliases(tree: Mapping[str, Any]) -> Iterator[Case]:
    for child in tree["commands"]:
        for alias in child.get("aliases", ()):
            yield Case(alias, child["path"][-1])


def _options(tree: Mapping[str, Any]) -> Iterator[Case]:
    for node in _nodes(tree):
        flags = [flag for one in node["options"] for flag in one["flags"]]
        if flags:
            yield Case(_path(node), _words(flags))


def _shared_flags(tree: Mapping[str, Any]) -> list[str]:
    return ["-h", "--help", *(flag for one in tree["shared_options"] for flag in one["flags"])]


def _values(tree: Mapping[str, Any]) -> Iterator[Case]:
    for node in _nodes(tree):
        yield from _values_of(_path(node), node["options"])


def _values_of(path: str, options: Iterable[Mapping[str, Any]]) -> Iterator[Case]:
    """What may follow the options that take a value."""
    for one in options:
        if not one["value"]:
            continue
        known = _words(one["choices"]) or (f"@{one['live']}" if one["live"] else UNKNOWN)
        reply = FILES if one["value"] in PLACES else known
        for flag in one["flags"]:
            yield Case(f"{path}|{flag}", reply)


def _arguments(tree: Mapping[str, Any]) -> Iterator[Case]:
    for node in _nodes(tree):
        for index, one in enumerate(node["arguments"]):
            if one["choices"]:
                yield Case(f"{_path(node)}|{index}", _words(one["choices"]))
            elif one["live"]:
                yield Case(f"{_path(node)}|{index}", f"@{one['live']}")
            elif one["name"] in PLACES:
                yield Case(f"{_path(node)}|{index}", FILES)


Row = Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]]


def _each(tree: Mapping[str, Any], key: str, row: Row) -> Iterator[Described]:
    for node in _nodes(tree):
        rows = tuple(_rows(node.get(key, ()), row))
        if rows:
            yield Described(_path(node), rows)


def _rows(found: Iterable[Mapping[str, Any]], row: Row) -> Iterator[tuple[str, str]]:
    for one in found:
        yield from row(one)


def _described_command(child: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield child["path"][-1], child["summary"]


def _described_option(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for flag in one["flags"]:
        yield flag, one["help"]


def _words(words: Iterable[str]) -> str:
    return " ".join(words)
