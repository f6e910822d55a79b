"""`abi`: the table of commands, imported one at a time when one is called.

Refuses to import a command for help, a suggestion or completion.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click

from abi_tui.cli.command import CONTEXT, Group
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation, is_terminal
from abi_tui.cli.planned import HEADINGS, PLANNED

PACKAGE = "abi_tui.cli.commands"


class Row(NamedTuple):
    """A command of the first level.

    Attributes:
        name: the command; module: the file it is in, under `commands`.
        summary: one line, the first sentence of its help.
        heading: under which help lists it.
        aliases: its other names.
    """

    name: str
    module: str
    summary: str
    heading: str
    aliases: tuple[str, ...] = ()


COMMANDS = (
    Row("dashboard", "dashboard", "the full-screen dashboard", "Run", ("tui", "ui")),
    Row("demo", "demo", "the living demo: real upstreams that fail on a schedule", "Run"),
    Row("serve", "serve", "serve an engine: gateway, control socket, health and metrics", "Run"),
    Row("stop", "stop", "stop the running engine: it answers what it has begun, then leaves",
        "Run"),
    Row("reload", "reload",
        "have the running engine read its configuration again; no request is cut", "Run"),
    Row("status", "status", "the running engine and its features, with their health", "Run"),
    Row("events", "events", "what happened in the running engine, newest first", "Run"),
    Row("logs", "logs", "the log of the running engine, oldest first", "Run"),
    Row("gateway", "gateway", "the API gateway: routes, breakers, limits, traffic", "Traffic"),
    Row("config", "config", "settings: show, get, set, edit, validate", "System"),
    Row("features", "features", "what is on, off and planned", "System"),
    Row("plugins", "plugins", "plugins that are installed", "System"),
    Row("toolchain", "toolchain", "what ABI runs on, and what is missing", "System"),
    Row("bench", "bench", "measured suites, beside rivals that do the same", "System",
        ("run", "benchmarks")),
    Row("system-info", "system_info", "the machine, the interpreter and the places of ABI",
        "System", ("info", "sysinfo")),
    Row("version", "version", "the version of abi", "System"),
    Row("help", "help", "help for a command or a topic", "Help"),
    Row("completions", "completions", "completion for bash, zsh, fish and PowerShell", "Help"),
)  # fmt: skip

EXAMPLES = ("abi demo", "abi gateway routes list --json")


class Root(Group):
    """The first level: it knows its commands by a table, and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of the table."""
        return [row.name for row in COMMANDS]

    def names(self) -> Iterator[str]:
        """Every name that leads somewhere."""
        for row in (*COMMANDS, *PLANNED):
            yield from (row.name, *row.aliases)

    def facts(self, name: str) -> dict[str, Any]:
        """Under which heading a command is listed, and its other names."""
        row = next(row for row in COMMANDS if row.name == name)
        return {"heading": row.heading, "aliases": list(row.aliases)}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name or alias."""
        for row in COMMANDS:
            if cmd_name in (row.name, *row.aliases):
                found: click.Command = import_module(f"{PACKAGE}.{row.module}").command
                return found
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, by headings."""
        write_help(ctx, formatter, everything=False)


def root() -> Root:
    """A new command tree."""
    return Root(
        "abi",
        callback=_bare,
        invoke_without_command=True,
        examples=EXAMPLES,
        planned=PLANNED,
        help="An agent backend in one process. Alone it opens the dashboard.",
        context_settings=CONTEXT,
    )


def write_help(ctx: click.Context, formatter: click.HelpFormatter, *, everything: bool) -> None:
    """The commands by headings; `everything` adds the names that are planned."""
    from abi_tui.cli.helptext import SHARED_HEADING, shared_names, write_examples

    formatter.write("abi: an agent backend in one process; alone it opens the dashboard\n\n")
    write_examples(formatter, EXAMPLES)
    for heading in HEADINGS:
        rows = [(row.name, row.summary) for row in COMMANDS if row.heading == heading]
        if everything:
            later = (row for row in PLANNED if row.group == heading)
            rows += [(row.name, f"{row.summary} (planned)") for row in later]
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows, col_max=16)
    with formatter.section(SHARED_HEADING):
        formatter.write_text(shared_names(ctx.command, ctx))
    formatter.write("\nabi help COMMAND says more; abi help --all lists what is planned\n")


@click.pass_context
def _bare(ctx: click.Context, /) -> Any:
    """Without a command: the dashboard, where there is a terminal to draw it on."""
    if ctx.invoked_subcommand is not None:
        return None
    if not is_terminal(sys.stdout):
        raise click.exceptions.NoArgsIsHelpError(ctx)
    command = ctx.command
    assert isinstance(command, Root)
    dashboard = command.get_command(ctx, "dashboard")
    assert dashboard is not None
    with dashboard.make_context("dashboard", [], parent=ctx) as inner:
        return dashboard.invoke(inner)


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line, say what went wrong, and tell the exit code."""
    invocation = Invocation()
    try:
        _refuse_windows(sys.platform)
        code = _invoke(arguments, invocation)
        invocation.flush_notes()
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        return Exit.READER_LEFT
    except Exception as error:  # noqa: BLE001 - the last place where one can be said
        from abi_tui.cli import failures

        return failures.fail(error, invocation, arguments)
    return code


def _refuse_windows(platform: str) -> None:
    if platform == "win32":
        from abi_engine.core.errors import Unavailable

        message = "abi does not run on Windows: it needs flock, and sockets that tell who calls"
        raise Unavailable(message, hint="in WSL, the Windows Subsystem for Linux, it does")


def _invoke(arguments: Sequence[str], invocation: Invocation) -> int:
    command = root()
    try:
        with command.make_context("abi", list(arguments), obj=invocation) as ctx:
            returned = command.invoke(ctx)
    except click.exceptions.Exit as left:
        return left.exit_code
    return returned if isinstance(returned, int) else Exit.DONE


def main() -> None:
    """The command line of this process, whose exit code ends it."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # a locale that lacks a letter gets an escape instead of a failure
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(_ended(run(sys.argv[1:])))


def _ended(code: int) -> int:
    """The exit code, once the last words are out; a reader that left is no failure to be said."""
    if sys.stdout is None:
        return code
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = Exit.READER_LEFT
    except OSError:  # said already, by what wrote
        code = code or Exit.FAILED
    else:
        return code
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # flushed once more at the end
    return code
