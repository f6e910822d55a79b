"""The listening sockets of workers: opened once, by the process that outlives them all.

Each worker has its own, all on one port, among which the kernel spreads the connections evenly
(`SO_REUSEPORT`). The owner keeps them open as well: who waits in the queue of a worker that dies is
let in by the one that follows it. Refuses to share a port with a stranger by accident.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

from abi_engine.core.inherited import InheritedSockets
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.proxy.listener import cannot_listen

Listeners = list[list[socket.socket]]
"""For each worker, its sockets: one for each address of the host."""


def open_listeners(config: GatewayConfig, inherited: InheritedSockets) -> tuple[Listeners, bool]:
    """The sockets for every worker, and whether they outlive this process.

    Inherited ones are shared by all workers.

    Raises:
        AddressInUse: somebody else listens there.
        PermissionRefused: this user may not listen there.
        InvalidConfig: the address is none of this machine's.
    """
    found = inherited.take("gateway", config.host, config.port, first=True)
    if found:
        return [found] * config.workers, inherited.lasting
    try:
        return _opened(config), False
    except (OSError, UnicodeError) as error:
        raise cannot_listen(error, config) from error


def close_listeners(listeners: Listeners) -> None:
    """Close them here; a worker that has one goes on."""
    for one in listeners:
        for listener in one:
            listener.close()


def _opened(config: GatewayConfig) -> Listeners:
    listeners: Listeners = [[] for _ in range(config.workers)]
    with ExitStack() as stack:
        stack.callback(close_listeners, listeners)
        for family, _, _, _, address in socket.getaddrinfo(
            config.host or None, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            if config.port and not config.reuse_port:
                _bound(family, address, shared=False).close()  # fails where somebody else is
            for one in listeners:
                listener = _bound(family, address, shared=True)
                one.append(listener)
                address = listener.getsockname()  # where the port was to be a free one
        stack.pop_all()
    return listeners


def _bound(family: int, address: Any, *, shared: bool) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
    except BaseException:
        listener.close()
        raise
    return listener
