"""How the running engine is told to read its configuration again, and what came of it."""

from __future__ import annotations

from abi_engine.core.text import safe
from abi_engine.system import ReloadReport
from abi_tui.cli import session
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.output import Answer, show
from abi_tui.views.detail import Detail, Line, line
from abi_tui.views.table import Tone


def reload(invocation: Invocation) -> Exit:
    """Reload the configuration of the running engine, and show which settings changed.

    Raises:
        EngineNotRunning: none runs.
        InvalidConfig: the configuration cannot be used.
    """
    with session.running(invocation) as engine:
        status = engine.system.status()
        if invocation.dry_run:
            step = f"have the engine {status.pid} read its configuration again"
            return carry_out(invocation, Change((step,)), lambda: None)
        report = engine.system.reload()
    show(invocation, Answer("engine.reload/1", report, _detail(report)))
    if report.needs_restart:
        keys = safe(", ".join(report.needs_restart))
        invocation.warn(f"not in force before a restart: {keys} (abi stop, then abi serve)")
    return Exit.DONE


def _detail(report: ReloadReport) -> Detail:
    rows: list[Line] = [line("file", safe(report.file) or "none")]
    rows += [line("changed", safe(key), Tone.STRONG) for key in report.changed]
    rows += [line("restart", safe(key), Tone.WARN) for key in report.needs_restart]
    if len(rows) == 1:
        rows.append(line("changed", "nothing"))
    return Detail("engine.reload", "reloaded", tuple(rows), "abi config show --running --changed")
