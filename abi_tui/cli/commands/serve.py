"""`abi serve`."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation


@make(
    "serve",
    changes=True,
    examples=("abi serve --detach", "abi serve --port 0 --dry-run"),
)
@click.option("--detach", is_flag=True, help="In the background; returns once it listens.")
@click.option("--host", metavar="ADDRESS", help="Where the gateway listens (gateway.host).")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(0, 65_535),
    help="Its port; 0 takes a free one (gateway.port).",
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 256),
    help="Processes that serve clients (gateway.workers).",
)
@click.option("--lenient", is_flag=True, help="Run on where an address is in use, and say so.")
@click.pass_obj
def command(
    invocation: Invocation,
    detach: bool,
    host: str | None,
    port: int | None,
    workers: int | None,
    lenient: bool,
) -> Exit:
    """Serve an engine: gateway, control socket, health and metrics.

    It runs until abi stop, SIGTERM or Ctrl-C, and then answers what it has begun. A second Ctrl-C
    ends it at once.
    """
    from abi_tui.cli import serving

    if host is not None:
        invocation.settings["gateway.host"] = host
    if port is not None:
        invocation.settings["gateway.port"] = str(port)
    if workers is not None:
        invocation.settings["gateway.workers"] = str(workers)
    return serving.start(invocation, detach=detach, lenient=lenient)
