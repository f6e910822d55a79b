"""`abi status`."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.moments import AT


@make("status", view="engine.status", examples=("abi status", "abi status --json"))
@AT
@click.pass_obj
def command(invocation: Invocation, at: float | None) -> None:
    """The running engine and its features, with their health.

    The exit code is 4 where no engine runs.
    """
    from abi_tui.cli import session
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.engine import status_detail

    moment = None
    with session.running(invocation) as engine:
        if at is None:
            status = engine.system.status()
        else:
            report = engine.system.report(at=at)
            moment, status = report.at, report.engine
    show(invocation, Answer("engine.status/1", status, status_detail(status), moment))
