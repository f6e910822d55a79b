"""What systemd hands a service: listening sockets, and a socket to say how it is getting on.

The protocols are `sd_listen_fds(3)` and `sd_notify(3)`. Refuses to take descriptors that are meant
for another process, and to pass either on to a child.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import MutableMapping
from itertools import chain, repeat
from typing import Final

from abi_engine.core.errors import InvalidConfig
from abi_engine.core.inherited import InheritedSockets
from abi_engine.core.text import safe

_FIRST: Final = 3
_DIGITS: Final = 9
_VARIABLES: Final = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")

logger = logging.getLogger("abi_engine.service")


def inherited_sockets(
    environ: MutableMapping[str, str], *, first: int = _FIRST
) -> InheritedSockets:
    """The listening sockets that came with the start of this process; none where none did.

    Args:
        environ: names them, and does no longer afterwards.
        first: the number of the first descriptor.

    Raises:
        InvalidConfig: one of them is no listening socket of TCP.
    """
    count, pid, names = (environ.pop(name, "") for name in _VARIABLES)
    if not count.isdecimal() or len(count) > _DIGITS or pid != str(os.getpid()):
        return InheritedSockets()
    words = chain(names.split(":") if names else (), repeat(""))
    numbers = range(first, first + int(count))
    return InheritedSockets((word, _listener(number, word)) for number, word in zip(numbers, words))


def _listener(descriptor: int, name: str) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        found = socket.socket(fileno=descriptor)
        listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise _refused(descriptor, name, error.strerror or str(error)) from error
    if not listens or found.family not in (socket.AF_INET, socket.AF_INET6):
        found.detach()  # it is not ours to close
        raise _refused(descriptor, name, "it does not listen on TCP")
    found.setblocking(False)
    return found


def _refused(descriptor: int, name: str, reason: str) -> InvalidConfig:
    return InvalidConfig(
        f"descriptor {descriptor} (LISTEN_FDNAMES: '{safe(name, limit=80)}'): {reason}",
        hint="hand over what ListenStream=HOST:PORT opens, with Accept=no",
    )


class Notifier:
    """Tells the service manager how the process is getting on, where it asked to be told.

    Args:
        address: of its socket, as in `NOTIFY_SOCKET`; empty where nobody asked.
    """

    def __init__(self, address: str) -> None:
        # A leading @ stands for the zero byte of an abstract name.
        self._address = "\0" + address[1:] if address.startswith("@") else address

    @classmethod
    def take(cls, environ: MutableMapping[str, str]) -> Notifier:
        """The one that the environment names; it does no longer afterwards."""
        return cls(environ.pop("NOTIFY_SOCKET", ""))

    def ready(self, words: str) -> None:
        """It serves, or does so again after a reload."""
        self._send("READY=1", f"STATUS={words}")

    def reloading(self) -> None:
        """It reads its configuration; `ready` says that it has."""
        moment = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={moment}", "STATUS=reading the configuration")

    def stopping(self, words: str) -> None:
        """It has begun to stop."""
        self._send("STOPPING=1", f"STATUS=stopping: {words}")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaker:
                speaker.connect(self._address)
                speaker.send("\n".join(lines).encode())
        except OSError as error:  # the service goes on, whoever watches it
            logger.warning("the service manager was not told %s: %s", lines[0], error.strerror)
