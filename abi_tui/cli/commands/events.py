"""`abi events`."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.command import option
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.moments import AT


@make("events", view="engine.events", examples=("abi events", "abi events --source gateway --json"))
@option("--source", metavar="NAME", live="sources", help="Only of this feature, or of engine.")
@AT
@click.option("-f", "--follow", is_flag=True, help="Those to come as well, until Ctrl-C.")
@click.pass_obj
def command(invocation: Invocation, source: str | None, at: float | None, follow: bool) -> None:
    """What happened in the running engine, newest first."""
    from abi_tui.cli import happenings

    happenings.show_events(invocation, source, follow=follow, at=at)
