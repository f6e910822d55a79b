"""`abi gateway breakers`: the circuit breakers, one for each upstream."""

from __future__ import annotations

import click

from abi_tui.cli.command import argument, group
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.moments import AT

UPSTREAM = argument("upstream", live="upstreams", help="http://host:port, as the list has it.")


@group(
    "breakers",
    default="list",
    examples=("abi gateway breakers list", "abi gateway breakers reset http://127.0.0.1:9000"),
)
def breakers() -> None:
    """The circuit breakers, one for each upstream."""


@breakers.command(
    "list",
    view="gateway.breakers",
    examples=("abi gateway breakers list", "abi gateway breakers list --json"),
)
@AT
@click.option("--watch", is_flag=True, help="Once a second until Ctrl-C.")
@click.pass_obj
def list_breakers(invocation: Invocation, at: float | None, watch: bool) -> None:
    """Every upstream with its breaker, those with trouble first."""
    from abi_tui.cli import gateway_answers, session, watching

    with session.engine(invocation, reads=True, live=watch or at is not None) as engine:
        watching.show_or_watch(
            invocation, lambda: gateway_answers.breakers(invocation, engine, at), watch, at=at
        )


@breakers.command(
    "show",
    view="gateway.breaker",
    examples=(
        "abi gateway breakers show http://127.0.0.1:9000",
        "abi gateway breakers show http://127.0.0.1:9000 --json",
    ),
)
@UPSTREAM
@click.pass_obj
def show_breaker(invocation: Invocation, upstream: str) -> None:
    """One upstream: its breaker, its traffic, its connections."""
    from abi_tui.cli import gateway_answers, session
    from abi_tui.cli.output import show

    with session.engine(invocation, reads=True) as engine:
        show(invocation, gateway_answers.breaker(engine, upstream))


@breakers.command(
    "reset",
    changes=True,
    examples=(
        "abi gateway breakers reset http://127.0.0.1:9000",
        "abi gateway breakers reset http://127.0.0.1:9000 --dry-run",
    ),
)
@UPSTREAM
@click.pass_obj
def reset(invocation: Invocation, upstream: str) -> Exit:
    """Close a breaker, forget its counts, and release it if it was held."""
    from abi_tui.cli import session
    from abi_tui.cli.changes import Change, carry_out
    from abi_tui.cli.suggestions import nearest

    with session.engine(invocation, keeps="the change ends") as engine:
        with nearest(engine, upstream):
            state = engine.gateway.breaker_state(upstream)
        change = Change((f"reset the breaker of {upstream} ({_words(state)} before)",))
        return carry_out(invocation, change, lambda: engine.gateway.reset_breaker(upstream))


@breakers.command(
    "force",
    changes=True,
    examples=(
        "abi gateway breakers force http://127.0.0.1:9000 open",
        "abi gateway breakers force http://127.0.0.1:9000 release",
    ),
)
@UPSTREAM
@argument("state", type=click.Choice(("open", "closed", "release")), help="How to hold it.")
@click.pass_obj
def force(invocation: Invocation, upstream: str, state: str) -> Exit:
    """Hold a breaker open or closed, or release it."""
    from abi_engine.runtime.breaker import BreakerState
    from abi_tui.cli import session
    from abi_tui.cli.changes import Change, carry_out
    from abi_tui.cli.suggestions import nearest
    from abi_tui.views.detail import command_line

    held = None if state == "release" else BreakerState(state)
    step = f"release the breaker of {upstream}"
    if held is not None:
        step = f"hold the breaker of {upstream} {state}"
    undo = command_line("abi", "gateway", "breakers", "force", upstream, "release")
    with session.engine(invocation, keeps="the change ends") as engine:
        with nearest(engine, upstream):
            before = engine.gateway.breaker_state(upstream)
        step = f"{step} ({_words(before)} before)"
        return carry_out(
            invocation,
            Change((step,), undo if held else ""),
            lambda: engine.gateway.force_breaker(upstream, held),
        )


@breakers.command(
    "record",
    changes=True,
    examples=(
        "abi gateway breakers record http://127.0.0.1:9000 ok --latency 0.2",
        "abi gateway breakers record http://127.0.0.1:9000 failed",
    ),
)
@UPSTREAM
@argument("result", type=click.Choice(("ok", "failed")), help="How a call made elsewhere ended.")
@click.option(
    "--latency",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="How long that call took.",
)
@click.pass_obj
def record(invocation: Invocation, upstream: str, result: str, latency: float) -> Exit:
    """Tell a breaker of a call that was made elsewhere."""
    from abi_tui.cli import session
    from abi_tui.cli.changes import Change, carry_out
    from abi_tui.cli.suggestions import nearest

    step = f"tell the breaker of {upstream} of a call that was {result} after {latency:g} s"
    with session.engine(invocation, keeps="the change ends") as engine, nearest(engine, upstream):
        engine.gateway.breaker_state(upstream)
        return carry_out(
            invocation,
            Change((step,)),
            lambda: engine.gateway.record_upstream_result(upstream, result == "ok", latency),
        )


def _words(state: str) -> str:
    return state.replace("_", " ")
