"""Opens the dashboard by its name. Refuses where there is no terminal to draw on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NamedTuple

from abi_engine.core.errors import InvalidArguments
from abi_tui.cli import session, settings
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.invocation import Invocation, is_terminal

DASHBOARD = "abi_tui.dashboard.app"
UNABLE = ("dumb", "unknown")  # what TERM says of a terminal that only takes letters
STDERR = 2


class Files(NamedTuple):
    """Recordings: one that is written, or one that is shown and from where on."""

    record: str | None = None
    replay: str | None = None
    at: float | None = None


def open_dashboard(
    invocation: Invocation,
    screen: str | None,
    *,
    read_only: bool,
    theme: str | None,
    files: Files = Files(),  # noqa: B008 - it holds nothing that changes
) -> int:
    """Draw the dashboard until it is left, and tell its exit code.

    Raises:
        InvalidArguments: there is no terminal, or nothing can be drawn on it.
    """
    if invocation.dry_run:
        where = files.replay or invocation.attach or session.data_dir(invocation)
        return carry_out(invocation, Change((f"open the dashboard on {where}",)), lambda: None)
    check_terminal("the dashboard", "abi dashboard --once prints what it shows")
    config = session.configuration(invocation)
    options = config.section("dashboard", session.sections()["dashboard"])
    own = settings.matching(settings.all_settings(config), "dashboard")
    with drawing():
        left: int = import_module(DASHBOARD).run(
            attach=invocation.attach,
            data_dir=invocation.data_dir,
            config=invocation.config,
            settings=invocation.flags,
            screen=screen,
            read_only=read_only,
            theme=theme,
            options=options,
            own=own,
            record=files.record,
            replay=files.replay,
            at=files.at,
        )
    return left


def check_terminal(what: str, hint: str) -> None:
    """Make sure that `what` can be drawn.

    Raises:
        InvalidArguments: stdout or stdin is no terminal, or one that cannot be drawn on.
    """
    if not (is_terminal(sys.stdout) and is_terminal(sys.stdin)) or sys.stderr is None:
        message = f"{what} draws on a terminal, and there is none"
        raise InvalidArguments(message, hint=hint)
    kind = os.environ.get("TERM", "")
    if kind in UNABLE:
        raise InvalidArguments(f"TERM is {kind!r}: {what} cannot be drawn on that", hint=hint)


@contextmanager
def drawing() -> Iterator[None]:
    """While what draws writes to stderr: the terminal there, too, where it leads elsewhere."""
    if is_terminal(sys.stderr):
        yield
        return
    sys.stderr.flush()
    before = os.dup(STDERR)
    os.dup2(sys.stdout.fileno(), STDERR)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, STDERR)
        os.close(before)
