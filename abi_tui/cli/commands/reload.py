"""`abi reload`."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation


@make("reload", changes=True, examples=("abi reload", "abi reload --dry-run"))
@click.pass_obj
def command(invocation: Invocation) -> Exit:
    """Have the running engine read its configuration again; no request is cut.

    The same as SIGHUP. A configuration that cannot be used changes nothing.
    """
    from abi_tui.cli import reloading

    return reloading.reload(invocation)
