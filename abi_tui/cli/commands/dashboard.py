"""`abi dashboard`. Refuses to import the dashboard before it is to be drawn."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation

SCREENS = (
    "overview",
    "gateway",
    "cache",
    "messaging",
    "search",
    "storage",
    "database",
    "compute",
    "agents",
    "bench",
    "engine",
    "limits",
    "events",
    "logs",
    "config",
    "features",
    "toolchain",
    "plugins",
)


@make(
    "dashboard",
    view="engine.overview",
    examples=("abi dashboard --screen gateway", "abi dashboard --once --json"),
)
@click.option(
    "--screen",
    type=click.Choice(SCREENS),
    metavar="NAME",
    help=f"The screen to begin with: {', '.join(SCREENS)}.",
)
@click.option("--once", is_flag=True, help="Print what it shows, once, and leave.")
@click.option("--read-only", is_flag=True, help="Refuse whatever changes something.")
@click.option("--theme", metavar="NAME", help="Its colours; t changes them later.")
@click.pass_obj
def command(
    invocation: Invocation, screen: str | None, once: bool, read_only: bool, theme: str | None
) -> Exit | int:
    """The full-screen dashboard.

    It attaches to the running engine; where none runs it starts one, which ends with it.
    """
    if once:
        from abi_tui.cli import glance

        glance.show_once(invocation, screen or "overview")
        return Exit.DONE
    from abi_tui.cli import screen as drawn

    return drawn.open_dashboard(invocation, screen, read_only=read_only, theme=theme)
