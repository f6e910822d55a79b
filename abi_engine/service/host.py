"""What a served engine offers to other processes: the control socket, health and metrics.

The engine finds it by name and starts it; an embedded engine never does.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import msgspec

from abi_engine.core.errors import AbiError, AddressInUse, Severity
from abi_engine.runtime.loops import LoopThread
from abi_engine.service.admin import AdminEndpoint, Sources
from abi_engine.service.admin_token import admin_token
from abi_engine.service.figures import health_of, metrics_of
from abi_engine.service.places import socket_name, socket_to_listen
from abi_engine.service.server import Server

if TYPE_CHECKING:
    from abi_engine.engine import Engine

logger = logging.getLogger("abi_engine.service")


class Host:
    """The listeners of `engine`, between `start` and `stop`.

    Args:
        engine: what they serve; where it has a data directory, it holds its lock.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = LoopThread("abi-control")
        self._server: Server | None = None
        self._admin: AdminEndpoint | None = None
        self._trouble: tuple[str, ...] = ()

    @property
    def socket(self) -> str:
        """The path of the control socket; empty where there is none."""
        return str(self._server.path) if self._server else ""

    @property
    def admin(self) -> str:
        """`http://host:port` of health and metrics; empty where there is none."""
        return self._admin.url if self._admin else ""

    @property
    def trouble(self) -> tuple[str, ...]:
        """What could not be opened, in words."""
        return self._trouble

    @property
    def clients(self) -> int:
        """How many connections the control socket has."""
        return self._server.clients if self._server else 0

    def start(self) -> None:
        """Listen. Does nothing where it does.

        Raises:
            AddressInUse: an address is taken, and the engine is strict.
            AbiError: a listener cannot be opened.
        """
        if self._server is not None:
            return
        settings = self._engine.config.service
        self._server = server = self._new_server()
        try:
            server.start()
            if settings.admin:
                self._loop.start()
                self._start_admin(settings.admin_host, settings.admin_port, settings.token_file)
        except BaseException:
            self.stop(0.0)
            raise

    def stop(self, deadline: float) -> None:
        """Stop listening and end what clients have under way. Does nothing where nothing listens.

        Args:
            deadline: seconds for all of it.
        """
        server, self._server = self._server, None
        admin, self._admin = self._admin, None
        try:
            if server is not None:
                server.stop(deadline)
            if admin is not None:
                admin.stop(max(deadline, 1.0))
        except AbiError:
            logger.exception("the service did not stop in order")
        finally:
            self._loop.stop(max(deadline, 1.0))

    def _new_server(self) -> Server:
        data_dir = self._engine.data_dir
        if data_dir is None:
            name = f"memory-{os.getpid()}-{os.urandom(4).hex()}.sock"
        else:
            name = socket_name(data_dir)
        path = socket_to_listen(name, os.environ)
        return Server(self._engine, path, replace=data_dir is not None)

    def _start_admin(self, host: str, port: int, token_file: str) -> None:
        engine = self._engine
        token = admin_token(token_file, engine.data_dir)
        sources = Sources(self._health, self._metrics, token)
        inherited = engine.sockets.take("admin", host, port)
        admin = AdminEndpoint(self._loop, host, port, sources, inherited=inherited)
        try:
            admin.start()
        except AddressInUse as error:
            if engine.strict:
                raise
            self._trouble = (*self._trouble, error.message)
            engine.events.add(
                "engine", "address_in_use", error.message, subject="admin", severity=Severity.ERROR
            )
        else:
            self._admin = admin

    def _health(self) -> tuple[bool, bytes]:
        health = health_of(self._engine)
        return health.ok, msgspec.json.encode(health)

    def _metrics(self) -> str:
        return metrics_of(self._engine, self.clients)
