"""Upstreams: where they are, and what is known of each while a route uses it.

Refuses to connect to any; that is the data plane's work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from random import Random
from threading import Lock
from typing import Final, NamedTuple

from abi_engine.core.clock import Clock
from abi_engine.core.text import safe
from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.api import InvalidRoute
from abi_engine.features.gateway.paths import BadTarget, normalise
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.runtime.breaker import Breaker, BreakerSettings, BreakerState, Transition

_HOST_LETTERS: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
)
_HOST_SIZE: Final = 253
_URL_SIZE: Final = 2048
_DEFAULT_PORT: Final = 80
_ERROR_SIZE: Final = 200

OnTransition = Callable[[str, Transition], None]


def parse_upstream(url: str) -> UpstreamAddress:
    """The address in an upstream's URL.

    Args:
        url: `http://host[:port][/prefix]`; the port is 80 unless it says otherwise.

    Raises:
        InvalidRoute: it is anything else.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or len(url) > _URL_SIZE:
        raise _refused(url, "it is no URL")
    if scheme.lower() == "https":
        raise _refused(url, "https upstreams are not served yet", "use http, or a TLS proxy before")
    if scheme.lower() != "http":
        raise _refused(url, f"the scheme '{safe(scheme, limit=20)}' is not http")
    for mark, what in (("@", "a user name or password"), ("?", "a query"), ("#", "a fragment")):
        if mark in rest:
            raise _refused(url, f"it has {what}")
    authority, slash, path = rest.partition("/")
    host, port = _host_and_port(url, authority)
    shown = f"[{host}]" if ":" in host else host
    return UpstreamAddress(f"http://{shown}:{port}", "http", host, port, _prefix(url, slash + path))


def _host_and_port(url: str, authority: str) -> tuple[str, int]:
    if authority.startswith("["):
        host, bracket, port = authority[1:].partition("]")
        if not bracket or not _is_ipv6(host):
            raise _refused(url, "its IPv6 address is malformed")
        host = str(ip_address(host))
    else:
        host, colon, port = authority.partition(":")
        port = colon + port
        if not host or len(host) > _HOST_SIZE or not _HOST_LETTERS.issuperset(host):
            raise _refused(url, "its host is malformed")
    if port in ("", ":"):
        return host.lower(), _DEFAULT_PORT
    digits = port[1:]
    fits = port[0] == ":" and digits.isascii() and digits.isdigit() and len(digits) <= 5
    if not fits or not 1 <= int(digits) <= 65_535:
        raise _refused(url, "its port is not a number from 1 to 65535")
    return host.lower(), int(digits)


def _is_ipv6(host: str) -> bool:
    try:
        return ip_address(host).version == 6 and "%" not in host
    except ValueError:
        return False


def _prefix(url: str, path: str) -> str:
    try:
        return normalise(path).rstrip("/") if path else ""
    except BadTarget as error:
        raise _refused(url, error.reason) from error


def _refused(url: str, reason: str, hint: str = "") -> InvalidRoute:
    return InvalidRoute(
        f"upstream '{safe(url, limit=200)}': {reason}", hint=hint or "write http://host:port/prefix"
    )


class Upstream:
    """One origin: its breaker, its traffic, and how many routes use it."""

    __slots__ = ("breaker", "last_error", "name", "routes", "traffic")

    def __init__(self, name: str, breaker: Breaker, clock: Clock) -> None:
        self.name = name
        self.breaker = breaker
        self.traffic = TrafficCounts(clock)
        self.routes = 0
        self.last_error = ""

    def note_error(self, reason: str) -> None:
        """Remember the last thing that failed."""
        self.last_error = safe(reason, limit=_ERROR_SIZE)


class Target(NamedTuple):
    """An upstream as one route uses it."""

    upstream: Upstream
    address: UpstreamAddress


class Upstreams:
    """Every upstream that some route uses, by name; forgotten when none does. Thread-safe.

    Args:
        settings: of every breaker.
        clock: time.
        random: the breakers' jitter.
        on_transition: told of each transition with the upstream's name, outside any lock.
    """

    def __init__(
        self,
        settings: BreakerSettings,
        clock: Clock,
        random: Random,
        on_transition: OnTransition,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._random = random
        self._on_transition = on_transition
        self._by_name: dict[str, Upstream] = {}
        self._lock = Lock()
        self.trips = 0
        """How often a breaker opened, of upstreams that are gone too."""

    @property
    def reset_timeout(self) -> float:
        """How long a breaker stays open, in seconds."""
        return self._settings.reset_timeout

    def acquire(self, addresses: Iterable[UpstreamAddress]) -> tuple[Target, ...]:
        """The upstreams at these addresses, used by one more route."""
        with self._lock:
            targets = tuple(Target(self._of(address.name), address) for address in addresses)
            for upstream in {target.upstream for target in targets}:
                upstream.routes += 1
        return targets

    def release(self, targets: Iterable[Target]) -> None:
        """A route does not use these any more."""
        with self._lock:
            for upstream in {target.upstream for target in targets}:
                upstream.routes -= 1
                if not upstream.routes:
                    del self._by_name[upstream.name]

    def get(self, name: str) -> Upstream | None:
        """The upstream called `name`."""
        return self._by_name.get(name)

    def all(self) -> tuple[Upstream, ...]:
        """Every upstream."""
        with self._lock:
            return tuple(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def _of(self, name: str) -> Upstream:
        upstream = self._by_name.get(name)
        if upstream is None:
            upstream = self._by_name[name] = Upstream(name, self._breaker(name), self._clock)
        return upstream

    def _breaker(self, name: str) -> Breaker:
        def told(transition: Transition) -> None:
            if transition.after is BreakerState.OPEN:
                with self._lock:
                    self.trips += 1
            self._on_transition(name, transition)

        return Breaker(self._settings, self._clock, random=self._random, on_transition=told)
