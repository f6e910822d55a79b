"""`abi version`."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.invocation import Invocation


@make("version", examples=("abi version", "abi version --json"))
@click.pass_obj
def command(invocation: Invocation) -> None:
    """The version of abi."""
    import sys

    from abi_engine.version import VERSION
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.detail import Detail, line

    python = ".".join(map(str, sys.version_info[:3]))
    lines = (line("abi", VERSION), line("python", python))
    data = {"abi": VERSION, "python": python, "platform": sys.platform}
    show(invocation, Answer("version/1", data, Detail("version", "abi", lines)))
