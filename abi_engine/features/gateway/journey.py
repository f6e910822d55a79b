"""An admitted request on its way: which upstream is tried, and what is counted when it is over.

Refuses to lose a permit: each that a breaker gives belongs to one attempt, and its end gives it
back, whatever that is.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Final

from abi_engine.features.gateway.admission import Refusal, UpstreamAddress
from abi_engine.features.gateway.api import Balance, Route
from abi_engine.features.gateway.live_route import LiveRoute
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.features.gateway.upstreams import Target
from abi_engine.runtime.breaker import BreakerState

_SOON: Final = 1.0
"""Seconds to wait where trials are under way: their answers decide."""


class UpstreamAttempt:
    """See `Attempt`; made with a permit of the upstream's breaker."""

    __slots__ = ("_open", "_permit", "_upstream", "upstream")

    def __init__(self, target: Target, permit: int) -> None:
        self._upstream = target.upstream
        self.upstream: UpstreamAddress = target.address
        self._permit = permit
        self._open = True
        target.upstream.traffic.begin()

    def succeeded(self, latency: float, status: int = 0) -> None:
        """See `Attempt`."""
        if self._open:
            self._open = False
            upstream = self._upstream
            upstream.breaker.record(True, latency, permit=self._permit)
            upstream.traffic.finish(status, latency)

    def failed(self, reason: str, latency: float, status: int = 0) -> None:
        """See `Attempt`."""
        if self._open:
            self._open = False
            upstream = self._upstream
            upstream.note_error(reason)
            upstream.traffic.finish(status, latency, error=True)
            upstream.breaker.record(False, latency, permit=self._permit)

    def cancelled(self) -> None:
        """See `Attempt`."""
        if self._open:
            self._open = False
            self._upstream.breaker.cancel(self._permit)
            self._upstream.traffic.leave()

    def count_retry(self) -> None:
        """The request had been sent to another upstream before."""
        self._upstream.traffic.retry()

    def add_bytes(self, bytes_in: int, bytes_out: int) -> None:
        """The bodies of the request and its answer."""
        self._upstream.traffic.add_bytes(bytes_in, bytes_out)


class RouteAdmission:
    """See `Admission`."""

    __slots__ = (
        "_address",
        "_attempt",
        "_header",
        "_live",
        "_open",
        "_path",
        "_query",
        "_reset_timeout",
        "_traffic",
        "route",
    )

    def __init__(
        self,
        live: LiveRoute,
        path: str,
        query: str,
        address: str,
        header: Callable[[str], str | None],
        traffic: TrafficCounts,
        reset_timeout: float,
    ) -> None:
        self._live = live
        self.route: Route = live.route
        self._path = path
        self._query = query
        self._address = address
        self._header = header
        self._traffic = traffic
        self._reset_timeout = reset_timeout
        self._attempt: UpstreamAttempt | None = None
        self._open = True
        live.retries.earn()
        live.traffic.begin()
        traffic.begin()

    @property
    def target(self) -> str:
        """See `Admission`."""
        path, prefix = self._path, self.route.strip_prefix
        if prefix and (path + "/").startswith(prefix + "/"):
            path = path[len(prefix) :] or "/"
        return path + self._query

    def attempt(self, exclude: frozenset[str] = frozenset()) -> UpstreamAttempt | Refusal:
        """See `Admission`."""
        key = self._hash_key() if self.route.balance is Balance.CONSISTENT_HASH else ""
        targets = self._live.targets
        for number in self._live.balancer.order(key):
            target = targets[number]
            if target.address.name in exclude:
                continue
            permit = target.upstream.breaker.allow()
            if permit:
                self._attempt = attempt = UpstreamAttempt(target, permit)
                return self._retried(attempt) if exclude else attempt
        return self._unavailable()

    def finish(
        self, status: int, duration: float, *, bytes_in: int, bytes_out: int, cancelled: bool
    ) -> None:
        """See `Admission`."""
        if not self._open:
            return
        self._open = False
        error = status >= 500 and not cancelled
        for traffic in (self._live.traffic, self._traffic):
            traffic.finish(
                status,
                duration,
                error=error,
                bytes_in=bytes_in,
                bytes_out=bytes_out,
                cancelled=cancelled,
            )
        if self._attempt is not None:
            self._attempt.add_bytes(bytes_in, bytes_out)

    def _retried(self, attempt: UpstreamAttempt) -> UpstreamAttempt | Refusal:
        """The same attempt, counted as a retry, if the route may still make one."""
        if not self._live.retries.spend():
            attempt.cancelled()
            return Refusal(503, "the route makes no more retries now", route=self.route.path)
        self._live.traffic.retry()
        self._traffic.retry()
        attempt.count_retry()
        return attempt

    def _hash_key(self) -> str:
        name = self.route.hash_header
        value = self._header(name.lower()) if name else None
        return self._address if value is None else value

    def _unavailable(self) -> Refusal:
        """No breaker lets the request through: come back when the first might."""
        seconds = min(self._reopens_in(target) for target in self._live.targets)
        return Refusal(
            503,
            "no upstream is available",
            (("Retry-After", str(max(ceil(seconds), 1))),),
            self.route.path,
        )

    def _reopens_in(self, target: Target) -> float:
        report = target.upstream.breaker.report()
        if report.next_try_in_s is not None:
            return report.next_try_in_s
        # Who holds a breaker open says not for how long; the usual time is the best guess.
        return self._reset_timeout if report.state is BreakerState.OPEN else _SOON
