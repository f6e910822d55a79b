"""`abi completions`."""

from __future__ import annotations

import click

from abi_tui.cli.command import Planned, argument, group
from abi_tui.cli.invocation import Invocation

KINDS = ("routes", "upstreams", "features", "settings")


@group(
    "completions",
    planned=(
        Planned("fish", "the script for fish"),
        Planned("powershell", "the script for PowerShell"),
        Planned("install", "write the script where the shell looks for it"),
    ),
    examples=("abi completions bash", "abi completions zsh"),
)
def command() -> None:
    """Completion for bash and zsh.

    bash: abi completions bash > ~/.local/share/bash-completion/completions/abi

    zsh: abi completions zsh > a directory of $fpath, as _abi
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


@command.command("values", hidden=True)
@argument("kind", type=click.Choice(KINDS))
@click.pass_obj
def values(invocation: Invocation, kind: str) -> None:
    """What the scripts ask for: one value a line, of the running engine."""
    from abi_tui.cli import live_values
    from abi_tui.cli.output import write

    write("".join(f"{value}\n" for value in live_values.find(invocation, kind)))


def _write(ctx: click.Context, shell: str) -> None:
    from abi_tui.cli import completion, tree
    from abi_tui.cli.invocation import Format
    from abi_tui.cli.output import Answer, document, write
    from abi_tui.views.detail import Detail

    script = completion.script(shell, tree.described_tree(ctx.find_root().command))
    if ctx.ensure_object(Invocation).format in (Format.JSON, Format.JSONL):
        data = {"shell": shell, "script": script}
        answer = Answer("completions/1", data, Detail("completions", shell, ()))
        indent = 2 if ctx.ensure_object(Invocation).format is Format.JSON else None
        script = document(answer, indent=indent) + "\n"
    write(script)
