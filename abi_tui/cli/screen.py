"""Opens the dashboard by its name. Refuses where there is no terminal to draw on."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from abi_tui.cli import session
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.invocation import Invocation, is_terminal

DASHBOARD = "abi_tui.dashboard.app"


def open_dashboard(
    invocation: Invocation, screen: str | None, *, read_only: bool, theme: str | None
) -> int:
    """Draw the dashboard until it is left, and tell its exit code.

    Raises:
        UsageError: stdout or stdin is no terminal.
    """
    if invocation.dry_run:
        where = invocation.attach or session.data_dir(invocation)
        return carry_out(invocation, Change((f"open the dashboard on {where}",)), lambda: None)
    if not (is_terminal(sys.stdout) and is_terminal(sys.stdin)):
        message = "the dashboard draws on a terminal; --once prints what it shows"
        raise click.UsageError(message, click.get_current_context())
    config = session.configuration(invocation)
    options = config.section("dashboard", session.sections()["dashboard"])
    left: int = import_module(DASHBOARD).run(
        attach=invocation.attach,
        data_dir=invocation.data_dir,
        config=invocation.config,
        settings=invocation.flags,
        screen=screen,
        read_only=read_only,
        theme=theme,
        options=options,
    )
    return left
