"""Opens the dashboard by its name, in this terminal or in a browser.

Refuses where there is no terminal to draw on, or what a browser needs is not installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import NamedTuple

from abi_engine.core.errors import InvalidArguments, Unavailable
from abi_tui.cli import session, settings
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.invocation import Invocation, is_terminal
from abi_tui.cli.output import Answer, show, write
from abi_tui.views.detail import Detail

DASHBOARD = "abi_tui.dashboard.app"
WEB = "abi_tui.dashboard.web"
WAY = "abi_tui.dashboard.launch"
BROWSER = "textual.drivers.web_driver:WebDriver"
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
    to_browser = os.environ.get("TEXTUAL_DRIVER") == BROWSER  # stdout leads to a page
    if not to_browser:
        check_terminal("the dashboard", "abi dashboard --once prints what it shows")
    config = session.configuration(invocation)
    options = config.section("dashboard", session.sections()["dashboard"])
    own = settings.matching(settings.all_settings(config), "dashboard")
    with nullcontext() if to_browser else drawing():
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


def serve_dashboard(
    invocation: Invocation, screen: str | None, *, theme: str | None, port: int
) -> None:
    """Serve a dashboard to browsers of this machine, for each visitor one, until Ctrl-C.

    Raises:
        Unavailable: the extra `web` is not installed.
    """
    if invocation.dry_run:
        carry_out(invocation, Change(("serve the dashboard on 127.0.0.1",)), lambda: None)
        return
    try:
        web = import_module(WEB)
    except ModuleNotFoundError as error:
        message = f"the dashboard in a browser needs {error.name}, which is not installed"
        raise Unavailable(message, hint="pip install 'abi[web]'") from error
    way = import_module(WAY).Way(
        attach=invocation.attach,
        data_dir=invocation.data_dir,
        config=invocation.config,
        settings=invocation.flags,
    )

    def tell(address: str) -> None:
        if invocation.machine:
            data = {"url": address, "pid": os.getpid()}
            show(invocation, Answer("dashboard.web/1", data, Detail("dashboard.web", "web", ())))
        else:
            write(f"{address}\n")
            invocation.note("it shows and changes nothing; Ctrl-C ends it")

    web.serve(way, _own_command(invocation, screen, theme), port=port, tell=tell)


def _own_command(invocation: Invocation, screen: str | None, theme: str | None) -> list[str]:
    """Opens the same dashboard, for one visitor."""
    words = [sys.executable, "-m", "abi_tui.cli", "dashboard", "--read-only"]
    given = {
        "--screen": screen,
        "--theme": theme,
        "--attach": invocation.attach,
        "--config": invocation.config,
        "--data-dir": invocation.data_dir,
    }
    words += [word for flag, value in given.items() if value for word in (flag, value)]
    return words + [
        word for key, value in invocation.flags.items() for word in ("--set", f"{key}={value}")
    ]


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
