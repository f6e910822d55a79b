"""Listening sockets that whoever started this process has opened for it.

Refuses to close them before the process ends: connections that come while an engine restarts wait
in them for the next one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

NAMES: Final = ("gateway", "admin")
"""What a socket may be called so that it is not chosen by its address."""


class InheritedSockets:
    """The sockets, until each is taken by the listener it is meant for.

    Args:
        sockets: each with its name; any name but those of `NAMES` is as good as none.
        lasting: whether they outlive this process, so that whoever waits in their queue at its end
            is left to the next one.
    """

    def __init__(
        self, sockets: Iterable[tuple[str, socket.socket]] = (), *, lasting: bool = True
    ) -> None:
        self.lasting = lasting
        self._named = tuple(sockets)
        self._taken: set[int] = set()

    def take(self, name: str, host: str, port: int, *, first: bool = False) -> list[socket.socket]:
        """Duplicates of the sockets for one listener; none where it must open its own.

        Args:
            name: of the listener: all sockets of that name are its own.
            host: where it was to listen: without a name, the socket there is its own.
            port: of that address.
            first: if there is none of either kind, it gets the first that has no name.
        """
        nameless = [held for given, held in self._named if given not in NAMES]
        found = [held for given, held in self._named if given == name]
        if not found and any(host_and_port(held) == (host, port) for held in nameless):
            found = [held for held in nameless if host_and_port(held) == (host, port)]
        elif not found and first:
            found = nameless[:1]
        self._taken.update(held.fileno() for held in found)
        return [held.dup() for held in found]

    def left(self) -> tuple[str, ...]:
        """Those that nobody has taken, in words."""
        return tuple(
            f"{host_and_port(held)[0]}:{host_and_port(held)[1]} (named '{name}')"
            for name, held in self._named
            if held.fileno() not in self._taken
        )


def host_and_port(listener: socket.socket) -> tuple[str, int]:
    """Where a socket of IPv4 or IPv6 listens."""
    host, port = listener.getsockname()[:2]
    return str(host), int(port)
