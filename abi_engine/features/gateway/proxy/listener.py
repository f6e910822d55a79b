"""The sockets that clients connect to: opened here, or inherited from whoever started the process.

Refuses to lose who waits in their queue: at the end everybody in it is let in, or, where the socket
outlives this process, left to the next one.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from array import array
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from abi_engine.core.errors import AbiError, AddressInUse, InvalidConfig, PermissionRefused
from abi_engine.core.inherited import host_and_port
from abi_engine.features.gateway.config import GatewayConfig

BACKLOG: Final = 2048
_LAST_CALL: Final = 0.02
"""Seconds in which connections that are being opened when a stop begins come to stand."""
_SO_ATTACH_FILTER: Final = 26
_DROP_SYN: Final = (
    (0x30, 0, 0, 13),  # A = the flags of the TCP header
    (0x54, 0, 0, 0x12),  # A &= SYN | ACK
    (0x15, 0, 1, 0x02),  # only SYN:
    (0x06, 0, 0, 0),  # drop it
    (0x06, 0, 0, 0xFFFF_FFFF),  # take all of it
)
"""A filter for sockets in the classic language of BPF (Linux)."""


class Listener:
    """Accepts connections between `open` and `close`. Belongs to the loop's thread.

    Args:
        factory: the protocol of a new connection.
    """

    def __init__(self, factory: Callable[[], asyncio.Protocol]) -> None:
        self._factory = factory
        self._servers: list[asyncio.Server] = []
        self._outlived = False

    async def open(
        self, config: GatewayConfig, inherited: list[socket.socket], *, lasting: bool = True
    ) -> tuple[str, int]:
        """Listen on inherited sockets, or else where the configuration says; tell where.

        Args:
            config: of the gateway.
            inherited: sockets that listen already.
            lasting: whether these outlive this process.

        Raises:
            AddressInUse: somebody else listens there.
            PermissionRefused: this user may not listen there.
            InvalidConfig: the address is none of this machine's.
        """
        loop = asyncio.get_running_loop()
        self._outlived = bool(inherited) and lasting
        for one in inherited:
            server = await loop.create_server(self._factory, sock=one, backlog=BACKLOG)
            self._servers.append(server)
        if not inherited:
            try:
                server = await loop.create_server(
                    self._factory,
                    config.host,
                    config.port,
                    backlog=BACKLOG,
                    reuse_address=True,
                    reuse_port=config.reuse_port,
                )
            except (OSError, UnicodeError) as error:
                raise cannot_listen(error, config) from error
            self._servers.append(server)
        return host_and_port(self._servers[0].sockets[0])

    async def close(self) -> None:
        """Listen no more; who has connected by now is let in, unless the socket lives on."""
        servers, self._servers = self._servers, []
        queues: list[socket.socket] = []
        if not self._outlived:
            sockets = [one for server in servers for one in server.sockets]
            queues = [socket.socket(fileno=os.dup(one.fileno())) for one in sockets]
            for queue in queues:
                _ignore_newcomers(queue)
            await asyncio.sleep(_LAST_CALL)
        for server in servers:
            server.close()
        for queue in queues:
            with queue:
                await self._let_in(queue)

    async def _let_in(self, queue: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        queue.setblocking(False)
        for _ in range(BACKLOG):
            try:
                connection, _ = queue.accept()
            except OSError:  # nobody is left, or whoever was first has left
                return
            connection.setblocking(False)
            await loop.connect_accepted_socket(self._factory, connection)


def _ignore_newcomers(listener: socket.socket) -> None:
    """Have the kernel drop packets that begin a connection, and no others.

    Whoever comes after the queue was emptied, and before the socket is closed, would be let in by
    the kernel and then cut. This way such a client asks again, and is refused, or let in by the
    process that has taken over the port. Where the kernel knows no such filter that moment remains.
    """
    program = array("B", b"".join(struct.pack("=HBBI", *step) for step in _DROP_SYN))
    address, _ = program.buffer_info()
    with suppress(OSError):
        listener.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(_DROP_SYN), address)
        )


def cannot_listen(error: OSError | UnicodeError, config: GatewayConfig) -> AbiError:
    """The error that says why a listener cannot be opened."""
    place = f"{config.host}:{config.port}"
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return AddressInUse(
            f"the gateway cannot listen on {place}: somebody else does",
            hint="choose another [gateway] port, or 0 for a free one; two engines share one "
            "where both have reuse_port = true",
        )
    if number in (errno.EACCES, errno.EPERM):
        return PermissionRefused(
            f"the gateway may not listen on {place}",
            hint="choose a [gateway] port above 1023, or let systemd open it (docs/operating.md)",
        )
    reason = getattr(error, "strerror", None) or error
    return InvalidConfig(
        f"the gateway cannot listen on {place}: {reason}",
        hint="[gateway] host must be an address of this machine",
    )
