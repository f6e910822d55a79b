"""What every connection of the data plane shares. Belongs to the loop's thread."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import TYPE_CHECKING, Protocol

from abi_engine.core.clock import Clock
from abi_engine.features.gateway.admission import Admitter
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.proxy.access_log import AccessLog
from abi_engine.features.gateway.proxy.pool import Pool
from abi_engine.features.gateway.proxy.request_ids import RequestIds
from abi_engine.features.gateway.proxy.trace_context import TraceContext

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.tls import ServerTls


class Client(Protocol):
    """A client's connection, as far as the end of the proxy is concerned."""

    def drain(self) -> None:
        """Take no request but those that are on their way, answer them, and close."""
        ...

    def end(self) -> None:
        """Close at once, whatever is under way."""
        ...


class DataPlane:
    """Collaborators and state of the proxy while it runs.

    Args:
        config: the gateway's.
        admitter: the library plane.
        clock: measures durations, and dates lines; deadlines are in the loop's own time.
        loop: runs everything here.
        ids: names requests.
        pool: connections to upstreams.
        log: where requests are written down, if anywhere.
        pseudonym: this gateway's name in `Via`, like no other's.
        trace_context: the traces that requests belong to.
        tls: what connections are secured with; None where they are not.
    """

    __slots__ = (
        "_date",
        "_date_at",
        "admitter",
        "clients",
        "clock",
        "config",
        "draining",
        "emptied",
        "ids",
        "limits",
        "log",
        "loop",
        "pool",
        "pseudonym",
        "tls",
        "trace_context",
    )

    def __init__(
        self,
        config: GatewayConfig,
        admitter: Admitter,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        ids: RequestIds,
        pool: Pool,
        log: AccessLog | None,
        pseudonym: bytes,
        trace_context: TraceContext,
        tls: ServerTls | None = None,
    ) -> None:
        self.config = config
        self.limits = config.limits
        self.admitter = admitter
        self.clock = clock
        self.loop = loop
        self.ids = ids
        self.pool = pool
        self.log = log
        self.pseudonym = pseudonym
        self.trace_context = trace_context
        self.tls = tls
        self.clients: set[Client] = set()
        self.draining = False
        self.emptied = asyncio.Event()
        """Set when the last client is gone after draining began."""
        self._date = b""
        self._date_at = -1

    def date(self) -> bytes:
        """The line for `Date`, made once a second."""
        now = int(self.clock.time())
        if now != self._date_at:
            self._date_at = now
            self._date = b"Date: " + formatdate(now, usegmt=True).encode()
        return self._date

    def reconfigure(self, config: GatewayConfig, tls: ServerTls | None) -> None:
        """Other settings, for what begins from now on."""
        self.config = config
        self.limits = config.limits
        self.trace_context.starts = config.trace_context == "start"
        self.tls = tls

    def client_gone(self, client: Client) -> None:
        """Forget a connection."""
        self.clients.discard(client)
        if self.draining and not self.clients:
            self.emptied.set()
