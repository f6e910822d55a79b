"""The command reference as Markdown. Refuses to add a word about any command to the tree's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from abi_tui.cli import topics

HEAD = """\
# Commands

Written by `docs/generate_commands.py` from the commands themselves; `abi help COMMAND` shows the
same in a terminal."""


def markdown(tree: Mapping[str, Any]) -> str:
    """The reference of every command that is built.

    Args:
        tree: as `tree.described_tree` gives it.
    """
    parts = [HEAD, *_contents(tree)]
    for child in tree["commands"]:
        for node in _nodes(child):
            parts += _command(node)
    parts += ["## Flags that every command has", _table(map(_option_row, tree["shared_options"]))]
    parts += ["## Exit codes", _table((f"`{code}`", text) for code, text in topics.exit_codes())]
    parts += ["## Planned", *_planned(tree)]
    return "\n\n".join(parts) + "\n"


def _contents(tree: Mapping[str, Any]) -> Iterator[str]:
    headings = dict.fromkeys(child["heading"] for child in tree["commands"])
    for heading in headings:
        rows = [child for child in tree["commands"] if child["heading"] == heading]
        lines = (f"- [`abi {_name(row)}`](#abi-{_name(row)}): {row['summary']}" for row in rows)
        yield f"**{heading}**\n\n" + "\n".join(lines)


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("commands", ()):
        yield from _nodes(child)


def _command(node: Mapping[str, Any]) -> Iterator[str]:
    level = "#" * min(len(node["path"]) + 1, 4)
    yield f"{level} abi {' '.join(node['path'])}"
    aliases = node.get("aliases", ())
    yield node["help"]
    if aliases:
        yield f"Also: {', '.join(f'`abi {name}`' for name in aliases)}"
    yield "```\n" + "\n".join(node["examples"]) + "\n```"
    yield f"Usage: `{node['usage']}`"
    arguments = [(f"`{one['name']}`", one["help"]) for one in node["arguments"]]
    rows = arguments + [_option_row(one) for one in node["options"]]
    if rows:
        yield _table(rows)


def _option_row(option: Mapping[str, Any]) -> tuple[str, str]:
    value = "|".join(option["choices"]) or option["value"]
    flags = ", ".join(option["flags"])
    return f"`{flags} {value}`" if value else f"`{flags}`", option["help"]


def _planned(tree: Mapping[str, Any]) -> Iterator[str]:
    yield "These names are reserved. Calling one says so, with exit code 4."
    rows = [
        (f"`abi {' '.join((*node['path'], row['name']))}`", row["summary"])
        for node in _nodes(tree)
        for row in node.get("planned", ())
    ]
    yield _table(rows)


def _table(rows: Any) -> str:
    escaped = ((left.replace("|", "\\|"), right.replace("|", "\\|")) for left, right in rows)
    return "\n".join(("| | |", "|---|---|", *(f"| {left} | {right} |" for left, right in escaped)))


def _name(node: Mapping[str, Any]) -> str:
    name: str = node["path"][-1]
    return name
