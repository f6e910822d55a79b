"""`abi demo`: the living demo, under the dashboard or without a screen.

Steer it with requests through its own gateway: POST /demo/pause, /demo/resume, /demo/fail,
/demo/recover, /demo/faster or /demo/slower, with curl or with `p` on that route in the dashboard;
GET /demo/status tells how things are. Refuses to leave a process or a file behind, however it ends.
"""

from __future__ import annotations

import sys

from abi_engine import InternalError
from abi_tui.cli.columns import Writer
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer, show, write
from abi_tui.cli.screen import check_terminal, open_dashboard
from abi_tui.demo.headless import watch
from abi_tui.demo.report import SCHEMA, DemoReport
from abi_tui.demo.report_view import parts, totals
from abi_tui.demo.stage import Stage

SEED = 7
SECONDS = 30.0


def run(
    *,
    headless: bool = False,
    seconds: float | None = None,
    json: bool = False,
    seed: int = SEED,
    invocation: Invocation | None = None,
) -> int:
    """Run the demo and tell the exit code.

    Args:
        headless: without a screen; the report goes to stdout, what happens meanwhile to stderr.
        seconds: how long without a screen.
        json: the report as one JSON document, whatever `invocation` says.
        seed: of everything that varies.
        invocation: says how to write; else as people read it.

    Raises:
        InvalidArguments: a screen was asked for, and there is no terminal to draw on.
        AbiError: what kept the demo from running.
    """
    invocation = invocation or Invocation()
    if json:
        invocation.format = Format.JSON
    if headless:
        return _headless(SECONDS if seconds is None else seconds, seed, invocation)
    check_terminal("the demo", f"abi demo --headless --seconds {SECONDS:g}")
    with Stage(seed) as stage:
        invocation.attach = stage.opened.socket
        left = open_dashboard(invocation, None, read_only=False, theme=None)
        if stage.failure:
            raise InternalError(f"the demo's process has ended: {stage.failure}")
    return left


def _headless(seconds: float, seed: int, invocation: Invocation) -> int:
    talk = (lambda _: None) if invocation.machine else invocation.note
    with Stage(seed) as stage:
        report = watch(stage, seconds, talk)
    _write(report, invocation)
    for check in report.checks:
        if not check.ok:
            invocation.warn(f"{check.name}: {check.expected} and {check.found} differ")
    return Exit.DONE if report.ok else Exit.FAILED


def _write(report: DemoReport, invocation: Invocation) -> None:
    if invocation.machine:
        show(invocation, Answer(SCHEMA, report, totals(report)))
        return
    writer = Writer(color=invocation.colored(sys.stdout), cut=invocation.format is not Format.PLAIN)
    for part in parts(report):
        lines = tuple(writer.lines(part.view)) or (getattr(part.view, "empty", ""),)
        write("\n".join((part.title, *(f"  {line}" for line in lines), "", "")))
