"""An admitted request on its way: which upstream is tried, and what is counted when it is over.

Refuses to lose a permit: each that a breaker gives belongs to one attempt, and its end gives it
back, whatever that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from math import ceil
from typing import Final

from abi_engine.features.gateway.admission import Access, Cause, Refusal
from abi_engine.features.gateway.api import Balance, Route
from abi_engine.features.gateway.balance import after_use
from abi_engine.features.gateway.concurrency import Turn
from abi_engine.features.gateway.live_route import LiveRoute
from abi_engine.features.gateway.traffic import TrafficCounts, finish_both
from abi_engine.features.gateway.upstreams import Target
from abi_engine.runtime.breaker import BreakerState

_HASHED: Final = Balance.CONSISTENT_HASH  # looked up once: enums are slow
_SOON: Final = 1.0
"""Seconds to wait where trials are under way: their answers decide."""


class UpstreamAttempt:
    """See `Attempt`; made with a permit of the upstream's breaker."""

    __slots__ = ("_open", "_permit", "_upstream", "upstream")

    def __init__(self, target: Target, permit: int) -> None:
        self._upstream, self.upstream, _ = target
        self._permit = permit  # 0 once the breaker has been told
        self._open = True
        self._upstream.traffic.begin()

    def settled(self, latency: float) -> None:
        """See `Attempt`."""
        if self._open and self._permit:
            permit, self._permit = self._permit, 0
            self._upstream.breaker.record(True, latency, permit=permit)

    def succeeded(self, latency: float, status: int = 0) -> None:
        """See `Attempt`."""
        if self._open:
            self._open = False
            upstream = self._upstream
            if self._permit:
                upstream.breaker.record(True, latency, permit=self._permit)
            upstream.traffic.answer(status, latency)

    def failed(
        self, reason: str, latency: float, status: int = 0, cause: Cause = Cause.BROKEN
    ) -> None:
        """See `Attempt`."""
        if self._open:
            self._open = False
            upstream = self._upstream
            upstream.note_error(reason)
            upstream.traffic.note_cause(Cause.STATUS if status else cause)
            upstream.traffic.finish(status, latency, error=True)
            if self._permit:
                upstream.breaker.record(False, latency, permit=self._permit)

    def cancelled(self) -> None:
        """See `Attempt`."""
        if self._open:
            self._open = False
            if self._permit:
                self._upstream.breaker.cancel(self._permit)
            self._upstream.traffic.leave()

    def count_retry(self) -> None:
        """The request had been sent to another upstream before."""
        self._upstream.traffic.retry()

    def add_bytes(self, bytes_in: int, bytes_out: int) -> None:
        """The bodies of the request and its answer."""
        self._upstream.traffic.add_bytes(bytes_in, bytes_out)


def _without(prefix: str, path: str) -> str:
    """A path as the upstream is asked for it, where a route strips a prefix."""
    inside = (path + "/").startswith(prefix + "/")
    return path[len(prefix) :] or "/" if inside else path


class RouteAdmission:
    """See `Admission`."""

    __slots__ = (
        "_address",
        "_attempt",
        "_header",
        "_live",
        "_open",
        "_order",
        "_reset_timeout",
        "_traffic",
        "_turn",
        "access",
        "route",
        "target",
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
        access: Access | None = None,
    ) -> None:
        self._live = live
        self.access = access
        self._turn: Turn | None = None
        self.route: Route = live.route
        prefix = live.route.strip_prefix
        self.target = (_without(prefix, path) if prefix else path) + query
        """See `Admission`."""
        self._address = address
        self._header = header
        self._traffic = traffic
        self._reset_timeout = reset_timeout
        self._attempt: UpstreamAttempt | None = None
        self._order: Iterator[int] | None = None
        self._open = True
        live.retries.earn()
        live.traffic.begin()
        traffic.begin()

    def enter(self, called: Callable[[], None]) -> bool | Refusal:
        """See `Admission`."""
        turns = self._live.turns
        if turns is None:
            return True
        self._turn = turns.ask(called)
        if self._turn is None:
            return self._crowded("too many requests wait for their turn")
        return self._turn.has_come

    def overdue(self) -> Refusal:
        """See `Admission`."""
        if self._live.turns is not None:
            self._live.turns.refused += 1
        return self._crowded("the request's turn did not come in time")

    def attempt(
        self, exclude: frozenset[str] = frozenset(), *, unsent: bool = False
    ) -> UpstreamAttempt | Refusal:
        """See `Admission`."""
        live = self._live
        avoids_ill = live.is_checked and live.has_well
        for number in self._going_on() if exclude else self._from_the_first():
            target = live.targets[number]
            if (exclude and target.address.name in exclude) or (avoids_ill and target.is_ill):
                continue
            permit = target.upstream.breaker.allow()
            if permit:
                attempt = UpstreamAttempt(target, permit)
                if exclude and not self._is_paid_for(attempt, free=unsent):
                    return Refusal(
                        503, "the route makes no more retries now", route=self.route.path
                    )
                self._attempt = attempt
                return attempt
        return self._unavailable()

    def finish(
        self, status: int, duration: float, *, bytes_in: int, bytes_out: int, cancelled: bool
    ) -> None:
        """See `Admission`."""
        if not self._open:
            return
        self._open = False
        if self._turn is not None:
            self._turn.end()
        error = status >= 500 and not cancelled
        finish_both(
            self._live.traffic,
            self._traffic,
            status,
            duration,
            error=error,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            cancelled=cancelled,
        )
        if self._attempt is not None and (bytes_in or bytes_out):
            self._attempt.add_bytes(bytes_in, bytes_out)

    def _from_the_first(self) -> Iterator[int]:
        key = self._hash_key() if self.route.balance is _HASHED else ""
        self._order = order = iter(self._live.balancer.order(key))
        return order

    def _going_on(self) -> Iterator[int]:
        """The rest of the same order; then any that is left."""
        rest = self._from_the_first() if self._order is None else after_use(self._order)
        return chain(rest, range(len(self._live.targets)))

    def _is_paid_for(self, attempt: UpstreamAttempt, *, free: bool) -> bool:
        """Count the attempt as a retry, if the route may still make one; else end it."""
        if not free and not self._live.retries.spend():
            attempt.cancelled()
            return False
        self._live.traffic.retry()
        self._traffic.retry()
        attempt.count_retry()
        return True

    def _crowded(self, reason: str) -> Refusal:
        return Refusal(503, reason, (("Retry-After", "1"),), self.route.path)

    def _hash_key(self) -> str:
        name = self.route.hash_header
        value = self._header(name.lower()) if name else None
        return self._address if value is None else value

    def _unavailable(self) -> Refusal:
        """No breaker lets the request through: come back when the first might."""
        live = self._live
        well = [target for target in live.targets if not target.is_ill]
        seconds = min(self._reopens_in(target) for target in well or live.targets)
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
