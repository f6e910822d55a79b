"""What an engine says of itself and does to itself, callable from every interface.

Refuses to know any feature: their reports travel encoded, and their own `api.py` has the types.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Protocol, TypeVar

import msgspec

from abi_engine.config import Setting
from abi_engine.core.events import Event
from abi_engine.core.feature import Health, State
from abi_engine.core.operation import operation
from abi_engine.core.stream import Stream

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class FeatureStatus(msgspec.Struct, frozen=True):
    """A feature in this engine.

    Attributes:
        name, summary: as in the catalogue.
        enabled: switched on; built: more than a reserved name.
        state: where it is in its life; `created` until first use.
        health: the last answer, where it runs.
    """

    name: str
    summary: str
    enabled: bool
    built: bool
    state: State
    health: Health | None = None


class EngineStatus(msgspec.Struct, frozen=True):
    """The engine.

    Attributes:
        state: where it is in its life.
        version, python: what runs; pid: in which process.
        started_at: UTC; uptime_s: since then.
        data_dir: where it keeps what lasts; empty for an engine that lives in memory.
        socket: its control socket; empty where there is none.
        admin: `http://host:port` of health and metrics; empty where there is none.
        memory_bytes: resident set of the process; threads: of it; cpu_s: used so far.
        features: every row of the catalogue that is built.
        trouble: what is wrong, in words, worst first; empty when all is well.
    """

    state: State
    version: str
    python: str
    pid: int
    started_at: datetime
    uptime_s: float
    data_dir: str
    socket: str
    admin: str
    memory_bytes: int
    threads: int
    cpu_s: float
    features: tuple[FeatureStatus, ...]
    trouble: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """Everything the dashboard shows, at one moment.

    Attributes:
        number: counts up by one from 1.
        at: when, UTC.
        engine: the engine itself.
        features: each running feature's report by name, as MessagePack; read it with `of`.
        events: the newest 100, newest first.
    """

    number: int
    at: datetime
    engine: EngineStatus
    features: dict[str, msgspec.Raw]
    events: tuple[Event, ...]

    def of(self, name: str, kind: type[T]) -> T | None:
        """The report of the feature `name` as a `kind`; None where it does not run."""
        raw = self.features.get(name)
        return None if raw is None else msgspec.msgpack.decode(raw, type=kind)


class LogLine(msgspec.Struct, frozen=True):
    """One line of the engine's log."""

    at: datetime
    level: str
    logger: str
    message: str


class ReloadReport(msgspec.Struct, frozen=True):
    """What came of reading the configuration again.

    Attributes:
        file: the one that was read; empty where there is none.
        changed: settings that are in force now, by dotted key.
        needs_restart: settings that differ and are not, until the engine is started again.
    """

    file: str
    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]


class SystemApi(Protocol):
    """The engine's own operations. Any thread may call them."""

    @operation(safe=True)
    def status(self) -> EngineStatus:
        """The engine and its features, with their health (see `Health.age_s`)."""
        ...

    @operation(safe=True)
    def report(self, *, at: float | None = None) -> Report:
        """What the dashboard shows: now, or as it was recorded nearest before a moment.

        Args:
            at: seconds since the epoch; negative means that many seconds ago; None means now.

        Raises:
            NotFound: nothing so old is kept.
        """
        ...

    @operation(command=False, reason="abi dashboard goes back in time with it", safe=True)
    def reports(self, *, since: int = 0, limit: Count = 900) -> Stream[Report]:
        """The recorded reports with a number above `since`, oldest first."""
        ...

    @operation(command=False, reason="abi dashboard draws it", safe=True)
    def watch(
        self, *, interval: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 1.0
    ) -> Stream[Report]:
        """A report every `interval` seconds until closed, the first at once.

        Each is made when the one before has been taken: a slow reader gets fewer, never old ones.
        """
        ...

    @operation(safe=True)
    def events(
        self, *, limit: Count = 100, source: str | None = None, before: int | None = None
    ) -> tuple[Event, ...]:
        """The newest events, newest first; `before` an id gives the next page."""
        ...

    @operation(safe=True, lossy=True)
    def watch_events(self, *, source: str | None = None) -> Stream[Event]:
        """Every event from now on until closed."""
        ...

    @operation(safe=True)
    def logs(self, *, limit: Count = 200) -> tuple[LogLine, ...]:
        """The newest lines of the log, oldest first."""
        ...

    @operation(safe=True, lossy=True)
    def watch_logs(self) -> Stream[LogLine]:
        """Every line of the log from now on until closed."""
        ...

    @operation(safe=True)
    def settings(self) -> tuple[Setting, ...]:
        """Every setting in force and where it comes from; secrets hidden."""
        ...

    @operation
    def set_feature(self, name: str, enabled: bool) -> None:
        """Switch a feature on or off in this engine, until it stops.

        Raises:
            NotFound: no feature has that name.
            FeaturePlanned: it is not built.
        """
        ...

    @operation
    def reload(self) -> ReloadReport:
        """Read the configuration again, and go on with it; no request is cut.

        The file, the environment and the flags count as they did at the start; files that the
        settings name, such as certificates, are read again too.

        Raises:
            InvalidConfig: it cannot be used; everything is as it was, and an event says so.
            EngineStateError: this engine is embedded; its program makes another.
        """
        ...

    @operation
    def stop(self, *, deadline: Annotated[float, msgspec.Meta(ge=0, le=3600)] = 30.0) -> None:
        """Drain and stop a served engine; returns when that has begun.

        Raises:
            EngineStateError: this engine is embedded; its program stops it.
        """
        ...
