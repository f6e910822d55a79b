"""`abi completions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from abi_tui.cli.command import argument, group
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Callable

SHELLS = ("bash", "zsh", "fish", "powershell")
KINDS = (
    "routes",
    "upstreams",
    "keys",
    "features",
    "settings",
    "choices",
    "assignments",
    "sources",
    "themes",
)


@group(
    "completions",
    examples=("abi completions install", "abi completions bash"),
)
def command() -> None:
    """Completion for bash, zsh, fish and PowerShell.

    A TAB completes commands, options and their values, routes, upstreams, keys and settings.
    """


@command.command("bash", examples=("abi completions bash", "source <(abi completions bash)"))
@click.pass_context
def bash(ctx: click.Context, /) -> None:
    """The script for bash 4 and later."""
    _write(ctx, "bash")


@command.command("zsh", examples=("abi completions zsh", "source <(abi completions zsh)"))
@click.pass_context
def zsh(ctx: click.Context, /) -> None:
    """The script for zsh."""
    _write(ctx, "zsh")


@command.command("fish", examples=("abi completions fish", "abi completions fish | source"))
@click.pass_context
def fish(ctx: click.Context, /) -> None:
    """The script for fish 3.1 and later."""
    _write(ctx, "fish")


@command.command(
    "powershell",
    examples=(
        "abi completions powershell",
        "abi completions powershell | Out-String | Invoke-Expression",
    ),
)
@click.pass_context
def powershell(ctx: click.Context, /) -> None:
    """The script for PowerShell 5.1 and later."""
    _write(ctx, "powershell")


@command.command(
    "install",
    changes=True,
    examples=("abi completions install --dry-run", "abi completions install zsh"),
)
@argument(
    "shell", required=False, type=click.Choice(SHELLS), help="Else the one that called, or $SHELL."
)
@click.pass_context
def install(ctx: click.Context, /, shell: str | None) -> Exit:
    """Write the script where the shell looks for it, for this user.

    Where the shell must be told of it in a file of your own, such as ~/.zshrc, it asks before it
    adds a line there; --yes adds it. What is there already stays.
    """
    from abi_tui.cli import completion_install

    return completion_install.install(ctx.ensure_object(Invocation), shell, _scripts(ctx))


@command.command("values", hidden=True)
@argument("kind", type=click.Choice(KINDS))
@argument("of", required=False)
@click.pass_obj
def values(invocation: Invocation, kind: str, of: str | None) -> None:
    """What the scripts ask for, one value a line."""
    from abi_tui.cli import live_values
    from abi_tui.cli.output import write

    write("".join(f"{value}\n" for value in live_values.find(invocation, kind, of or "")))


def _scripts(ctx: click.Context) -> Callable[[str], str]:
    from abi_tui.cli import completion, tree

    described = tree.described_tree(ctx.find_root().command)
    return lambda shell: completion.script(shell, described)


def _write(ctx: click.Context, shell: str) -> None:
    from abi_tui.cli.invocation import Format
    from abi_tui.cli.output import Answer, document, write
    from abi_tui.views.detail import Detail

    script = _scripts(ctx)(shell)
    if ctx.ensure_object(Invocation).format in (Format.JSON, Format.JSONL):
        data = {"shell": shell, "script": script}
        answer = Answer("completions/1", data, Detail("completions", shell, ()))
        indent = 2 if ctx.ensure_object(Invocation).format is Format.JSON else None
        script = document(answer, indent=indent) + "\n"
    write(script)
