"""Answers that go on: one a second, or one for each thing that happens, until Ctrl-C.

Refuses to redraw anything but a terminal; elsewhere each answer follows the one before.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from abi_tui.cli.columns import Writer
from abi_tui.cli.invocation import Format, Invocation, is_terminal
from abi_tui.cli.output import Answer, as_csv, document, line, show, write
from abi_tui.views.table import Cell

INTERVAL = 1.0
HOME_AND_CLEAR = "\x1b[H\x1b[J"


def show_or_watch(
    invocation: Invocation,
    answer: Callable[[], Answer],
    watch: bool,
    *,
    at: float | None = None,
) -> None:
    """Show an answer, or with `watch` one a second.

    Raises:
        UsageError: the past was asked for, which does not go on.
    """
    if watch and at is not None:
        message = "--at and --watch exclude each other: the past does not go on"
        raise click.UsageError(message)
    if watch:
        every_second(invocation, answer)
    else:
        show(invocation, answer())


def every_second(
    invocation: Invocation,
    answer: Callable[[], Answer],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Show an answer again and again, a second apart; JSON is one document a line.

    Args:
        invocation: has the format.
        answer: gives the answer of this moment.
        pause: waits some seconds.
    """
    if invocation.format is Format.CSV:
        message = "--csv has no form for what goes on: --jsonl has"
        raise click.UsageError(message)
    while True:
        _show_again(invocation, answer())
        pause(INTERVAL)


def each(
    invocation: Invocation,
    items: Iterable[Any],
    row: Callable[[Any], Sequence[Cell]],
    widths: Sequence[int],
    lagged: Callable[[], int],
    *,
    header: bool = True,
) -> None:
    """Show each thing as it comes, on a line of its own.

    Args:
        invocation: has the format.
        items: structs.
        row: a struct's cells.
        widths: of the columns.
        lagged: how many were lost so far because this end was slow; said when it grows.
        header: whether CSV begins with the names of its columns.
    """
    writer = Writer(color=invocation.colored(sys.stdout), cut=False)
    lost = 0
    for item in items:
        if invocation.format in (Format.JSON, Format.JSONL):
            write(line(item) + "\n")
        elif invocation.format is Format.CSV:
            text = as_csv((item,))
            write(text if header else text.partition("\n")[2])
        else:
            write(writer.row(row(item), widths, [False] * len(widths)) + "\n")
        header = False
        if lagged() > lost:
            invocation.warn(f"{lagged() - lost} were lost: this end was too slow")
            lost = lagged()


def _show_again(invocation: Invocation, answer: Answer) -> None:
    if invocation.machine:
        write(document(answer, indent=None) + "\n")
        return
    redraw = invocation.format is Format.TABLE and is_terminal(sys.stdout)
    writer = Writer(color=invocation.colored(sys.stdout), cut=redraw)
    lines = list(writer.lines(answer.view)) or [getattr(answer.view, "empty", "")]
    if redraw:
        size = shutil.get_terminal_size()
        write(HOME_AND_CLEAR + "\n".join(lines[: size.lines - 1]) + "\n")
    else:
        write("\n".join(lines) + "\n\n")
