"""A client's connection until TLS stands: it counts, has a time-out, and ends with the proxy.

Refuses to wait for ever, and to tell the tale of every scanner.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Final, cast

from uvloop.loop import SSLProtocol  # type: ignore[attr-defined]  # its stub has no protocols

from abi_engine.core.errors import Severity
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.proxy.client_connection import SPARE_CONNECTIONS, ClientConnection
from abi_engine.features.gateway.proxy.tls import ServerTls

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.plane import DataPlane

_SHUTDOWN_TIMEOUT: Final = 86_400.0
"""Of uvloop; connections have a shorter one, which knows slow clients from dead ones."""
_QUIET: Final = 60.0
"""Seconds between two events about handshakes that fail."""


class Handshakes:
    """Counts handshakes that fail, and says so at most once a minute.

    Args:
        events: where.
    """

    def __init__(self, events: EventLog) -> None:
        self._events = events
        self._unsaid = 0
        self._said_at = -_QUIET
        self.failed_total = 0

    def failed(self, error: Exception, address: str, now: float) -> None:
        """One has failed; `now` is in seconds of any clock."""
        self.failed_total += 1
        self._unsaid += 1
        if now - self._said_at < _QUIET:
            return
        count, self._unsaid, self._said_at = self._unsaid, 0, now
        handshakes = "a TLS handshake" if count == 1 else f"{count} TLS handshakes"
        self._events.add(
            "gateway",
            "handshake_failed",
            f"{handshakes} failed; the last, from {address}: {reason(error)}",
            severity=Severity.WARNING,
            count=count,
        )


class Handshake(asyncio.Protocol):
    """The connection as the listener gives it, and until its client speaks TLS.

    Args:
        plane: what all share.
        tls: what it is secured with.
        handshakes: where a failure is noted.
    """

    def __init__(self, plane: DataPlane, tls: ServerTls, handshakes: Handshakes) -> None:
        self._plane = plane
        self._tls = tls
        self._handshakes = handshakes
        self._transport = cast("asyncio.Transport", None)
        self._address = "unknown"
        self._last_call: asyncio.TimerHandle | None = None
        self._secured = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        plane = self._plane
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        if peer:
            self._address = peer[0]
        plane.clients.add(self)
        plane.admitter.connection_opened()
        over = plane.loop.create_future()
        over.add_done_callback(self._over)
        # `start_tls` of the loop would begin one turn too late: it loses what came before.
        protocol = SSLProtocol(
            plane.loop,
            _Secured(self),
            self._tls.context,
            over,
            server_side=True,
            ssl_handshake_timeout=self._tls.handshake_timeout,
            ssl_shutdown_timeout=_SHUTDOWN_TIMEOUT,
        )
        self._transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if len(plane.clients) > plane.limits.connections + SPARE_CONNECTIONS:
            self.end()

    def secured(self, transport: asyncio.Transport) -> None:
        """TLS stands: a client's connection as any other from here on."""
        self._secured = True
        self._forget()
        client = ClientConnection(self._plane, self._transport)
        transport.set_protocol(client)
        client.connection_made(transport)

    def drain(self) -> None:
        """Let it come to its end within the time that idle connections have."""
        linger = self._plane.config.linger
        self._last_call = self._plane.loop.call_later(linger, self.end)

    def end(self) -> None:
        """Close at once."""
        if not self._secured:
            self._transport.abort()

    def _over(self, over: asyncio.Future[None]) -> None:
        error = over.exception()
        if self._secured:
            return
        self._forget()
        self._plane.client_gone(self)
        self._plane.admitter.connection_closed()
        if isinstance(error, ssl.SSLError | ConnectionAbortedError):
            self._handshakes.failed(error, self._address, self._plane.loop.time())

    def _forget(self) -> None:
        self._plane.clients.discard(self)
        if self._last_call is not None:
            self._last_call.cancel()
            self._last_call = None


class _Secured(asyncio.Protocol):
    """Waits within TLS for the handshake's end."""

    def __init__(self, handshake: Handshake) -> None:
        self._handshake = handshake

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once TLS stands."""
        self._handshake.secured(cast("asyncio.Transport", transport))


def reason(error: Exception) -> str:
    """Why a handshake failed, in words of this machine alone."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no TLS").lower().replace("_", " ")
    return "it took too long"
