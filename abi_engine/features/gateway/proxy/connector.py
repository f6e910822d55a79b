"""Opens connections to upstreams: name, address, TLS. Belongs to the loop's thread.

Addresses of a name are tried in turn, one after the other, until one takes the connection; how long
that may take is for the caller, who cancels. Refuses to race them.
"""

from __future__ import annotations

import asyncio
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM
from ssl import SSLContext, SSLError
from typing import Any, Final

from abi_engine.core.errors import InvalidArguments, Severity
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.proxy.resolver import CannotResolve, Name, Resolver
from abi_engine.features.gateway.tls_contexts import TlsContexts, server_name
from abi_engine.features.gateway.upstream_tls import tls_words

_OURS: Final = frozenset((EMFILE, ENFILE, ENOBUFS, ENOMEM))
"""Errors by which the system says that this process has no room for a connection."""
_GOODBYE: Final = 1.0
"""Seconds that the other end of a TLS connection has to agree that it is over."""


class CannotConnect(Exception):
    """No connection is to be had.

    Args:
        reason: one line.
        is_tls: the upstream was reached, and no secure connection came of it.
        is_ours: this process may open no more, which tells nothing of the upstream.
    """

    def __init__(self, reason: str, *, is_tls: bool = False, is_ours: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_tls = is_tls
        self.is_ours = is_ours


class Connector:
    """Opens connections.

    Args:
        loop: runs them.
        resolver: of names.
        contexts: for TLS.
        events: told when this process can open no more, and when it can again.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        resolver: Resolver,
        contexts: TlsContexts,
        events: EventLog,
    ) -> None:
        self._loop = loop
        self.resolver = resolver
        self._contexts = contexts
        self._events = events
        self._is_short = False

    async def connect(self, address: UpstreamAddress, protocol: asyncio.Protocol) -> str:
        """Connect `protocol` to an upstream; the IP address where it was a name, else nothing.

        Raises:
            CannotConnect: with what went wrong last.
        """
        options = await self._tls(address) if address.tls is not None else {}
        name = self.resolver.name(address.host)
        if name is None:
            await self._connect(address.host, address, protocol, options)
            return ""
        return await self._connect_to_one(name, address, protocol, options)

    async def _connect_to_one(
        self,
        name: Name,
        address: UpstreamAddress,
        protocol: asyncio.Protocol,
        options: dict[str, Any],
    ) -> str:
        try:
            places = await name.in_turn()
        except CannotResolve as error:
            raise CannotConnect(f"cannot resolve: {error}") from error
        last = CannotConnect("the name has no address")
        for place in places:
            try:
                await self._connect(place, address, protocol, options)
            except CannotConnect as error:
                name.failed(place)
                last = error
            except asyncio.CancelledError:
                name.failed(place)  # it may be what took too long
                raise
            else:
                return place
        raise last

    async def _connect(
        self,
        place: str,
        address: UpstreamAddress,
        protocol: asyncio.Protocol,
        options: dict[str, Any],
    ) -> None:
        try:
            await self._loop.create_connection(lambda: protocol, place, address.port, **options)
        except SSLError as error:
            raise CannotConnect(tls_words(error), is_tls=True) from error
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None)
            if options and not words:  # no call of the system's failed: the handshake did
                raise CannotConnect(tls_words(error), is_tls=True) from error
            reason = words or type(error).__name__
            ours = getattr(error, "errno", None) in _OURS
            if ours:
                self._tell_short(reason)
            raise CannotConnect(f"cannot connect: {reason}", is_ours=ours) from error
        self._tell_well()

    def _tell_short(self, reason: str) -> None:
        if not self._is_short:
            self._is_short = True
            self._events.add(
                "gateway",
                "no_room",
                f"no connection to an upstream can be opened: {reason}; requests are answered 503",
                severity=Severity.ERROR,
            )

    def _tell_well(self) -> None:
        if self._is_short:
            self._is_short = False
            self._events.add("gateway", "room_again", "connections can be opened again")

    async def _tls(self, address: UpstreamAddress) -> dict[str, Any]:
        """What the loop needs to know for TLS."""
        assert address.tls is not None
        context: SSLContext | None = self._contexts.get(address.tls)
        if context is None:
            try:
                context = await self._loop.run_in_executor(None, self._contexts.of, address.tls)
            except InvalidArguments as error:
                raise CannotConnect(f"tls: {error.message}", is_tls=True) from error
        return {
            "ssl": context,
            "server_hostname": server_name(address),
            "ssl_shutdown_timeout": _GOODBYE,
        }
