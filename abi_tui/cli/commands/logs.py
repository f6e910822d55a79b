"""`abi logs`."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.invocation import Invocation


@make("logs", view="engine.logs", examples=("abi logs", "abi logs --limit 20 --json"))
@click.option("-f", "--follow", is_flag=True, help="Those to come as well, until Ctrl-C.")
@click.pass_obj
def command(invocation: Invocation, follow: bool) -> None:
    """The log of the running engine, oldest first.

    Where no engine runs, it is what the last one left in its file.
    """
    from abi_tui.cli import happenings

    happenings.show_logs(invocation, follow=follow)
