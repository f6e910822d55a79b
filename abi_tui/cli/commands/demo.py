"""`abi demo`. Refuses to import the demo before it runs."""

from __future__ import annotations

import click

from abi_tui.cli.command import command as make
from abi_tui.cli.invocation import Invocation


@make("demo", examples=("abi demo", "abi demo --headless --seconds 5 --json"))
@click.option("--headless", is_flag=True, help="Without a screen; prints a report at the end.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True, max=86_400),
    metavar="SECONDS",
    help="How long, with --headless; else 30.",
)
@click.option(
    "--seed",
    type=int,
    metavar="NUMBER",
    default=7,
    show_default=True,
    help="Of everything that varies.",
)
@click.pass_obj
def command(invocation: Invocation, headless: bool, seconds: float | None, seed: int) -> int:
    """The living demo: real upstreams that fail on a schedule.

    It has an engine, ports and a directory of its own, and leaves nothing behind.
    """
    from importlib import import_module

    if seconds is not None and not headless:
        message = "--seconds goes with --headless; the screen stays until it is left"
        raise click.UsageError(message, click.get_current_context())
    if invocation.dry_run:
        from abi_tui.cli.changes import Change, carry_out

        step = "run the demo on free ports and a temporary data directory"
        return carry_out(invocation, Change((step,)), lambda: None)
    left: int = import_module("abi_tui.demo.run").run(
        headless=headless, seconds=seconds, seed=seed, invocation=invocation
    )
    return left
