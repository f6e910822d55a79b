"""`abi system-info`."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.invocation import Invocation


@make("system-info", view="system.info", examples=("abi system-info", "abi system-info --json"))
@click.pass_obj
def command(invocation: Invocation) -> None:
    """The machine, the interpreter and the places of ABI."""
    from abi_engine.toolchain.system_info import system_info
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.toolchain import system_info_detail

    info = system_info()
    show(invocation, Answer("system.info/1", info, system_info_detail(info)))
