"""`abi logs`."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.moments import Moment

LEVELS = ("debug", "info", "warning", "error")


@make(
    "logs",
    view="engine.logs",
    examples=(
        "abi logs --level warning --since 10m",
        "abi logs --logger abi_engine.features.gateway --json",
    ),
)
@click.option("-f", "--follow", is_flag=True, help="Those to come as well, until Ctrl-C.")
@click.option("--level", type=click.Choice(LEVELS), help="Only lines of this level or above.")
@click.option(
    "--since",
    type=Moment(ago=True),
    metavar="MOMENT",
    help="Only lines since then: 5m, 90s, or 2026-11-22T12:04:11Z.",
)
@click.option("--logger", metavar="NAME", help="Only lines of this part of the engine.")
@click.option("--words", metavar="TEXT", help="Only lines with this text in them.")
@click.pass_obj
def command(
    invocation: Invocation,
    follow: bool,
    level: str | None,
    since: float | None,
    logger: str | None,
    words: str | None,
) -> None:
    """The log of the running engine, oldest first.

    Where no engine runs, it is what the last one left in its file. What engine.log_level keeps out
    is in neither.
    """
    from abi_tui.cli import log_lines

    wanted = log_lines.Wanted.of(level, since, logger, words)
    log_lines.show_logs(invocation, wanted, follow=follow)
