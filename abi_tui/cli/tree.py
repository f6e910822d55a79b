"""The whole command tree as plain values: for `help --json`, completion, the command reference.

Refuses to know any command by name: everything is read from the tree itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, NamedTuple

import click

from abi_tui.cli.command import Argument, Group, Planned
from abi_tui.cli.options import shared_options


class Node(NamedTuple):
    """A command in its place.

    Attributes:
        path: the words after `abi`; empty for the root.
        command: what stands there.
        context: a context to ask it for its help.
    """

    path: tuple[str, ...]
    command: click.Command
    context: click.Context

    @property
    def words(self) -> str:
        """The words as they are typed, `abi` first."""
        return " ".join(("abi", *self.path))


def walk(root: click.Command, *, hidden: bool = False) -> Iterator[Node]:
    """Every command, parents before children, in the order in which help lists them."""
    context = _context(root, "abi")
    yield from _walk(Node((), root, context), hidden)


def find(root: click.Command, path: tuple[str, ...]) -> Node:
    """The command at a path; aliases lead there as well.

    Raises:
        UsageError: nothing stands there.
    """
    from abi_tui.cli.command import unknown_command

    node = Node((), root, _context(root, "abi"))
    for word in path:
        known = node.command
        child = known.get_command(node.context, word) if isinstance(known, click.Group) else None
        if child is None:
            names = tuple(known.names()) if isinstance(known, Group) else ()
            raise unknown_command(word, names, node.context)
        node = _child(node, child)
    return node


def describe(node: Node) -> dict[str, Any]:
    """A command and everything below it."""
    command = node.command
    described: dict[str, Any] = {
        "path": list(node.path),
        "summary": getattr(command, "summary", ""),
        "help": cleandoc(command.help or ""),
        "usage": " ".join((node.words, *command.collect_usage_pieces(node.context))),
        "examples": list(getattr(command, "examples", ())),
        "changes": getattr(command, "changes", False),
        "arguments": [_argument(p) for p in command.params if isinstance(p, click.Argument)],
        "options": [option(p) for p in command.params if isinstance(p, click.Option)],
    }
    if isinstance(command, Group):
        described["default"] = command.default
        described["commands"] = [
            describe(child) | command.facts(child.path[-1])
            for child in _children(node, hidden=False)
        ]
        described["planned"] = [_planned(row) for row in command.planned]
    return described


def described_tree(root: click.Command) -> dict[str, Any]:
    """The whole tree; the flags that every command has stand at the root."""
    node = find(root, ())
    return describe(node) | {"shared_options": [option(one) for one in shared_options()]}


def option(param: click.Option) -> dict[str, Any]:
    """An option as plain values."""
    return {
        "flags": [*param.opts, *param.secondary_opts],
        "value": "" if param.is_flag or param.count else _metavar(param),
        "choices": list(param.type.choices) if isinstance(param.type, click.Choice) else [],
        "help": param.help or "",
        "multiple": bool(param.multiple or param.count),
        "required": param.required,
        "live": getattr(param, "live", ""),
    }


def _walk(node: Node, hidden: bool) -> Iterator[Node]:
    yield node
    for child in _children(node, hidden=hidden):
        yield from _walk(child, hidden)


def _children(node: Node, *, hidden: bool) -> Iterator[Node]:
    if not isinstance(node.command, click.Group):
        return
    for name in node.command.list_commands(node.context):
        child = node.command.get_command(node.context, name)
        if child is not None and (hidden or not child.hidden):
            yield _child(node, child)


def _child(node: Node, command: click.Command) -> Node:
    name = command.name or ""
    context = _context(command, name, node.context)
    return Node((*node.path, name), command, context)


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    return click.Context(
        command, info_name=name, parent=parent, resilient_parsing=True, **command.context_settings
    )


def _argument(param: click.Argument) -> dict[str, Any]:
    return {
        "name": param.human_readable_name,
        "help": param.help or "",
        "required": param.required,
        "multiple": param.nargs != 1,
        "choices": list(param.type.choices) if isinstance(param.type, click.Choice) else [],
        "live": param.live if isinstance(param, Argument) else "",
    }


def _metavar(param: click.Option) -> str:
    return param.metavar or param.make_metavar(click.Context(click.Command("abi")))


def _planned(row: Planned) -> dict[str, Any]:
    return {"name": row.name, "summary": row.summary, "aliases": list(row.aliases)}
