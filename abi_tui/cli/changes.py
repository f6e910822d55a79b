"""What a command changes: said beforehand, asked about where it matters, undone by what is said.

Refuses to do anything in a dry run, and anything that matters without a yes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

import click

from abi_engine.core.text import safe
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation, say
from abi_tui.cli.output import Answer, show
from abi_tui.views.detail import Detail, command_line, line

SCHEMA = "change/1"


class Danger(Enum):
    """How much is at stake: a mild change is done, a moderate one is asked about."""

    MILD = auto()
    MODERATE = auto()


class Change(NamedTuple):
    """A plan.

    Attributes:
        steps: what is done, each as an order: `remove the route /users/{id}`.
        undo: the command that undoes it; empty where none does.
        danger: whether to ask first.
        diff: how a file would differ, line by line; shown in a dry run.
    """

    steps: tuple[str, ...]
    undo: str = ""
    danger: Danger = Danger.MILD
    diff: tuple[str, ...] = ()


def carry_out(invocation: Invocation, change: Change, do: Callable[[], object]) -> Exit:
    """Do what the plan says, or in a dry run only say it.

    Args:
        invocation: has `--dry-run`, `--yes`, `--no-input` and the format.
        change: the plan.
        do: does it.
    """
    if not invocation.dry_run:
        if change.danger is Danger.MODERATE and not confirmed(invocation, change.steps):
            say("nothing was done")
            return Exit.FAILED
        do()
    word = "would" if invocation.dry_run else "done"
    undo = _there(invocation, change.undo)
    data = {
        "dry_run": invocation.dry_run,
        "steps": list(change.steps),
        "undo": undo,
        "diff": list(change.diff),
    }
    shown = change.diff if invocation.dry_run else ()
    lines = (
        *(line(word, safe(step)) for step in change.steps),
        *(line("", safe(one)) for one in shown),
    )
    show(invocation, Answer(SCHEMA, data, Detail("change", word, lines)))
    if undo and not invocation.dry_run:
        invocation.note(f"undo: {safe(undo)}")
    return Exit.DONE


def _there(invocation: Invocation, undo: str) -> str:
    """The command that undoes a change, at the engine that this command was told to change."""
    if not undo.startswith("abi "):  # nothing, or a command of another program
        return undo
    if invocation.attach is not None:
        return f"{undo} {command_line('--attach', invocation.attach)}"
    if invocation.data_dir is not None:
        return f"{undo} {command_line('--data-dir', invocation.data_dir)}"
    return undo


def confirmed(invocation: Invocation, steps: tuple[str, ...]) -> bool:
    """Whether somebody said yes.

    Raises:
        UsageError: nobody can be asked, and `--yes` was not given.
    """
    if invocation.yes:
        return True
    what = safe("; ".join(steps))
    if not invocation.can_ask():
        message = f"{what}: nobody can be asked here; --yes does it, --dry-run shows it"
        raise click.UsageError(message)
    sys.stderr.write(f"abi: {what}? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
