"""What the admin endpoint says of an engine: its health in JSON, its figures for a scraper.

Refuses to measure anything itself: it says what the engine and its features say of themselves.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from abi_engine.core.feature import Health, State
from abi_engine.core.sample import Family, Kind, Sample
from abi_engine.measure.metrics import prometheus_text

if TYPE_CHECKING:
    from abi_engine.engine import Engine
    from abi_engine.system import EngineStatus

logger = logging.getLogger("abi_engine.service")


class EngineHealth(msgspec.Struct, frozen=True):
    """The engine: `ok` where it runs and every feature that runs works."""

    ok: bool
    state: State
    version: str
    uptime_s: float
    features: dict[str, Health]
    trouble: tuple[str, ...]


def health_of(engine: Engine) -> EngineHealth:
    """The health of an engine, each feature's at most ten seconds old."""
    status = engine.system.status()
    features = {one.name: one.health for one in status.features if one.health is not None}
    well = status.state is State.RUNNING and all(health.ok for health in features.values())
    return EngineHealth(
        well, status.state, status.version, status.uptime_s, features, status.trouble
    )


def metrics_of(engine: Engine, clients: int) -> str:
    """Every figure of the process and of the features that run, for a scraper."""
    families = list(_process(engine.system.status(), clients))
    for name, feature in engine.running().items():
        try:
            families += feature.metrics()
        except Exception:
            logger.exception("%s: its metrics cannot be read", name)
    return prometheus_text(families)


def _process(status: EngineStatus, clients: int) -> tuple[Family, ...]:
    running = tuple(one for one in status.features if one.health is not None)
    healthy = tuple(
        Sample(float(one.health is not None and one.health.ok), (("feature", one.name),))
        for one in running
    )
    gauge, counter = Kind.GAUGE, Kind.COUNTER
    return (
        _one("abi_info", gauge, "The version that runs.", 1, ("version", status.version)),
        _one("abi_uptime_seconds", gauge, "Time since the engine was made.", status.uptime_s),
        _one("abi_control_clients", gauge, "Connections on the control socket.", clients),
        Family("abi_feature_healthy", gauge, "Whether a running feature works.", healthy),
        _one("process_cpu_seconds_total", counter, "CPU time used.", status.cpu_s),
        _one("process_resident_memory_bytes", gauge, "Memory in use.", status.memory_bytes),
        _one("process_threads", gauge, "Python threads.", status.threads),
        _one("process_open_fds", gauge, "Open descriptors.", _open_descriptors()),
    )


def _one(name: str, kind: Kind, text: str, value: float, *labels: tuple[str, str]) -> Family:
    return Family(name, kind, text, (Sample(float(value), labels),))


def _open_descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())
