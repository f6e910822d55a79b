"""`abi bench`."""

from __future__ import annotations

import click

from abi_tui.cli.command import Planned, group, option
from abi_tui.cli.invocation import Invocation

ROUNDS = 9
PLANNED = (
    Planned("quick", "a little of everything"),
    Planned("simd", "vector instructions"),
    Planned("memory", "allocators"),
    Planned("concurrency", "channels, pools, graphs of tasks"),
    Planned("cache", "the cache"),
    Planned("messaging", "topics and queues"),
    Planned("search", "full-text search"),
    Planned("storage", "objects on disk"),
    Planned("database", "vectors"),
    Planned("network", "membership and channels"),
    Planned("crypto", "keys and signatures"),
    Planned("ai", "language models"),
    Planned("streaming", "bytes in motion"),
    Planned("v2", "hash maps and binary formats"),
    Planned("competitive", "everything against its rivals"),
    Planned("all", "every suite"),
)


@group(
    "bench",
    default="list",
    planned=PLANNED,
    examples=("abi bench list", "abi bench gateway --rivals"),
)
def command() -> None:
    """Measured suites, beside rivals that do the same."""


@command.command("list", examples=("abi bench list", "abi bench list --json"))
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """Every suite, and whether it is built."""
    from abi_engine.benches.catalogue import suites
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.bench import suites_table

    found = suites()
    rows = found[: invocation.limit]
    show(invocation, Answer("bench.list/1", rows, suites_table(rows), total=len(found)))


@command.command(
    "gateway", examples=("abi bench gateway --rivals", "abi bench gateway --rounds 3 --json")
)
@click.option("--rivals", is_flag=True, help="Measure rivals beside, in the same rounds.")
@option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=ROUNDS,
    metavar="N",
    help=f"How often each side is measured; {ROUNDS} times unless given.",
)
@click.pass_obj
def gateway(invocation: Invocation, rivals: bool, rounds: int) -> None:
    """Routing, limits, breakers, and a hop through the proxy.

    Times are CPU time. Every round measures all sides in another order; how many times faster we
    are is the median of all rounds, with the smallest and the largest. The hop asks a proxy with
    wrk, and needs nginx for that rival: what is missing is named.
    """
    from abi_engine.benches.catalogue import run_suite
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.bench import results_table

    def tell(what: str) -> None:
        if not invocation.machine:
            invocation.note(f"measuring: {what}")

    report = run_suite("gateway", rivals=rivals, rounds=rounds, tell=tell)
    show(invocation, Answer("bench.gateway/1", report, results_table(report)))
