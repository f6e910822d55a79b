"""A route's limit at work: whose request it is, whether it may pass, and how many did not.

Refuses to keep what clients send: long header values are remembered by their digest.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from threading import Lock
from typing import Final

from abi_engine.core.clock import Clock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.api import LimitBy, RouteLimit
from abi_engine.measure.recent import RecentCounts
from abi_engine.runtime.limiter import Limiter, LimitKind, RateDecision, build

_KEY_SIZE: Final = 64
_HOLDER: Final = "@"
"""Before the name of an API key, which no address begins with."""
_QUIET: Final = 10.0
"""Seconds between two events about the same route's limit."""

_WORDS: Final = {
    LimitKind.TOKEN_BUCKET: "token",
    LimitKind.SLIDING_WINDOW: "sliding",
    LimitKind.FIXED_WINDOW: "fixed",
}


class LimitGate:
    """Counts requests against a limit. Thread-safe.

    Args:
        settings: the limit.
        path: of the route.
        clock: time.
        events: where it is said that the limit refuses: at most once in ten seconds.
        limiter: counts; None means one of its own.
    """

    __slots__ = (
        "_by_address",
        "_check",
        "_clock",
        "_events",
        "_header",
        "_last_event",
        "_lock",
        "_path",
        "_recent",
        "_unsaid",
        "allowed",
        "limited",
        "limiter",
        "settings",
    )

    def __init__(
        self,
        settings: RouteLimit,
        path: str,
        clock: Clock,
        events: EventLog,
        limiter: Limiter | None = None,
    ) -> None:
        self.settings = settings
        self._path = path
        self._by_address = settings.by is LimitBy.ADDRESS  # looked up once: enums are slow
        self._header = settings.header.lower()
        self._clock = clock
        self._events = events
        self.limiter = limiter or build(settings, clock)
        self._check = self.limiter.check
        self._lock = Lock()
        self._recent: RecentCounts | None = None
        self._last_event: float | None = None
        self._unsaid = 0
        self.allowed = 0
        self.limited = 0

    def key_of(self, address: str, header: Callable[[str], str | None], key: str = "") -> str:
        """Whose request it is; `key` names the API key that it came with, if any."""
        if self._by_address:
            return address
        by = self.settings.by
        if by is LimitBy.ROUTE:
            return ""
        if by is LimitBy.KEY:
            return _HOLDER + key if key else address
        value = header(self._header)
        return address if value is None else header_key(value)

    def key_of_client(self, client: str) -> str:
        """The key of a client named by what the limit tells clients by."""
        if self._by_address:
            return client
        by = self.settings.by
        if by is LimitBy.ROUTE:
            return ""
        if by is LimitBy.KEY:
            return _HOLDER + client
        return header_key(client) if by is LimitBy.HEADER else client

    def check(self, key: str) -> RateDecision:
        """Count one request."""
        decision = self._check(key)
        if decision.allowed:
            with self._lock:
                self.allowed += 1
        else:
            self._refused()
        return decision

    def keys(self) -> int:
        """How many clients are remembered."""
        return self.limiter.keys()

    def count_elsewhere(self, allowed: int, limited: int) -> None:
        """Requests that were counted against the limit in another process, which says so itself."""
        with self._lock:
            self.allowed += allowed
            self.limited += limited
            if limited and self._recent is None:
                self._recent = RecentCounts(self._clock)
            recent = self._recent
        if limited and recent is not None:
            recent.limited(limited)

    def limited_per_s(self) -> float:
        """How many were refused in the last sixty seconds, by second."""
        if self._recent is None:
            return 0.0
        recent = self._recent.recent()
        return recent.limited / recent.seconds

    def _refused(self) -> None:
        now = self._clock.monotonic()
        with self._lock:
            self.limited += 1
            self._unsaid += 1
            if self._recent is None:
                self._recent = RecentCounts(self._clock)
            said = self._last_event is not None and now - self._last_event < _QUIET
            count = self._unsaid
            if not said:
                self._last_event = now
                self._unsaid = 0
        self._recent.limited()
        if not said:
            self._say(count)

    def _say(self, count: int) -> None:
        requests = "1 request" if count == 1 else f"{count} requests"
        self._events.add(
            "gateway",
            "limited",
            f"{self._path}: {requests} refused by the limit {limit_words(self.settings)}",
            subject=self._path,
            count=count,
        )


def header_key(value: str) -> str:
    """The key for a header's value; cannot be an address, and is short whatever was sent."""
    if len(value) <= _KEY_SIZE:
        return "=" + value
    return "#" + blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def limit_words(settings: RouteLimit | None) -> str:
    """A limit in a few words, such as `token 100/s`; empty where there is none."""
    if settings is None or not settings.enabled:
        return ""
    return f"{_WORDS[settings.kind]} {settings.rate:g}/s"
