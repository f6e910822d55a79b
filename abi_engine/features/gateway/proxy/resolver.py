"""Names of upstreams and the addresses behind them, asked for anew while they are used.

Belongs to the loop's thread, but for `known`. Refuses to forget an answer because the next question
fails: the last one is used for as long as it takes, and an event says so once.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from itertools import count
from typing import Final

from abi_engine.core.errors import Severity
from abi_engine.core.events import EventLog
from abi_engine.core.text import safe
from abi_engine.features.gateway.outward import LookUp

_ERROR_SIZE: Final = 200


class CannotResolve(OSError):
    """A name has no address that is known."""


class Resolver:
    """The names in use.

    Args:
        loop: runs the questions.
        refresh: how long an answer is used, in seconds.
        events: where it is said that an answer is old.
        look_up: asks; None asks the system.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        refresh: float,
        events: EventLog,
        *,
        look_up: LookUp | None = None,
    ) -> None:
        self.loop = loop
        self.refresh = refresh
        self.events = events
        self.look_up = look_up or self._ask_system
        self._names: dict[str, Name] = {}

    def name(self, host: str) -> Name | None:
        """A name in use; None where the host is an address itself."""
        name = self._names.get(host)
        if name is None and not _is_address(host):
            name = self._names[host] = Name(host, self)
        return name

    def known(self, host: str) -> tuple[str, ...]:
        """The addresses of a host as far as they are known; any thread may ask."""
        name = self._names.get(host)
        if name is not None:
            return name.addresses
        return (host,) if _is_address(host) else ()

    def forget(self, name: Name) -> None:
        """Nobody uses it any more."""
        del self._names[name.host]

    def close(self) -> None:
        """Ask no more."""
        for name in self._names.values():
            name.close()
        self._names = {}

    async def _ask_system(self, host: str) -> Sequence[str]:
        found = await self.loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(place[0]) for *_, place in found))


class Name:
    """A name and its addresses, fresh while somebody watches it or connects to them.

    Attributes:
        host: the name.
        addresses: behind it, as of the last answer; empty before the first.
    """

    def __init__(self, host: str, resolver: Resolver) -> None:
        self.host = host
        self.addresses: tuple[str, ...] = ()
        self._resolver = resolver
        self._watchers: set[Callable[[], None]] = set()
        self._bad: set[str] = set()  # could not be connected to since the last answer
        self._turns = count()
        self._is_used = False
        self._error = ""
        self._asking: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def in_turn(self) -> tuple[str, ...]:
        """The addresses in the order in which to try them; those that failed of late last.

        Raises:
            CannotResolve: none is known.
        """
        self._is_used = True
        if not self.addresses:
            await asyncio.shield(self._ask())
        addresses = self.addresses
        if not addresses:
            raise CannotResolve(self._error)
        first = next(self._turns) % len(addresses)
        turned = addresses[first:] + addresses[:first]
        return tuple(sorted(turned, key=self._bad.__contains__)) if self._bad else turned

    def failed(self, address: str) -> None:
        """It could not be connected to: until the next answer, try the others before it."""
        self._bad.add(address)

    def watch(self, changed: Callable[[], None]) -> None:
        """Keep it fresh, and be told whenever its addresses change."""
        self._watchers.add(changed)

    def unwatch(self, changed: Callable[[], None]) -> None:
        """Watch it no more."""
        self._watchers.discard(changed)

    def close(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._asking is not None:
            self._asking.cancel()

    def _ask(self) -> asyncio.Task[None]:
        """The question that is under way, or a new one."""
        if self._asking is None:
            self._asking = self._resolver.loop.create_task(self._answer())
        return self._asking

    async def _answer(self) -> None:
        try:
            self._answered(tuple(await self._resolver.look_up(self.host)))
        except (OSError, UnicodeError) as error:
            self._not_answered(getattr(error, "strerror", None) or str(error))
        finally:
            self._asking = None
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._resolver.loop.call_later(self._resolver.refresh, self._due)

    def _due(self) -> None:
        """The answer is old."""
        self._timer = None
        if self._is_used or self._watchers:
            self._is_used = False
            self._ask()
        else:
            self._resolver.forget(self)

    def _answered(self, addresses: tuple[str, ...]) -> None:
        if not addresses:
            self._not_answered("it has no address")
            return
        if self._error:
            self._error = ""
            self._tell("name_resolved", "is resolved again", Severity.INFO)
        self._bad.clear()
        if set(addresses) != set(self.addresses):
            self.addresses = addresses
            for changed in tuple(self._watchers):
                changed()

    def _not_answered(self, reason: str) -> None:
        said, self._error = self._error, safe(reason, limit=_ERROR_SIZE)
        if not said:
            used = "; its last addresses are used" if self.addresses else ""
            self._tell("name_unresolved", f"cannot be resolved: {reason}{used}", Severity.WARNING)

    def _tell(self, kind: str, words: str, severity: Severity) -> None:
        self._resolver.events.add(
            "gateway", kind, f"name {self.host} {words}", subject=self.host, severity=severity
        )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
