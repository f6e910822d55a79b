"""The demo's own engine: a child process on free ports and a directory that goes away.

Refuses the user's settings: the environment's are left out, and no file but the demo's is read.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from abi_engine import AbiError, Clock, Unavailable
from abi_engine.features.gateway.api import GatewayReport
from abi_engine.runtime.data_directory import DataDirectory
from abi_engine.service.client import Client
from abi_engine.service.launch import ENGINE, Launched, detach
from abi_engine.service.places import socket_names
from abi_tui.demo.routes import abi_toml
from abi_tui.demo.upstreams import Role

STOP_DEADLINE = 3.0
GONE_TIMEOUT = 8.0
POLL = 0.05
CALL_TIMEOUT = 5.0


class DemoEngine:
    """An engine in front of the upstreams; `close` leaves neither process nor file.

    Args:
        directory: holds its configuration and data, and is removed at the end.
        launched: the process.
        clock: how long it may take to end.
        made: the directories for its socket that were not there before.
    """

    def __init__(
        self, directory: Path, launched: Launched, clock: Clock, made: tuple[Path, ...] = ()
    ) -> None:
        self.directory = directory
        self._made = made
        self.socket = launched.ready.socket
        self._launched = launched
        self._clock = clock

    @classmethod
    def start(cls, urls: Mapping[Role, str], environ: Mapping[str, str], clock: Clock) -> Self:
        """Start it, with routes to the upstreams at these addresses.

        Raises:
            AbiError: what kept it from starting.
        """
        directory = Path(tempfile.mkdtemp(prefix="abi-demo-"))
        try:
            config = directory / "abi.toml"
            config.write_text(abi_toml(urls), encoding="utf-8")
            command = (*ENGINE, "--config", str(config), "--data-dir", str(directory / "data"))
            sockets = socket_names(directory / "data", environ)
            missing = tuple(one.parent for one in sockets if not one.parent.exists())
            launched = detach(command, owned=True, environ=without_settings(environ))
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        return cls(directory, launched, clock, missing)

    def gateway(self) -> str:
        """Where the gateway listens, `http://host:port`.

        Raises:
            Unavailable: it does not.
        """
        with Client(self.socket, timeout=CALL_TIMEOUT) as client:
            report = client.system.report().of("gateway", GatewayReport)
        if report is None or not report.listening:
            raise Unavailable(
                "the demo's gateway does not listen", hint=report.trouble if report else ""
            )
        return report.listening

    def close(self) -> None:
        """Stop it, whoever else is attached, and remove its directory."""
        with suppress(AbiError), Client(self.socket, timeout=CALL_TIMEOUT) as client:
            client.system.stop(deadline=STOP_DEADLINE)
        self._launched.leave()
        owned = DataDirectory(self.directory / "data")
        if not self._is_gone(owned) and (holder := owned.holder()):
            with suppress(ProcessLookupError):
                os.kill(holder, signal.SIGKILL)
            self._is_gone(owned)
        Path(self.socket).unlink(missing_ok=True)  # there still, where it was killed
        shutil.rmtree(self.directory, ignore_errors=True)
        for place in self._made:
            with suppress(OSError):  # another engine has its socket there by now
                place.rmdir()

    def _is_gone(self, owned: DataDirectory) -> bool:
        """Whether its process has let go of the directory within the time that it may take."""
        deadline = self._clock.monotonic() + GONE_TIMEOUT
        while owned.holder() is not None:
            if self._clock.monotonic() > deadline:
                return False
            time.sleep(POLL)
        return True


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment in which nothing is said about the configuration of an engine."""
    places = ("ABI_CONFIG", "ABI_DATA_DIR")
    return {
        name: value
        for name, value in environ.items()
        if name not in places and not (name.startswith("ABI_") and "__" in name)
    }
