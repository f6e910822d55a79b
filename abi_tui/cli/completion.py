"""Writes the completion scripts from the command tree. Refuses to run `abi` for what is static.

A script holds four tables, each a `case` over the words before: the commands of a group, the
options of a command, the values of an option, the values of an argument. Values that only a running
engine knows are asked for with `abi completions values KIND`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, NamedTuple

PLACES = {"FILE", "DIR", "SOCKET"}
FILES = "@files"


class Case(NamedTuple):
    """A branch of a `case`: the word it is for, and what the reply is then."""

    word: str
    reply: str


def script(shell: str, tree: Mapping[str, Any]) -> str:
    """The script for `bash` or `zsh`.

    Args:
        shell: which.
        tree: as `tree.described_tree` gives it.
    """
    template = (files("abi_tui.cli") / "shells" / f"completion.{shell}").read_text()
    shared = tree["shared_options"]
    parts = {
        "@ALIASES@": _table(_aliases(tree)),
        "@COMMANDS@": _table(_commands(tree)),
        "@DESCRIPTIONS@": _table(_descriptions(tree)),
        "@OPTIONS@": _table(_options(tree)),
        "@VALUES@": _table((*_values(tree), *_values_of("*", shared))),
        "@ARGUMENTS@": _table(_arguments(tree)),
        "@SHARED@": _words(["-h", "--help", *(flag for one in shared for flag in one["flags"])]),
    }
    for name, text in parts.items():
        template = template.replace(name, text)
    return template


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("commands", ()):
        yield from _nodes(child)


def _path(node: Mapping[str, Any]) -> str:
    return " ".join(node["path"])


def _commands(tree: Mapping[str, Any]) -> Iterator[Case]:
    for node in _nodes(tree):
        if "commands" in node:
            yield Case(_path(node), _words([child["path"][-1] for child in node["commands"]]))
    topics = ("exit-codes", "environment", "formats", "config", "options")
    yield Case("help", _words([*(child["path"][-1] for child in tree["commands"]), *topics]))


def _descriptions(tree: Mapping[str, Any]) -> Iterator[Case]:
    """For shells that show them: `name:what it does`, one a word."""
    for node in _nodes(tree):
        if "commands" in node:
            rows = (f"{child['path'][-1]}:{child['summary']}" for child in node["commands"])
            yield Case(_path(node), " ".join(map(_quoted, rows)))


def _aliases(tree: Mapping[str, Any]) -> Iterator[Case]:
    for child in tree["commands"]:
        for alias in child.get("aliases", ()):
            yield Case(alias, child["path"][-1])


def _options(tree: Mapping[str, Any]) -> Iterator[Case]:
    for node in _nodes(tree):
        flags = [flag for one in node["options"] for flag in one["flags"]]
        if flags:
            yield Case(_path(node), _words(flags))


def _values(tree: Mapping[str, Any]) -> Iterator[Case]:
    for node in _nodes(tree):
        yield from _values_of(_path(node), node["options"])


def _values_of(path: str, options: list[dict[str, Any]]) -> Iterator[Case]:
    """What may follow an option that takes a value; `-` where nothing is known of it."""
    for one in options:
        if not one["value"]:
            continue
        known = _words(one["choices"]) or (f"@{one['live']}" if one["live"] else "-")
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
            elif one["name"] == "FILE":
                yield Case(f"{_path(node)}|{index}", FILES)


def _words(words: list[str]) -> str:
    return " ".join(words)


def _table(cases: tuple[Case, ...] | Iterator[Case]) -> str:
    """Branches with the same reply share a line."""
    by_reply: dict[str, list[str]] = {}
    for case in cases:
        by_reply.setdefault(case.reply, []).append(case.word)
    return "\n".join(
        f"    {'|'.join(map(_pattern, words))}) reply={_quoted(reply)} ;;"
        for reply, words in by_reply.items()
    )


def _pattern(word: str) -> str:
    """A word as a pattern of `case`: quoted, but for a star in front."""
    return f"*{_quoted(word[1:])}" if word.startswith("*") else _quoted(word)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
