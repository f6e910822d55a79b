"""What ABI runs on: tools, the machine. Refuses to call something there that was not found."""

from __future__ import annotations

from collections.abc import Iterable

from abi_engine.core.text import safe
from abi_engine.toolchain.status import Status, Tool
from abi_engine.toolchain.system_info import SystemInfo
from abi_tui.views import numbers
from abi_tui.views.detail import Detail, line
from abi_tui.views.table import Cell, Column, Table, Tone

TOOLS = (
    Column("status", "state"),
    Column("name", "tool"),
    Column("version", "version"),
    Column("needed", "needed"),
    Column("enables", "what for"),
    Column("remedy", "what brings it"),
)

_STATES = {
    Status.OK: Cell("● ok", Tone.OK),
    Status.OPTIONAL: Cell("– absent", Tone.DIM),
    Status.OLD: Cell("◐ old", Tone.WARN),
    Status.MISSING: Cell("○ MISSING", Tone.BAD),
}


def tools_table(tools: Iterable[Tool]) -> Table:
    """Tools in the given order."""
    rows = tuple(tools)
    return Table(
        "toolchain.status",
        TOOLS,
        tuple(map(_row, rows)),
        tuple(tool.name for tool in rows),
        len(rows),
        "nothing was looked for",
    )


def system_info_detail(info: SystemInfo) -> Detail:
    """The machine, the interpreter and the places of ABI."""
    terminal = info.terminal
    size = f"{terminal.columns}×{terminal.rows}" if terminal.columns else "no terminal"
    found = "" if info.config_found else " (not there: all defaults)"
    return Detail(
        "system.info",
        "system",
        (
            line("abi", f"{safe(info.abi_version)} in {safe(info.abi_path)}"),
            line("python", f"{safe(info.python)} at {safe(info.python_path)}"),
            line("system", f"{safe(info.system)}, {safe(info.machine)}"),
            line("processor", f"{safe(info.processor)}, {info.usable} of {info.processors} usable"),
            line("memory", _memory(info)),
            line("config", safe(info.config_file) + found),
            line("data", safe(info.data_dir)),
            line("runtime", safe(info.runtime_dir) or "XDG_RUNTIME_DIR is not set"),
            line("open files", f"{info.open_files} at once, at most {info.open_files_max}"),
            line("terminal", f"{safe(terminal.kind) or 'TERM is not set'}, {size}"),
            line("colours", _colours(info)),
            line("locale", safe(terminal.locale) or "not set"),
        ),
        "abi system-info --json",
    )


def _row(tool: Tool) -> tuple[Cell, ...]:
    return (
        _STATES[tool.status],
        Cell(safe(tool.name)),
        Cell(safe(tool.version, limit=60) or numbers.NONE),
        Cell(safe(tool.needed) or "any", Tone.DIM),
        Cell(safe(tool.enables, limit=200), Tone.DIM),
        Cell(safe(tool.remedy, limit=200), Tone.PLAIN),
    )


def _memory(info: SystemInfo) -> str:
    if info.memory_bytes is None:
        return "the system does not tell"
    total = numbers.size(info.memory_bytes)
    free = info.memory_available_bytes
    return total if free is None else f"{total}, {numbers.size(free)} available"


def _colours(info: SystemInfo) -> str:
    asked = "NO_COLOR asks for none" if info.terminal.no_color else ""
    return asked or safe(info.terminal.colours) or "as TERM says"
