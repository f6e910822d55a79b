"""What the dashboard shows, printed once: `abi dashboard --once`. Refuses to draw."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from abi_engine.catalogue import BUILT_IN, find
from abi_engine.core.errors import FeatureDisabled
from abi_engine.core.feature import State
from abi_engine.features.gateway.api import GatewayReport, RouteSort
from abi_engine.system import FeatureStatus, Report
from abi_tui.cli import session
from abi_tui.cli.columns import Writer
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer, show, write
from abi_tui.views.detail import Detail
from abi_tui.views.engine import features_table, status_detail, trouble_cells
from abi_tui.views.events import events_table
from abi_tui.views.gateway import breakers_table, routes_table
from abi_tui.views.gateway_details import stats_detail
from abi_tui.views.overview import overview_table
from abi_tui.views.table import Table
from abi_tui.views.window import route_page

ROWS = 20
REPORTED = ("overview", "gateway", "events", "features", "engine")
COMMANDS = {
    "limits": "gateway limits",
    "keys": "gateway keys list",
    "workers": "gateway workers",
    "logs": "logs",
    "config": "config show --origin",
    "toolchain": "toolchain status",
    "plugins": "plugins list",
}
FEATURES = {"compute": "gpu", "bench": "benchmarks"}


def show_once(
    invocation: Invocation, screen: str, *, at: float | None = None, replay: str | None = None
) -> None:
    """Print what a screen shows.

    Args:
        invocation: says how, and of which engine.
        screen: its name.
        at: as it was then, where the screen shows what reports tell.
        replay: a recording to read in place of an engine.

    Raises:
        UsageError: of the past nothing of the kind is kept.
    """
    if screen in REPORTED:
        _show_report(invocation, screen, _report(invocation, at, replay))
        return
    if at is not None or replay is not None:
        message = f"of the past no {screen} is kept: --at and --replay know {', '.join(REPORTED)}"
        raise click.UsageError(message, click.get_current_context())
    if screen in COMMANDS:
        _run(invocation, COMMANDS[screen])
    else:
        _show_planned(invocation, FEATURES.get(screen, screen))


def _report(invocation: Invocation, at: float | None, replay: str | None) -> Report:
    if replay is not None:
        from abi_tui.recordings.reader import Recording

        with Recording(Path(replay)) as recording:
            return recording.report(at=at)
    with session.engine(invocation, reads=True, live=at is not None) as engine:
        with suppress(FeatureDisabled):
            engine.gateway.stats()  # an embedded engine starts what is touched
        return engine.system.report(at=at)


def _show_report(invocation: Invocation, screen: str, report: Report) -> None:
    if invocation.machine:
        table = overview_table(report.of("gateway", GatewayReport))
        show(invocation, Answer("engine.overview/1", _data(report), table, report.at))
        return
    limit = invocation.limit or ROWS
    writer = Writer(color=invocation.colored(sys.stdout), cut=invocation.format is Format.TABLE)
    parts = [_text(writer, title, view) for title, view in _views(report, screen, limit)]
    trouble = trouble_cells(report.engine, report.of("gateway", GatewayReport))
    head = "".join(f"{cell.text}\n" for cell in trouble) or "all is well\n"
    write("\n".join((head, *parts)))


def _run(invocation: Invocation, words: str) -> None:
    """What one command prints is that command."""
    from abi_tui.cli.root import root

    command = root()
    with command.make_context("abi", words.split(), obj=invocation) as context:
        command.invoke(context)


def _show_planned(invocation: Invocation, name: str) -> None:
    """What a feature would do."""
    found = find(BUILT_IN, name)
    rows = (
        (FeatureStatus(found.name, found.summary, found.default, found.built, State.CREATED),)
        if found is not None
        else ()
    )
    show(invocation, Answer("engine.features/1", rows, features_table(rows)))


def _data(report: Report) -> dict[str, Any]:
    return {
        "number": report.number,
        "engine": report.engine,
        "gateway": report.of("gateway", GatewayReport),
        "events": report.events,
    }


def _views(report: Report, screen: str, limit: int) -> list[tuple[str, Table | Detail]]:
    events = ("events", events_table(report.events[:limit]))
    gateway = report.of("gateway", GatewayReport)
    if screen == "events":
        return [events]
    if screen == "features":
        return [("features", features_table(report.engine.features))]
    if screen == "engine":
        whole = [("gateway", stats_detail(gateway.stats, report.at))] if gateway else []
        return [("engine", status_detail(report.engine)), *whole]
    found: list[tuple[str, Table | Detail]] = []
    found += [("overview", overview_table(gateway))] if screen == "overview" else []
    if gateway is not None:
        page = route_page(gateway.routes, sort=RouteSort.RATE, limit=limit, offset=0, filter="")
        found.append(("gateway routes", routes_table(page)))
        if screen == "gateway":
            found.append(("breakers", breakers_table(gateway.upstreams[:limit])))
    return found if screen == "gateway" else [*found, events]


def _text(writer: Writer, title: str, view: Table | Detail) -> str:
    lines = list(writer.lines(view)) or [view.empty if isinstance(view, Table) else ""]
    return "".join(f"{line}\n" for line in (title, *(f"  {line}" for line in lines)))
