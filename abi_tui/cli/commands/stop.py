"""`abi stop`."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation


@make("stop", changes=True, examples=("abi stop", "abi stop --deadline 5"))
@click.option(
    "--deadline",
    type=click.FloatRange(0, 3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long requests under way may take.",
)
@click.pass_obj
def command(invocation: Invocation, deadline: float) -> Exit:
    """Stop the running engine: it answers what it has begun, then leaves.

    Returns when it has left.
    """
    from abi_tui.cli import stopping

    return stopping.stop(invocation, deadline)
