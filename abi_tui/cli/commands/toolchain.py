"""`abi toolchain`."""

from __future__ import annotations

import click

from abi_tui.cli.command import Planned, group
from abi_tui.cli.invocation import Invocation

PLANNED = (
    Planned("doctor", "try each tool for real"),
    Planned("flags", "prove the matrix of feature flags"),
    Planned("parity", "compare every form of every operation"),
    Planned("smoke", "run the command matrix"),
    Planned("shaders", "compile the shaders"),
    Planned("check", "all gates with format, lint, types and tests"),
    Planned("baseline", "record and compare figures"),
)


@group(
    "toolchain",
    default="status",
    planned=PLANNED,
    examples=("abi toolchain status", "abi toolchain status --json"),
)
def command() -> None:
    """What ABI runs on, and what is missing."""


@command.command(
    "status",
    view="toolchain.status",
    examples=("abi toolchain status", "abi toolchain status --csv"),
)
@click.pass_obj
def status(invocation: Invocation) -> None:
    """Each tool with its version, and for what is missing the command that brings it."""
    from abi_engine.toolchain import status as toolchain
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.toolchain import tools_table

    found = toolchain.status()
    rows = found[: invocation.limit]
    show(invocation, Answer("toolchain.status/1", rows, tools_table(rows), total=len(found)))
