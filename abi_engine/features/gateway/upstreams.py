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
from abi_engine.features.gateway.api import HealthCheck, InvalidRoute, UpstreamTls
from abi_engine.features.gateway.checks import Checks, LiveCheck
from abi_engine.features.gateway.paths import BadTarget, normalise
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.runtime.breaker import Breaker, BreakerSettings, BreakerState, Transition

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST_LETTERS: Final = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
)
_HOST_SIZE: Final = 253
_URL_SIZE: Final = 2048
_TLS: Final = UpstreamTls()
_ERROR_SIZE: Final = 200

OnTransition = Callable[[str, Transition], None]


def parse_upstream(url: str, tls: UpstreamTls = _TLS) -> UpstreamAddress:
    """The address in an upstream's URL.

    Args:
        url: `http://host[:port][/prefix]` or `https://…`; the port is 80 or 443 unless it says
            otherwise.
        tls: how it is spoken to, if it is `https`.

    Raises:
        InvalidRoute: it is anything else.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or len(url) > _URL_SIZE:
        raise _refused(url, "it is no URL")
    scheme = scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise _refused(url, f"the scheme '{safe(scheme, limit=20)}' is neither http nor https")
    for mark, what in (("@", "a user name or password"), ("?", "a query"), ("#", "a fragment")):
        if mark in rest:
            raise _refused(url, f"it has {what}")
    authority, slash, path = rest.partition("/")
    host, port = _host_and_port(url, authority, DEFAULT_PORTS[scheme])
    shown = f"[{host}]" if ":" in host else host
    return UpstreamAddress(
        f"{scheme}://{shown}:{port}",
        scheme,
        host,
        port,
        _prefix(url, slash + path),
        tls if scheme == "https" else None,
    )


def _host_and_port(url: str, authority: str, default: int) -> tuple[str, int]:
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
        return host.lower(), default
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


def _refused(url: str, reason: str) -> InvalidRoute:
    return InvalidRoute(
        f"upstream '{safe(url, limit=200)}': {reason}", hint="write http://host:port/prefix"
    )


class Upstream:
    """One origin: its breaker, its traffic, its health, and how many routes use it."""

    __slots__ = ("breaker", "checks", "host", "last_error", "name", "routes", "traffic")

    def __init__(self, address: UpstreamAddress, breaker: Breaker, clock: Clock) -> None:
        self.name = address.name
        self.host = address.host
        self.breaker = breaker
        self.traffic = TrafficCounts(clock)
        self.checks: tuple[LiveCheck, ...] = ()
        """The health checks of its routes; few share none."""
        self.routes = 0
        self.last_error = ""

    @property
    def is_ill(self) -> bool:
        """Whether one of its checks has found it unhealthy."""
        return any(check.ill for check in self.checks)

    def note_error(self, reason: str) -> None:
        """Remember the last thing that failed."""
        self.last_error = safe(reason, limit=_ERROR_SIZE)


class Target(NamedTuple):
    """An upstream as one route uses it; `check` is None where the route asks for none."""

    upstream: Upstream
    address: UpstreamAddress
    check: LiveCheck | None = None

    @property
    def is_ill(self) -> bool:
        """Whether a health check has found it unhealthy."""
        return self.check is not None and self.check.ill


class Upstreams:
    """Every upstream that some route uses, by name; forgotten when none does. Thread-safe.

    Args:
        settings: of every breaker.
        clock: time.
        random: the breakers' jitter.
        on_transition: told of each transition with the upstream's name, outside any lock.
        checks: the health checks that routes ask for.
    """

    def __init__(
        self,
        settings: BreakerSettings,
        clock: Clock,
        random: Random,
        on_transition: OnTransition,
        checks: Checks | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._random = random
        self._on_transition = on_transition
        self._checks = checks or Checks(clock)
        self._by_name: dict[str, Upstream] = {}
        self._lock = Lock()
        self.trips = 0
        """How often a breaker opened, of upstreams that are gone too."""

    @property
    def reset_timeout(self) -> float:
        """How long a breaker stays open, in seconds."""
        return self._settings.reset_timeout

    def acquire(
        self, addresses: Iterable[UpstreamAddress], health_check: HealthCheck | None = None
    ) -> tuple[Target, ...]:
        """The upstreams at these addresses, used by one more route, and asked for their health."""
        with self._lock:
            targets = tuple(self._target(address, health_check) for address in addresses)
            for upstream in {target.upstream for target in targets}:
                upstream.routes += 1
        self._checks.tell()
        return targets

    def release(self, targets: Iterable[Target]) -> None:
        """A route does not use these any more."""
        targets = tuple(targets)
        with self._lock:
            for upstream, _, check in targets:
                if check is not None and self._checks.release(check):
                    upstream.checks = tuple(one for one in upstream.checks if one is not check)
            for upstream in {target.upstream for target in targets}:
                upstream.routes -= 1
                if not upstream.routes:
                    del self._by_name[upstream.name]
        self._checks.tell()

    def reconfigure(self, settings: BreakerSettings) -> None:
        """Other settings for every breaker, in the state that each is in."""
        with self._lock:
            self._settings = settings
            for upstream in self._by_name.values():
                upstream.breaker.reconfigure(settings)

    def get(self, name: str) -> Upstream | None:
        """The upstream called `name`."""
        return self._by_name.get(name)

    def all(self) -> tuple[Upstream, ...]:
        """Every upstream."""
        with self._lock:
            return tuple(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def _target(self, address: UpstreamAddress, health_check: HealthCheck | None) -> Target:
        upstream = self._by_name.get(address.name)
        if upstream is None:
            breaker = self._breaker(address.name)
            upstream = self._by_name[address.name] = Upstream(address, breaker, self._clock)
        if health_check is None:
            return Target(upstream, address)
        check = self._checks.acquire(address, health_check)
        if check not in upstream.checks:
            upstream.checks += (check,)
        return Target(upstream, address, check)

    def _breaker(self, name: str) -> Breaker:
        def told(transition: Transition) -> None:
            if transition.after is BreakerState.OPEN:
                with self._lock:
                    self.trips += 1
            self._on_transition(name, transition)

        return Breaker(self._settings, self._clock, random=self._random, on_transition=told)
