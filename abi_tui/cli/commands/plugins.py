"""`abi plugins`."""

from __future__ import annotations

import click

from abi_tui.cli.command import Planned, group
from abi_tui.cli.invocation import Invocation

PLANNED = (
    Planned("info", "one plugin: what it provides, its settings, its traceback"),
    Planned("enable", "switch a plugin on"),
    Planned("disable", "switch a plugin off"),
    Planned("search", "plugins that are installed or built in"),
    Planned("install", "install a plugin, after showing what that does"),
    Planned("new", "the beginning of a plugin"),
    Planned("doctor", "check every plugin against the contract"),
)


@group(
    "plugins",
    default="list",
    planned=PLANNED,
    examples=("abi plugins list", "abi plugins list --json"),
)
def command() -> None:
    """Plugins that are installed."""


@command.command(
    "list", view="plugins.list", examples=("abi plugins list", "abi plugins list --csv")
)
@click.pass_obj
def list_plugins(invocation: Invocation) -> None:
    """The installed plugins; none of them is imported."""
    from abi_engine.plugins import installed
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.plugins import plugins_table

    found = installed()
    rows = found[: invocation.limit]
    show(invocation, Answer("plugins.list/1", rows, plugins_table(rows), total=len(found)))
