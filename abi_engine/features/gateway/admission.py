"""The seam between the planes: a request is admitted or refused, then tried upstream by upstream.

Pure and synchronous: the data plane brings sockets and time, and calls these in its loop thread;
other threads may use the same routes, limits and breakers meanwhile. `admitter.py` does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from abi_engine.features.gateway.api import Route


class Refusal(NamedTuple):
    """An answer the gateway gives itself.

    Attributes:
        status: 400, 404, 405, 429, 503 …
        reason: one line for the body and the access log; text from outside is made safe.
        headers: `Allow`, `Retry-After` and their like.
        route: the path pattern it was refused on; empty where none matched.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    route: str = ""


class UpstreamAddress(NamedTuple):
    """Where an upstream is: `name` is `scheme://host:port`, `prefix` what its URL has after it."""

    name: str
    scheme: str
    host: str
    port: int
    prefix: str


class Attempt(Protocol):
    """One try at one upstream, with a permit of its breaker; in flight until it ends.

    Exactly one of the three ends it, when the answer is complete or known to be lost; further calls
    do nothing.
    """

    @property
    def upstream(self) -> UpstreamAddress: ...

    def succeeded(self, latency: float, status: int = 0) -> None:
        """The upstream answered below 500, with `status` where it is known; `latency` seconds from
        sending to its first byte.
        """
        ...

    def failed(self, reason: str, latency: float, status: int = 0) -> None:
        """Connect error, time-out, broken response, or an answer of 500 and above, whose number is
        `status`.
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

    def attempt(self, exclude: frozenset[str] = frozenset()) -> Attempt | Refusal:
        """The next upstream whose breaker lets a request through; or 503 with `Retry-After`.

        Args:
            exclude: names of upstreams that were tried. The attempt is then a retry: it is counted,
                and refused once retries would add more than a fifth to the route's requests.
        """
        ...

    def finish(
        self, status: int, duration: float, *, bytes_in: int, bytes_out: int, cancelled: bool
    ) -> None:
        """The answer is out (or the client left): counts it. After every attempt has ended; a
        second call does nothing.

        Args:
            status: of the answer; 0 or 499 where the client left before there was one.
            duration: in seconds.
            bytes_in: of the request's body.
            bytes_out: of the answer's body.
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
