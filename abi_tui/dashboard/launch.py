"""The way of a dashboard to its engine: the one that runs, else one of its own, as a child.

Refuses to start an engine in place of somebody else's that went away: that one is waited for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from abi_engine.config import default_data_dir
from abi_engine.core.errors import EngineNotRunning
from abi_engine.service.client import Client
from abi_engine.service.connect import attached, joined

if TYPE_CHECKING:
    from abi_engine.service.launch import Launched

CALL_TIMEOUT_S = 15.0


class Way:
    """How to reach the engine, each time anew.

    Args:
        attach: the path of a control socket, or `ssh://[user@]host[/data/dir]`; then nothing else
            will do, and no engine is started.
        data_dir: of the engine; else `ABI_DATA_DIR`, else the user's.
        config: the configuration file of an engine that has to be started.
        settings: its settings by dotted key.
        environ: where the environment is read.
    """

    def __init__(
        self,
        *,
        attach: str | None = None,
        data_dir: str | Path | None = None,
        config: str | None = None,
        settings: Mapping[str, str] | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._attach = attach
        self._environ = environ
        where = Path(data_dir) if data_dir is not None else default_data_dir(environ)
        self._data_dir = where.expanduser().absolute()
        self._config = config
        self._settings = dict(settings or {})
        self._own: Launched | None = None
        self._foreign = False

    @property
    def owned(self) -> bool:
        """Whether the engine is this dashboard's own, and ends with it."""
        return self._own is not None

    @property
    def name(self) -> str:
        """Whom one is attached to, in a word or two."""
        if self._attach is not None and self._attach.startswith("ssh://"):
            return f"{self._attach.removeprefix('ssh://').partition('/')[0]} engine"
        return "own engine" if self.owned else "engine"

    @contextmanager
    def open(self) -> Iterator[Client]:
        """The engine, started where none runs and none ran before.

        Raises:
            AbiError: why there is none.
        """
        with self._reach() as client:
            yield client

    def leave(self) -> None:
        """Let go of an engine of one's own: it drains and stops."""
        own, self._own = self._own, None
        if own is not None:
            own.leave()

    def _reach(self) -> Client:
        if self._attach is not None:
            return attached(self._attach, CALL_TIMEOUT_S)
        running = joined(self._data_dir, self._environ, CALL_TIMEOUT_S)
        if running is not None:
            self._foreign = self._foreign or not self.owned
            return running
        if self._foreign:
            message = f"no engine runs on {self._data_dir}"
            raise EngineNotRunning(message, hint="abi serve starts one")
        return self._started()

    def _started(self) -> Client:
        from abi_engine.service.launch import ENGINE, detach

        command = [*ENGINE, "--lenient", "--data-dir", str(self._data_dir)]
        command += ["--config", self._config] if self._config else []
        for key, value in self._settings.items():
            command += ["--set", f"{key}={value}"]
        self.leave()
        self._own = detach(command, owned=True, environ=self._environ)
        return Client(self._own.ready.socket, timeout=CALL_TIMEOUT_S)
