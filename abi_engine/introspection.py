"""The engine's own operations. Refuses to change anything but what it is asked to."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from abi_engine.catalogue import Row, find
from abi_engine.config import Setting
from abi_engine.core.errors import EngineStateError, FeaturePlanned, InvalidArguments, NotFound
from abi_engine.core.events import Event
from abi_engine.core.feature import State
from abi_engine.core.stream import Stream
from abi_engine.core.text import safe
from abi_engine.recorder import Recorder
from abi_engine.system import (
    EngineStatus,
    FeatureStatus,
    LogLine,
    ReloadReport,
    Report,
    SystemApi,
)
from abi_engine.version import VERSION

if TYPE_CHECKING:
    from abi_engine.engine import Engine

REPORT_EVENTS = 100
MOMENTS = 1e10  # seconds: three centuries, which every calendar holds
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class System(SystemApi):
    """Implements `SystemApi` for one engine.

    Args:
        engine: whose.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._numbers = count(1)
        self._started = engine.clock.time()
        self._watching: set[threading.Event] = set()
        settings = engine.config.engine
        self.recorder = Recorder(self.report, seconds=settings.history, size=settings.history_size)

    def status(self) -> EngineStatus:
        engine = self._engine
        features = tuple(self._feature(row) for row in engine.catalogue.values() if row.built)
        sick = [f"{f.name}: {f.health.message}" for f in features if f.health and not f.health.ok]
        return EngineStatus(
            state=engine.state,
            version=VERSION,
            python=".".join(map(str, sys.version_info[:3])),
            pid=os.getpid(),
            started_at=datetime.fromtimestamp(self._started, UTC),
            uptime_s=max(engine.clock.time() - self._started, 0.0),
            data_dir=str(engine.data_dir or ""),
            socket=engine.socket,
            admin=engine.admin,
            memory_bytes=_resident_bytes(),
            threads=threading.active_count(),
            cpu_s=time.process_time(),
            features=features,
            trouble=(*engine.trouble, *sick),
        )

    def report(self, *, at: float | None = None) -> Report:
        if at is not None:
            return self._recorded(at)
        encode = msgspec.msgpack.encode
        made = {name: feature.report() for name, feature in self._engine.running().items()}
        features = {name: msgspec.Raw(encode(one)) for name, one in made.items() if one is not None}
        return Report(
            next(self._numbers),
            datetime.fromtimestamp(self._engine.clock.time(), UTC),
            self.status(),
            features,
            self._engine.events.latest(REPORT_EVENTS),
        )

    def reports(self, *, since: int = 0, limit: int = 900) -> Stream[Report]:
        _check_count(limit)
        closed = threading.Event()
        found = takewhile(lambda _: not closed.is_set(), self.recorder.since(since, limit))
        return Stream(iter(found), closed.set)

    def watch(self, *, interval: float = 1.0) -> Stream[Report]:
        if not 0.1 <= interval <= 60:
            raise InvalidArguments(f"interval = {interval}: from 0.1 to 60 seconds")
        closed = threading.Event()
        self._watching.add(closed)

        def reports() -> Iterator[Report]:
            while not closed.is_set():
                yield self.report()
                closed.wait(interval)

        def close() -> None:
            closed.set()
            self._watching.discard(closed)

        return Stream(reports(), close)

    def events(
        self, *, limit: int = 100, source: str | None = None, before: int | None = None
    ) -> tuple[Event, ...]:
        _check_count(limit)
        return self._engine.events.latest(limit, source=source, before=before)

    def watch_events(self, *, source: str | None = None) -> Stream[Event]:
        stream = self._engine.events.watch()
        if source is None:
            return stream
        chosen = (event for event in stream if event.source == source)
        return Stream(chosen, stream.close, lambda: stream.lagged)

    def logs(self, *, limit: int = 200) -> tuple[LogLine, ...]:
        _check_count(limit)
        return tuple(LogLine(*line) for line in self._engine.log.latest(limit))

    def watch_logs(self) -> Stream[LogLine]:
        stream = self._engine.log.watch()
        lines = (LogLine(*line) for line in stream)
        return Stream(lines, stream.close, lambda: stream.lagged)

    def settings(self) -> tuple[Setting, ...]:
        return self._engine.config.settings(tuple(self._engine.catalogue.values()))

    def set_feature(self, name: str, enabled: bool) -> None:
        row = find(tuple(self._engine.catalogue.values()), name)
        if row is None:
            raise NotFound(f"no feature named '{safe(name)}'", hint="abi features")
        if not row.built:
            message = f"the feature '{name}' is planned, not built"
            raise FeaturePlanned(message, hint="abi features", feature=name)
        if enabled:
            self._engine.enable(name)
        else:
            self._engine.disable(name)

    def reload(self) -> ReloadReport:
        return self._engine.reload()

    def stop(self, *, deadline: float = 30.0) -> None:
        if not 0 <= deadline <= 3600:
            raise InvalidArguments(f"deadline = {deadline}: from 0 to 3600 seconds")
        if not self._engine.control:
            raise EngineStateError(
                "this engine is embedded", hint="the program that made it calls Engine.stop()"
            )
        self._engine.ask_to_stop(deadline)

    def close(self) -> None:
        """End every stream of reports."""
        for closed in tuple(self._watching):
            closed.set()
        self._watching.clear()

    def _feature(self, row: Row) -> FeatureStatus:
        feature = self._engine.running().get(row.name)
        enabled = self._engine.enabled(row.name)
        if feature is None:
            return FeatureStatus(row.name, row.summary, enabled, row.built, State.CREATED)
        return FeatureStatus(
            row.name, row.summary, enabled, row.built, feature.state, feature.health()
        )

    def _recorded(self, at: float) -> Report:
        if not abs(at) <= MOMENTS:
            raise InvalidArguments(f"at = {at}: seconds since the epoch, or ago where negative")
        moment = at if at >= 0 else self._engine.clock.time() + at
        found = self.recorder.before(moment)
        if found is None:
            kept = self._engine.config.engine.history
            when = datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
            raise NotFound(
                f"no report as old as {when} is kept",
                hint=f"a served engine keeps {kept} s of them ([engine] history)",
            )
        return found


def _check_count(limit: int) -> None:
    if not 1 <= limit <= 100_000:
        raise InvalidArguments(f"limit = {limit}: from 1 to 100000")


def _resident_bytes() -> int:
    """The resident set of this process; on systems without /proc the most it has been."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(pages) * PAGE_BYTES
