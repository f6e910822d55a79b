"""Plugins that are installed. Refuses to show their own words before they are made safe."""

from __future__ import annotations

from collections.abc import Iterable

from abi_engine.core.text import safe
from abi_engine.plugins import Plugin
from abi_tui.views.table import Cell, Column, Table, Tone

COLUMNS = (
    Column("enabled", "state"),
    Column("name", "plugin"),
    Column("version", "version"),
    Column("distribution", "distribution"),
    Column("summary", "what it is"),
)
EMPTY = "no plugins are installed: a distribution brings one with an entry point in 'abi.plugins'"


def plugins_table(plugins: Iterable[Plugin]) -> Table:
    """Plugins in the given order."""
    rows = tuple(plugins)
    return Table(
        "plugins.list",
        COLUMNS,
        tuple(map(_row, rows)),
        tuple(plugin.name for plugin in rows),
        len(rows),
        EMPTY,
    )


def _row(plugin: Plugin) -> tuple[Cell, ...]:
    return (
        Cell("● on", Tone.OK) if plugin.enabled else Cell("– off", Tone.DIM),
        Cell(safe(plugin.name, limit=60)),
        Cell(safe(plugin.version, limit=40)),
        Cell(safe(plugin.distribution, limit=60)),
        Cell(safe(plugin.summary, limit=200), Tone.DIM),
    )
