"""The engine and its features. Refuses to say that all is well where something is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from abi_engine.core.feature import State
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import GatewayReport
from abi_engine.system import EngineStatus, FeatureStatus
from abi_tui.views import gateway_details, numbers
from abi_tui.views.detail import Detail, Line, line
from abi_tui.views.table import Cell, Column, Table, Tone

FEATURES = (
    Column("name", "feature"),
    Column("state", "state"),
    Column("health.message", "health"),
    Column("summary", "what it is"),
)


def status_detail(status: EngineStatus) -> Detail:
    """The engine, its features with their health, and what is wrong."""
    count = numbers.count
    return Detail(
        "engine.status",
        f"abi {safe(status.version)}",
        (
            Line("engine", state_cell(status.state)),
            line("up", numbers.duration(status.uptime_s)),
            line("process", f"{status.pid}, {count(status.threads)} threads"),
            line("memory", numbers.size(status.memory_bytes)),
            line("cpu", f"{numbers.decimal(status.cpu_s)} s"),
            line("python", safe(status.python)),
            line("data", safe(status.data_dir) or "in memory"),
            line("socket", safe(status.socket) or "none"),
            line("admin", safe(status.admin) or "none"),
            *(Line(safe(one.name), feature_cell(one)) for one in status.features),
            *(line("trouble", safe(words, limit=400), Tone.BAD) for words in status.trouble),
        ),
        "abi status --json",
    )


def features_table(features: Iterable[FeatureStatus]) -> Table:
    """Features in the given order."""
    rows = tuple(features)
    return Table(
        "engine.features",
        FEATURES,
        tuple(map(_feature_row, rows)),
        tuple(row.name for row in rows),
        len(rows),
        "no features",
    )


def state_cell(state: State) -> Cell:
    """The state of an engine or a feature."""
    if state is State.RUNNING:
        return Cell("● running", Tone.OK)
    if state is State.FAILED:
        return Cell("○ FAILED", Tone.BAD)
    return Cell(f"◐ {state.value}", Tone.WARN)


def feature_cell(feature: FeatureStatus) -> Cell:
    """What a feature does now: planned, off, ready until first use, or its health."""
    if not feature.built:
        return Cell("planned", Tone.DIM)
    if not feature.enabled:
        return Cell(f"– off: abi features enable {safe(feature.name)}", Tone.DIM)
    health = feature.health
    if health is None or feature.state is not State.RUNNING:
        ready = feature.state is State.CREATED
        return Cell("● ready, starts when used", Tone.OK) if ready else state_cell(feature.state)
    words = safe(health.message, limit=200)
    age = f", {numbers.span(health.age_s)} ago" if health.age_s >= 1 else ""
    return Cell(f"● {words}{age}", Tone.OK) if health.ok else Cell(f"○ SICK {words}{age}", Tone.BAD)


def trouble_cells(status: EngineStatus, gateway: GatewayReport | None) -> tuple[Cell, ...]:
    """What is wrong, in words, worst first; empty when all is well."""
    own = tuple(Cell(f"▲ {safe(words, limit=120)}", Tone.BAD) for words in status.trouble)
    return own + (gateway_details.trouble_cells(gateway) if gateway else ())


def _feature_row(feature: FeatureStatus) -> tuple[Cell, ...]:
    if not feature.built:
        state = Cell("planned", Tone.DIM)
    elif not feature.enabled:
        state = Cell("– off", Tone.DIM)
    elif feature.state is State.CREATED:
        state = Cell("● ready", Tone.OK)
    else:
        state = state_cell(feature.state)
    health = feature.health
    tone = Tone.PLAIN if health is None or health.ok else Tone.BAD
    words = safe(health.message, limit=200) if health else numbers.NONE
    return Cell(safe(feature.name)), state, Cell(words, tone), Cell(safe(feature.summary), Tone.DIM)


def served_detail(served: Mapping[str, object]) -> Detail:
    """Where a served engine can be reached: `pid`, `gateway`, `admin`, `socket`, `data_dir`."""
    return Detail(
        "engine.served",
        "engine",
        (
            line("gateway", safe(str(served["gateway"])) or "does not listen"),
            line("admin", safe(str(served["admin"])) or "does not listen"),
            line("socket", safe(str(served["socket"]))),
            line("data", safe(str(served["data_dir"]))),
            line("process", str(served["pid"])),
        ),
        "abi status --json",
    )
