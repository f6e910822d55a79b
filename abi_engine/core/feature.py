"""The contract of a feature: its life, its health, and what stands in for one that is off.

Refuses to import any feature.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar, NamedTuple, NoReturn, TypeVar, cast

import msgspec

from abi_engine.core.clock import Clock
from abi_engine.core.errors import FeatureDisabled, FeaturePlanned
from abi_engine.core.events import EventLog
from abi_engine.core.inherited import InheritedSockets
from abi_engine.core.operation import stand_in
from abi_engine.core.sample import Family

T = TypeVar("T")

HEALTH_AGE_S = 10.0


class State(StrEnum):
    """Where an engine or a feature is in its life."""

    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class Health(msgspec.Struct, frozen=True):
    """Whether the thing itself works.

    Attributes:
        ok: it was tried and it worked.
        message: what was tried, or what is wrong and the way out.
        checked_at: when it was tried, UTC.
        age_s: how old the answer is.
    """

    ok: bool
    message: str
    checked_at: datetime
    age_s: float = 0.0


class Context(NamedTuple):
    """What the engine gives every feature.

    Attributes:
        clock: time.
        events: where the feature says what happened.
        data_dir: where it keeps what must last; None for an engine that lives in memory.
        listening: whether it may open listeners: true in a served engine only.
        strict: whether an address in use fails the start; if not, it is said and the rest runs.
        sockets: listening sockets that the process was started with.
    """

    clock: Clock
    events: EventLog
    data_dir: Path | None = None
    listening: bool = False
    strict: bool = True
    sockets: InheritedSockets = InheritedSockets()


class Feature:
    """Base of every feature: `start` opens and `stop` closes, once each however often called.

    Subclasses override `_open`, `_close`, `_probe`, `report` and `metrics`, and for a reload
    `reloadable` and `_reconfigure`. A constructor takes its configuration and collaborators, and
    does no I/O.
    """

    reloadable: ClassVar[frozenset[str]] = frozenset()
    """Settings of its section that `reconfigure` applies; the others need a restart."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.state = State.CREATED
        self._life = RLock()
        self._health: tuple[float, Health] | None = None

    def start(self) -> None:
        """Open what the feature needs. Does nothing in a feature that runs.

        Raises:
            AbiError: what kept it from opening; its state is then `failed`.
        """
        with self._life:
            if self.state is State.RUNNING:
                return
            self.state = State.STARTING
            try:
                self._open()
            except BaseException:
                self.state = State.FAILED
                raise
            self.state = State.RUNNING

    def stop(self, deadline: float) -> None:
        """Close it again within `deadline` seconds. Does nothing in a feature that is not open."""
        with self._life:
            if self.state is not State.RUNNING:
                return
            self.state = State.STOPPING
            try:
                self._close(deadline)
            finally:
                self.state = State.STOPPED

    def reconfigure(self, config: Any) -> None:
        """Go on with another configuration, without cutting what is under way.

        Called at every reload, changed or not: files that the settings name are read again. Does
        nothing in a feature that does not run.

        Args:
            config: its section; only settings that are `reloadable` differ from before.

        Raises:
            AbiError: it cannot be used; everything is as it was.
        """
        with self._life:
            if self.state is State.RUNNING:
                self._reconfigure(config)

    def health(self) -> Health:
        """Whether it works, tried at most every ten seconds; `age_s` says how old the answer is."""
        now = self.context.clock.monotonic()
        kept = self._health
        if kept is None or now - kept[0] >= HEALTH_AGE_S:
            ok, message = self._probe()
            at = datetime.fromtimestamp(self.context.clock.time(), UTC)
            self._health = kept = now, Health(ok, message, at)
        return msgspec.structs.replace(kept[1], age_s=max(now - kept[0], 0.0))

    def report(self) -> msgspec.Struct | None:
        """What the dashboard shows of the feature; cheap at ten calls a second under load."""
        return None

    def metrics(self) -> tuple[Family, ...]:
        """Its figures for a scraper."""
        return ()

    def _open(self) -> None: ...

    def _close(self, deadline: float) -> None: ...

    def _reconfigure(self, config: Any) -> None: ...

    def _probe(self) -> tuple[bool, str]:
        return self.state is State.RUNNING, self.state.value


def disabled(api: type[T], name: str, flag: str) -> T:
    """The disabled form of a feature: every public name raises `FeatureDisabled` with its flag.

    Operations raise when they are called; names that only the implementation has, when they are
    read. Names with an underscore raise `AttributeError`, so that `copy` and `hasattr` behave.
    """

    def refuse(member: str) -> NoReturn:
        raise FeatureDisabled(
            f"{name}.{member}: the feature '{name}' is switched off",
            hint=f"set {flag} = true, or abi --enable {name}",
            flag=flag,
        )

    def missing(_: object, member: str) -> NoReturn:
        if member.startswith("_"):
            raise AttributeError(member)
        refuse(member)

    return stand_in(api, lambda op, _: refuse(op.name), __getattr__=missing)


class _Planned:
    """What stands under a name that is reserved."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, member: str) -> NoReturn:
        if member.startswith("_"):
            raise AttributeError(member)
        raise FeaturePlanned(
            f"{self._name}.{member}: the feature '{self._name}' is planned, not built",
            hint="abi help --all lists what is built",
            feature=self._name,
        )


def planned(name: str) -> Any:
    """The form of a feature that is not built: every public name raises `FeaturePlanned`."""
    return cast("Any", _Planned(name))
