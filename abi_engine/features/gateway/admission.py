"""The seam between the planes: a request is admitted or refused, then tried upstream by upstream.

Pure and synchronous: the data plane brings sockets and time, and calls these in its loop thread;
other threads may use the same routes, limits and breakers meanwhile. `admitter.py` does it.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple, Protocol

from abi_engine.features.gateway.api import Route, UpstreamTls


class Access(NamedTuple):
    """What is known of whoever came by a route with a door.

    Attributes:
        key: the name of the API key; empty where there is none.
        hidden: lower-case names of header fields that go no further.
        cors: what the answer tells browsers, in place of what the upstream says of it; None where
            that is left to the upstream.
    """

    key: str = ""
    hidden: frozenset[bytes] = frozenset()
    cors: tuple[tuple[str, str], ...] | None = None


class Cause(StrEnum):
    """Why an attempt failed.

    Attributes:
        CONNECT: there was no connection to be had, or no TLS on it.
        TIMEOUT: the upstream took too long.
        BROKEN: it left in the middle, or answered nonsense.
        STATUS: it answered with 500 or above.
    """

    CONNECT = "connect"
    TIMEOUT = "timeout"
    BROKEN = "broken"
    STATUS = "status"


class Refusal(NamedTuple):
    """An answer the gateway gives itself.

    Attributes:
        status: 400, 401, 403, 404, 405, 429, 503 …; 204 where a browser asked beforehand.
        reason: one line for the body and the access log; text from outside is made safe.
        headers: `Allow`, `Retry-After` and their like.
        route: the path pattern it was refused on; empty where none matched.
        access: who asked; None where the route has no door.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    route: str = ""
    access: Access | None = None


class UpstreamAddress(NamedTuple):
    """Where an upstream is.

    Attributes:
        name: `scheme://host:port`.
        scheme, host, port: its parts; an IPv6 address has no brackets here.
        prefix: what its URL has after it.
        tls: how it is spoken to, where the scheme is `https`; else None. Connections with different
            settings are never mixed.
    """

    name: str
    scheme: str
    host: str
    port: int
    prefix: str
    tls: UpstreamTls | None = None


class Attempt(Protocol):
    """One try at one upstream, with a permit of its breaker; in flight until it ends.

    Exactly one of the three ends it, when the answer is complete or known to be lost; further calls
    do nothing.
    """

    @property
    def upstream(self) -> UpstreamAddress: ...

    def settled(self, latency: float) -> None:
        """The answer has begun well and may never end (an upgraded connection, a stream of events):
        the breaker learns of it now, and nothing of the end. Still in flight until that.
        """
        ...

    def succeeded(self, latency: float, status: int = 0) -> None:
        """The upstream answered below 500, with `status` where it is known; `latency` seconds from
        sending to its first byte.
        """
        ...

    def failed(
        self, reason: str, latency: float, status: int = 0, cause: Cause = Cause.BROKEN
    ) -> None:
        """It did not answer as it should, for a `cause`; an answer of 500 and above has a `status`,
        which is cause enough.
        """
        ...

    def cancelled(self) -> None:
        """The client left first: tells nothing of the upstream."""
        ...


class Admission(Protocol):
    """A request that matched a route and passed its limit; counted in flight until `finish`."""

    @property
    def route(self) -> Route: ...

    @property
    def target(self) -> str:
        """What to ask the upstream for, after its own prefix: normalised path, prefix stripped,
        query as it came.
        """
        ...

    @property
    def access(self) -> Access | None:
        """Who asks; None where the route has no door."""
        ...

    def enter(self, called: Callable[[], None]) -> bool | Refusal:
        """Take a place among the requests that the route works on at once; `finish` frees it.

        Before the first attempt, once, and only where the route has `concurrency`.

        Args:
            called: called when the request's turn comes, if it has to wait; it must do no more than
                arrange for the request to go on.

        Returns:
            Whether it may go on now, or 503 where the queue is full.
        """
        ...

    def overdue(self) -> Refusal:
        """The answer to a request whose turn did not come in time: counts it; `finish` follows."""
        ...

    def attempt(
        self, exclude: frozenset[str] = frozenset(), *, unsent: bool = False
    ) -> Attempt | Refusal:
        """The next upstream whose breaker lets a request through; or 503 with `Retry-After`.

        Args:
            exclude: names of upstreams that were tried. The attempt is then a retry: it is counted,
                and refused once retries would add more than a fifth to the route's requests.
            unsent: nothing had been sent to the last of them, so that this adds to no upstream's
                load, and is not refused for that.
        """
        ...

    def finish(
        self, status: int, duration: float, *, bytes_in: int, bytes_out: int, cancelled: bool
    ) -> None:
        """The answer is out (or the client left): counts it. After every attempt has ended; a
        second call does nothing.

        Args:
            status: of the answer; 0 or 499 where the client left before there was one.
            duration: in seconds; until its head where the answer might never have ended.
            bytes_in: of the request's body, or from the client through an upgraded connection.
            bytes_out: of the answer's body, or to the client.
            cancelled: the client left before the answer was complete.
        """
        ...


class Admitter(Protocol):
    """What the data plane needs of the library plane."""

    def admit(
        self, method: str, target: str, address: str, header: Callable[[str], str | None]
    ) -> Admission | Refusal:
        """Normalise, match, check the limit.

        Args:
            method: as sent.
            target: the request target in origin form (`/path?query`), as sent (Latin-1 text).
            address: the client's.
            header: gives a request header's value by lower-case name, or None.
        """
        ...

    def refused(self, status: int, duration: float, *, bytes_out: int) -> None:
        """The data plane refused a request before or without `admit` (400, 408, 413, 431 …), or
        answers a `Refusal` of `admit`: counts it. Not for a request that was admitted: `finish`
        counts that, whoever answers it.
        """
        ...

    def connection_opened(self) -> None: ...

    def connection_closed(self) -> None: ...
