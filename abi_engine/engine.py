"""The engine: every feature by name, imported and started when first touched.

Refuses to open a listener unless it is served, and to touch a disk unless it has a data directory.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

from abi_engine.catalogue import BUILT_IN, Catalogue, Row
from abi_engine.config import EngineConfig
from abi_engine.core.clock import Clock, SystemClock
from abi_engine.core.errors import EngineStateError, Severity
from abi_engine.core.events import EventLog
from abi_engine.core.feature import Context, Feature, State, disabled, planned
from abi_engine.core.inherited import InheritedSockets
from abi_engine.introspection import System
from abi_engine.runtime.data_directory import DataDirectory
from abi_engine.runtime.logs import LogRing
from abi_engine.system import ReloadReport, SystemApi

if TYPE_CHECKING:
    from types import TracebackType

    from abi_engine.features.gateway.api import GatewayApi
    from abi_engine.features.gateway.gateway import Gateway

# The service stands above the engine, which finds it by name, as it finds the features.
HOST = "abi_engine.service.host"
LATE_S = 1.0

logger = logging.getLogger("abi_engine.engine")


class EngineApi(Protocol):
    """What an engine and a client of one have in common."""

    @property
    def system(self) -> SystemApi:
        """The engine's own operations."""
        ...

    @property
    def gateway(self) -> GatewayApi:
        """The API gateway."""
        ...


class Host(Protocol):
    """What a served engine offers to other processes."""

    @property
    def socket(self) -> str:
        """The path of the control socket."""
        ...

    @property
    def admin(self) -> str:
        """`http://host:port` of health and metrics; empty where they are not served."""
        ...

    @property
    def trouble(self) -> tuple[str, ...]:
        """What could not be opened, in words."""
        ...

    @property
    def clients(self) -> int:
        """How many connections the control socket has."""
        ...

    def start(self) -> None:
        """Listen."""
        ...

    def stop(self, deadline: float) -> None:
        """Let calls end, then close."""
        ...


