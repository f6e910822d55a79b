"""Reading the configuration again while the engine serves.

Refuses to apply half of one: what cannot be used leaves everything as it was, and is said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from abi_engine.config import EngineConfig, Sections, known_sections
from abi_engine.core.errors import AbiError, InvalidConfig, Severity
from abi_engine.core.feature import Feature
from abi_engine.core.text import safe
from abi_engine.engine import Engine
from abi_engine.system import ReloadReport

Loader = Callable[[], EngineConfig]

_ENGINE: Final = frozenset(("log_level", "stop_timeout", "lock_timeout"))

logger = logging.getLogger("abi_engine.service")


def reload(engine: Engine, read: Loader) -> ReloadReport:
    """Read the configuration, and go on with what of it can be changed in a running engine.

    Args:
        engine: one that runs.
        read: gives the configuration as it would be for a new engine.

    Raises:
        InvalidConfig: it cannot be used; everything is as it was.
    """
    before = engine.config
    try:
        _check_readable_again(before.file)
        wanted = read()
        changed = _changed(engine, before, wanted)
        fixed = _fixed(engine, changed)
        kinds = known_sections(tuple(engine.catalogue.values()))
        after = _kept(before, wanted, fixed, kinds)
        done = _apply(engine, before, after)
    except AbiError as error:
        _tell_refused(engine, error)
        raise
    engine.config = after
    _catch_up(engine, after, done)
    logging.getLogger("abi_engine").setLevel(after.engine.log_level.upper())
    applied = tuple(key for key in changed if key not in fixed)
    report = ReloadReport(str(after.file or ""), applied, tuple(fixed))
    _tell(engine, report)
    return report


def _check_readable_again(file: Path | None) -> None:
    """A pipe would be waited for, perhaps for ever."""
    if file is not None and file.is_fifo():
        raise InvalidConfig(
            f"{safe(str(file))} is no file that can be read again",
            hint="serve with a regular file, and abi reload reads it anew",
        )


def _changed(engine: Engine, before: EngineConfig, wanted: EngineConfig) -> tuple[str, ...]:
    """The keys whose values differ."""
    catalogue = tuple(engine.catalogue.values())
    ours = ("features", *known_sections(catalogue))  # others read the rest, by themselves
    values = {one.key: one.value for one in before.settings(catalogue)}
    found = [
        one.key
        for one in wanted.settings(catalogue)
        if one.key.partition(".")[0] in ours and one.value != values[one.key]
    ]
    moved = before.data_dir != wanted.data_dir
    return ("data_dir", *found) if moved else tuple(found)


def _fixed(engine: Engine, changed: Iterable[str]) -> dict[str, None]:
    """Those of the changed keys that a running engine cannot take up, in order."""
    running = engine.running()

    def is_fixed(key: str) -> bool:
        section, _, rest = key.partition(".")
        name = rest.partition(".")[0]
        if section == "engine":
            return name not in _ENGINE
        if section in running:
            return name not in running[section].reloadable
        # A feature that does not run takes it up when it is started.
        return section in ("data_dir", "features", "service")

    return dict.fromkeys(filter(is_fixed, changed))


def _kept(
    before: EngineConfig, wanted: EngineConfig, fixed: Iterable[str], kinds: Sections
) -> EngineConfig:
    """What is wanted, with the fixed settings as they are."""
    stems = {".".join(key.split(".")[:2]) for key in fixed}
    sections = dict(wanted.sections)
    for stem in stems:
        section, _, name = stem.partition(".")
        kind = kinds.get(section)
        if kind is not None:
            old = getattr(before.section(section, kind), name)
            new = wanted.section(section, kind) if section not in sections else sections[section]
            sections[section] = msgspec.structs.replace(new, **{name: old})
    origins = {key: origin for key, origin in wanted.origins.items() if not _under(key, stems)}
    origins |= {key: origin for key, origin in before.origins.items() if _under(key, stems)}
    return EngineConfig(before.data_dir, wanted.file, before.features, sections, origins)


def _under(key: str, stems: Iterable[str]) -> bool:
    return any(key == stem or key.startswith((f"{stem}.", f"{stem}[")) for stem in stems)


def _apply(engine: Engine, before: EngineConfig, after: EngineConfig) -> frozenset[str]:
    """Have every running feature go on with its section, or none; their names."""
    done: list[tuple[Feature, Any]] = []
    running = engine.running()
    try:
        for name, feature in running.items():
            kind = engine.catalogue[name].config
            feature.reconfigure(after.section(name, kind))
            done.append((feature, before.section(name, kind)))
    except BaseException:
        for feature, section in reversed(done):
            feature.reconfigure(section)
        raise
    return frozenset(running)


def _catch_up(engine: Engine, after: EngineConfig, done: frozenset[str]) -> None:
    """Have those go on as well that were first used meanwhile, and made of the old settings."""
    for name, feature in engine.running().items():
        if name not in done:
            feature.reconfigure(after.section(name, engine.catalogue[name].config))


def _tell_refused(engine: Engine, error: AbiError) -> None:
    hint = f" ({error.hint})" if error.hint else ""
    message = f"the configuration was not reloaded, the old one holds: {error.message}{hint}"
    logger.error(message)
    engine.events.add("engine", "reload_refused", message, severity=Severity.ERROR)


def _tell(engine: Engine, report: ReloadReport) -> None:
    where = f" from {safe(report.file)}" if report.file else ""
    words = [f"configuration reloaded{where}: {_listed(report.changed) or 'nothing has changed'}"]
    severity = Severity.INFO
    if report.needs_restart:
        words.append(f"a restart is needed for {_listed(report.needs_restart)}")
        severity = Severity.WARNING
    message = "; ".join(words)
    logger.log(logging.WARNING if report.needs_restart else logging.INFO, message)
    engine.events.add("engine", "reloaded", message, severity=severity)


def _listed(keys: tuple[str, ...], limit: int = 5) -> str:
    shown = [safe(key) for key in keys[:limit]]
    return ", ".join(shown + [f"and {len(keys) - limit} more"] * (len(keys) > limit))
