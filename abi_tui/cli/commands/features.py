"""`abi features`: what is on, off and planned."""

from __future__ import annotations

import click

from abi_tui.cli.command import argument, group
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation

NAME = argument("name", live="features", help="As the list has it.")


@group("features", default="list", examples=("abi features", "abi features disable gateway"))
def command() -> None:
    """What is on, off and planned."""


@command.command(
    "list",
    view="engine.features",
    examples=("abi features list --all", "abi features list --json"),
)
@click.option("--all", "everything", is_flag=True, help="Those that are planned as well.")
@click.pass_obj
def list_features(invocation: Invocation, everything: bool) -> None:
    """The features of the running engine, or of the configuration where none runs."""
    from abi_engine.catalogue import BUILT_IN
    from abi_engine.core.feature import State
    from abi_engine.system import FeatureStatus
    from abi_tui.cli import session
    from abi_tui.cli.output import Answer, show
    from abi_tui.views.engine import features_table

    with session.engine(invocation) as engine:
        found = list(engine.system.status().features)
    if everything:
        found += [
            FeatureStatus(row.name, row.summary, False, False, State.CREATED)
            for row in BUILT_IN
            if not row.built
        ]
    rows = tuple(found)[: invocation.limit]
    show(invocation, Answer("engine.features/1", rows, features_table(rows), total=len(found)))


@command.command(
    "enable",
    changes=True,
    examples=("abi features enable gateway", "abi features enable gateway --dry-run"),
)
@NAME
@click.pass_obj
def enable(invocation: Invocation, name: str) -> Exit:
    """Switch a feature on in the running engine, until it stops.

    For good: abi config set features.NAME true
    """
    return _switch(invocation, name, on=True)


@command.command(
    "disable",
    changes=True,
    examples=("abi features disable gateway", "abi features disable gateway --dry-run"),
)
@NAME
@click.pass_obj
def disable(invocation: Invocation, name: str) -> Exit:
    """Switch a feature off in the running engine, until it stops.

    For good: abi config set features.NAME false
    """
    return _switch(invocation, name, on=False)


def _switch(invocation: Invocation, name: str, *, on: bool) -> Exit:
    from abi_tui.cli import session
    from abi_tui.cli.changes import Change, carry_out
    from abi_tui.cli.features import known
    from abi_tui.views.detail import command_line

    row = known(name)
    word, opposite = ("enable", "disable") if on else ("disable", "enable")
    undo = command_line("abi", "features", opposite, row.name)
    with session.running(invocation) as engine:
        return carry_out(
            invocation,
            Change((f"{word} the feature {row.name} until the engine stops",), undo),
            lambda: engine.system.set_feature(row.name, on),
        )
