"""`abi help`: any command at any depth, topics, the whole tree. Generated from the commands."""

from __future__ import annotations

import click

from abi_tui.cli.command import argument
from abi_tui.cli.command import command as make
from abi_tui.cli.invocation import Format, Invocation


@make("help", examples=("abi help gateway routes", "abi help exit-codes"))
@argument("path", nargs=-1, metavar="[COMMAND ...]", help="A command or a topic; none is all.")
@click.option("--all", "everything", is_flag=True, help="List the names that are planned as well.")
@click.pass_context
def command(ctx: click.Context, /, path: tuple[str, ...], everything: bool) -> None:
    """Help for a command or a topic.

    Topics: exit-codes, environment, formats, config, options. With --json it prints the whole
    tree of commands, or the part below COMMAND.
    """
    from abi_tui.cli import topics, tree
    from abi_tui.cli.output import write

    root = ctx.find_root().command
    if ctx.ensure_object(Invocation).format in (Format.JSON, Format.JSONL):
        write(_as_json(ctx, root, path))
    elif topics.alone(path, root):
        write(topics.text(path[0]))
    elif everything and not path:
        write(_everything(ctx.find_root()))
    else:
        try:
            node = tree.find(root, path)
        except click.UsageError as error:
            raise topics.suggest(error, path) from None
        write(node.command.get_help(node.context) + "\n")
        if everything:
            write(_planned(node.command))
        if path and path[-1] in topics.NAMES:
            write("\n" + topics.text(path[-1]))


def _everything(ctx: click.Context) -> str:
    from abi_tui.cli.root import write_help

    formatter = ctx.make_formatter()
    write_help(ctx, formatter, everything=True)
    return formatter.getvalue()


def _planned(command: click.Command) -> str:
    rows = getattr(command, "planned", ())
    width = max((len(row.name) for row in rows), default=0)
    lines = (f"  {row.name:{width}}  {row.summary}" for row in rows)
    return "\n".join(("\nPlanned:", *lines, "")) if rows else ""


def _as_json(ctx: click.Context, root: click.Command, path: tuple[str, ...]) -> str:
    from abi_tui.cli import topics, tree
    from abi_tui.cli.output import Answer, document
    from abi_tui.views.detail import Detail

    if topics.alone(path, root):
        data = topics.data(path[0])
        schema = "help.topic/1"
    else:
        data = tree.describe(tree.find(root, path)) if path else tree.described_tree(root)
        schema = "help/1"
    whole = Answer(schema, data, Detail("help", "help", ()))
    indent = 2 if ctx.ensure_object(Invocation).format is Format.JSON else None
    return document(whole, indent=indent) + "\n"