class Engine:
    """An engine in this process.

    A feature is an attribute of its name: a feature that is off, or not built, is an object whose
    every operation raises. Any thread may use it. `with` starts and stops it.

    Args:
        config: see `EngineConfig`; without one, all defaults, and nothing on disk.
        catalogue: the features there are.
        clock: time for everything in it.
        control: serve it: listeners, the control socket, health and metrics.
        strict: whether an address in use fails the start; if not, it is said and the rest runs.
        sockets: listening sockets that the process was started with.
        reloader: reads the configuration again and has the engine go on with it.
    """

    gateway: Gateway

    def __init__(
        self,
        config: EngineConfig | None = None,
        *,
        catalogue: Catalogue = BUILT_IN,
        clock: Clock | None = None,
        control: bool = False,
        strict: bool = True,
        sockets: InheritedSockets | None = None,
        reloader: Callable[[Engine], ReloadReport] | None = None,
    ) -> None:
        self.config = config or EngineConfig()
        self.catalogue: dict[str, Row] = {row.name: row for row in catalogue}
        self.clock: Clock = clock or SystemClock()
        self.control = control
        self.strict = strict
        self.sockets = sockets or InheritedSockets()
        self._reloader = reloader
        self._reloading = threading.Lock()
        self.state = State.CREATED
        self.events = EventLog(self.clock)
        self.log = LogRing()
        self.system = System(self)
        self.stop_asked = threading.Event()
        self.stop_deadline = self.config.engine.stop_timeout
        self._switched: dict[str, bool] = {}
        self._running: dict[str, Feature] = {}
        self._directory: DataDirectory | None = None
        self._host: Host | None = None
        self._life = threading.RLock()  # start and stop, one at a time
        self._building = threading.RLock()

    if not TYPE_CHECKING:  # seen by a checker, it would make every misspelling pass

        def __getattr__(self, name: str) -> Any:
            row = vars(self).get("catalogue", {}).get(name)
            if row is None:
                message = f"the engine has no feature {name!r}"
                raise AttributeError(message)
            if self.state is State.CREATED and row.built:
                self.start()
            with self._building:
                found = vars(self).get(name)
                return self._build(row) if found is None else found

    @property
    def data_dir(self) -> Path | None:
        """Where it keeps what lasts; None where it lives in memory."""
        return self.config.data_dir

    @property
    def socket(self) -> str:
        """The path of its control socket; empty where there is none."""
        return self._host.socket if self._host else ""

    @property
    def admin(self) -> str:
        """`http://host:port` of health and metrics; empty where there is none."""
        return self._host.admin if self._host else ""

    @property
    def trouble(self) -> tuple[str, ...]:
        """What is wrong with the service, in words."""
        return self._host.trouble if self._host else ()

    @property
    def clients(self) -> int:
        """How many connections its control socket has."""
        return self._host.clients if self._host else 0

    def start(self, *, lock_timeout: float | None = None) -> None:
        """Own the data directory and, where it is served, listen. Does nothing in one that runs.

        Args:
            lock_timeout: seconds to wait for another owner, else `[engine] lock_timeout`.

        Raises:
            EngineBusy: another process owns the data directory.
            DataDirectoryError: it cannot be used.
            AddressInUse: a listener's address is taken, and the engine is strict.
            EngineStateError: it was stopped before; make another.
        """
        with self._life:
            if self.state is State.RUNNING:
                return
            if self.state is not State.CREATED:
                raise EngineStateError(
                    f"this engine is {self.state}", hint="an engine starts once: make another"
                )
            self.state = State.STARTING
            try:
                self._open(lock_timeout)
            except BaseException:
                self._close(LATE_S)
                self.state = State.FAILED
                raise
            self.state = State.RUNNING
            self.events.add("engine", "started", "engine started")

    def stop(self, deadline: float | None = None) -> None:
        """Stop what was started, last first. Does nothing in an engine that does not run.

        Args:
            deadline: seconds for all of it, else `[engine] stop_timeout`. What does not end by
                then is left behind and said in the log; the call returns.
        """
        with self._life:
            if self.state is not State.RUNNING:
                return
            self.state = State.STOPPING
            self.events.add("engine", "stopping", "engine stopping")
            self._close(self.config.engine.stop_timeout if deadline is None else deadline)
            self.state = State.STOPPED
            self.events.add("engine", "stopped", "engine stopped")

    def reload(self) -> ReloadReport:
        """See `SystemApi.reload`; one at a time."""
        if self._reloader is None:
            raise EngineStateError(
                "this engine is embedded: it has no configuration to read again",
                hint="make another engine with another configuration",
            )
        with self._reloading:
            if self.state is not State.RUNNING:
                raise EngineStateError(f"this engine is {self.state}", hint="start another")
            return self._reloader(self)

    def ask_to_stop(self, deadline: float) -> None:
        """Tell whoever serves this engine to stop it within `deadline` seconds."""
        self.stop_deadline = deadline
        self.stop_asked.set()

    def running(self) -> dict[str, Feature]:
        """The features that were started, by name, in that order."""
        return dict(self._running)

    def enabled(self, name: str) -> bool:
        """Whether a feature is switched on, and its parent and all it needs are."""
        row = self.catalogue[name]
        chosen = self.config.features.get(name, row.default)
        others = (*row.needs, row.parent) if row.parent else row.needs
        return self._switched.get(name, chosen) and all(map(self.enabled, others))

    def enable(self, name: str) -> None:
        """Switch a feature on until the engine stops; one that listens begins to."""
        with self._building:
            self._switched[name] = True
            self._forget_forms()
            if self._listens(self.catalogue[name]):
                getattr(self, name)
        self.events.add("engine", "feature_enabled", f"{name} switched on", subject=name)

    def disable(self, name: str) -> None:
        """Switch a feature off, and what needs it, until the engine stops."""
        with self._building:
            self._switched[name] = False
            for other in reversed(list(self._running)):
                if not self.enabled(other):
                    self._stop_feature(other, self._running.pop(other), LATE_S)
            self._forget_forms()
        self.events.add("engine", "feature_disabled", f"{name} switched off", subject=name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _open(self, lock_timeout: float | None) -> None:
        logging.getLogger("abi_engine").addHandler(self.log)
        if self.config.data_dir is not None:
            self._directory = DataDirectory(self.config.data_dir)
            configured = self.config.engine.lock_timeout
            self._directory.acquire(configured if lock_timeout is None else lock_timeout)
        if self.control:
            for row in self.catalogue.values():
                if row.built and self.enabled(row.name) and self._listens(row):
                    getattr(self, row.name)
            host: Host = import_module(HOST).Host(self)
            self._host = host
            host.start()
            self.system.recorder.start()

    def _close(self, deadline: float) -> None:
        end = self.clock.monotonic() + deadline
        for name, feature in reversed(self._running.items()):
            self._stop_feature(name, feature, max(end - self.clock.monotonic(), 0.0))
        self.system.recorder.stop(LATE_S)
        self.system.close()
        if self._host is not None:
            self._host.stop(max(end - self.clock.monotonic(), LATE_S))
        self.events.close()
        if self._directory is not None:
            self._directory.release()
        logging.getLogger("abi_engine").removeHandler(self.log)
        self.log.close()

    def _stop_feature(self, name: str, feature: Feature, deadline: float) -> None:
        """In a thread, so that one that hangs cannot keep the others."""
        thread = threading.Thread(
            target=feature.stop, args=(deadline,), name=f"abi-stop-{name}", daemon=True
        )
        thread.start()
        thread.join(deadline + LATE_S)
        if thread.is_alive():
            message = f"{name} did not stop within {deadline:.1f} s and was left behind"
            logger.error(message)
            self.events.add("engine", "stop_late", message, subject=name, severity=Severity.ERROR)

    def _build(self, row: Row) -> Any:
        if not row.built:
            return vars(self).setdefault(row.name, planned(row.name))
        if not self.enabled(row.name):
            return vars(self).setdefault(row.name, disabled(row.api, row.name, row.flag))
        if self.state not in (State.STARTING, State.RUNNING):
            raise EngineStateError(
                f"{row.name}: the engine is {self.state}", hint="make and start another engine"
            )
        feature = row.implementation(self._section(row), self._context(), **self._others(row))
        feature.start()
        self._running[row.name] = feature
        vars(self)[row.name] = feature
        return feature

    def _forget_forms(self) -> None:
        """Let the next touch decide anew what stands under each name that does not run."""
        for name in self.catalogue.keys() - self._running.keys():
            vars(self).pop(name, None)

    def _section(self, row: Row) -> Any:
        return self.config.section(row.name, row.config)

    def _listens(self, row: Row) -> bool:
        return self.control and bool(getattr(self._section(row), "listen", False))

    def _context(self) -> Context:
        return Context(
            self.clock, self.events, self.data_dir, self.control, self.strict, self.sockets
        )

    def _others(self, row: Row) -> dict[str, Any]:
        needs = {name: getattr(self, name) for name in row.needs}
        uses = {name: getattr(self, name) if self._usable(name) else None for name in row.uses}
        return needs | uses

    def _usable(self, name: str) -> bool:
        return self.catalogue[name].built and self.enabled(name)
