"""What the dashboard shows, printed once: `abi dashboard --once`. Refuses to draw."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import click

from abi_engine.core.errors import FeatureDisabled
from abi_engine.features.gateway.api import GatewayReport, RouteSort
from abi_engine.system import Report
from abi_tui.cli import session
from abi_tui.cli.columns import Writer
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer, show, write
from abi_tui.views.engine import features_table, trouble_cells
from abi_tui.views.events import events_table
from abi_tui.views.gateway import breakers_table, routes_table
from abi_tui.views.overview import overview_table
from abi_tui.views.table import Cell, Table
from abi_tui.views.window import route_page

ROWS = 20
SCREENS = ("overview", "gateway", "events", "features")


def show_once(invocation: Invocation, screen: str) -> None:
    """Print what a screen shows at this moment.

    Raises:
        UsageError: the screen shows nothing of the engine's report.
    """
    if screen not in SCREENS:
        message = f"--once knows the screens {', '.join(SCREENS)}; '{screen}' has its own command"
        raise click.UsageError(message, click.get_current_context())
    with session.engine(invocation, reads=True) as engine:
        with suppress(FeatureDisabled):
            engine.gateway.stats()  # an embedded engine starts what is touched
        report = engine.system.report()
    if invocation.machine:
        table = overview_table(report.of("gateway", GatewayReport))
        show(invocation, Answer("engine.overview/1", _data(report), table, report.at))
        return
    limit = invocation.limit or ROWS
    writer = Writer(color=invocation.colored(sys.stdout), cut=invocation.format is Format.TABLE)
    parts = [_text(writer, title, table) for title, table in _tables(report, screen, limit)]
    trouble = trouble_cells(report.engine, report.of("gateway", GatewayReport))
    head = "".join(f"{cell.text}\n" for cell in trouble) or "all is well\n"
    write("\n".join((head, *parts)))


def _data(report: Report) -> dict[str, Any]:
    return {
        "number": report.number,
        "engine": report.engine,
        "gateway": report.of("gateway", GatewayReport),
        "events": report.events,
    }


def _tables(report: Report, screen: str, limit: int) -> list[tuple[str, Table]]:
    events = ("events", events_table(report.events[:limit]))
    gateway = report.of("gateway", GatewayReport)
    if screen == "events":
        return [events]
    if screen == "features":
        return [("features", features_table(report.engine.features))]
    found = [("overview", overview_table(gateway))] if screen == "overview" else []
    if gateway is not None:
        page = route_page(gateway.routes, sort=RouteSort.RATE, limit=limit, offset=0, filter="")
        found.append(("gateway routes", routes_table(page)))
        if screen == "gateway":
            found.append(("breakers", breakers_table(gateway.upstreams[:limit])))
    return found if screen == "gateway" else [*found, events]


def _text(writer: Writer, title: str, table: Table) -> str:
    lines = list(writer.table(table)) or [Cell(table.empty).text]
    return "".join(f"{line}\n" for line in (title, *(f"  {line}" for line in lines)))
