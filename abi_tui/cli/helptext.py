"""Help as people read it: what it is, two examples, how it is used. Refuses to import a command."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING

import click

from abi_tui.cli.options import Shared

if TYPE_CHECKING:
    from abi_tui.cli.command import Command, Group

SHARED_HEADING = "Flags that every command has (abi help options)"


def write_command(command: Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The help of a command."""
    _write_head(command, ctx, formatter)
    _write_list(formatter, "Arguments", arguments(command, ctx))
    _write_list(formatter, "Options", own_options(command, ctx))
    _write_shared(command, ctx, formatter)


def write_group(group: Group, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    """The help of a group: its commands, by heading where they have one."""
    _write_head(group, ctx, formatter)
    found = ((name, group.get_command(ctx, name)) for name in group.list_commands(ctx))
    rows = [
        (name, getattr(command, "summary", ""))
        for name, command in found
        if command is not None and not command.hidden
    ]
    _write_list(formatter, "Commands", rows)
    _write_list(formatter, "Options", own_options(group, ctx))
    _write_shared(group, ctx, formatter)


def write_examples(formatter: click.HelpFormatter, examples: tuple[str, ...]) -> None:
    """Command lines, each on a line of its own whatever its length."""
    if examples:
        formatter.write_heading("Examples")
        formatter.write("".join(f"  {example}\n" for example in examples))
        formatter.write_paragraph()


def arguments(command: click.Command, ctx: click.Context) -> list[tuple[str, str]]:
    """The arguments that have something to say, with it."""
    found = [p for p in command.get_params(ctx) if isinstance(p, click.Argument)]
    return [(one.make_metavar(ctx), one.help or "") for one in found if one.help]


def own_options(command: click.Command, ctx: click.Context) -> list[tuple[str, str]]:
    """The options that are not shared, with what each does."""
    found = [p for p in command.get_params(ctx) if isinstance(p, click.Option)]
    own = (p for p in found if not isinstance(p, Shared) and "--help" not in p.opts)
    records = (option.get_help_record(ctx) for option in own)
    return [record for record in records if record]


def shared_names(command: click.Command, ctx: click.Context) -> str:
    """The shared flags on one line, each by its shortest name."""
    found = [p for p in command.get_params(ctx) if isinstance(p, Shared)]
    names = ["-h", *(min(option.opts, key=len) for option in found)]
    return " ".join(names)


def _write_head(
    command: Command | Group, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    _, _, rest = cleandoc(command.help or "").partition("\n\n")
    formatter.write_text(f"{ctx.command_path}: {command.summary}")
    formatter.write_paragraph()
    write_examples(formatter, command.examples)
    pieces = [piece for piece in command.collect_usage_pieces(ctx) if piece]
    formatter.write_usage(ctx.command_path, " ".join(pieces))
    if rest.strip():
        formatter.write_paragraph()
        formatter.write_text(rest.strip())


def _write_list(formatter: click.HelpFormatter, heading: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(heading):
            formatter.write_dl(rows)


def _write_shared(
    command: click.Command, ctx: click.Context, formatter: click.HelpFormatter
) -> None:
    with formatter.section(SHARED_HEADING):
        formatter.write_text(shared_names(command, ctx))
