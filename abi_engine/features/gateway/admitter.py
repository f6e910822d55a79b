"""Admits requests: the library plane as the data plane sees it.

Refuses to wait: every step is a look-up or a count.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from threading import Lock
from typing import Final

from abi_engine.features.gateway.admission import Admission, Refusal
from abi_engine.features.gateway.journey import RouteAdmission
from abi_engine.features.gateway.paths import BadTarget, check_query, split_target
from abi_engine.features.gateway.table import Resolved, RouteTable
from abi_engine.features.gateway.traces import Traces
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.runtime.limiter import RateDecision

_BAD_FORM: Final = frozenset((400, 408, 413, 414, 431))


class RouteAdmitter:
    """Admits requests to the routes of a table. Thread-safe.

    Args:
        table: the routes.
        traffic: counts everything that comes in.
        traces: requests that somebody follows.
        reset_timeout: how long a breaker stays open, in seconds.
    """

    def __init__(
        self, table: RouteTable, traffic: TrafficCounts, traces: Traces, reset_timeout: float
    ) -> None:
        self._table = table
        self._traffic = traffic
        self._traces = traces
        self._reset_timeout = reset_timeout
        self._lock = Lock()
        self.connections_open = 0
        self.connections_total = 0
        self.refused_total = 0
        """Requests refused for their form."""

    def admit(
        self, method: str, target: str, address: str, header: Callable[[str], str | None]
    ) -> Admission | Refusal:
        """See `Admitter`."""
        outcome = self._admit(method, target, address, header)
        if self._traces.waiting:
            trace = self._traces.find(header)
            if trace is not None:
                return trace.follow(outcome)
        return outcome

    def refused(self, status: int, duration: float, *, bytes_out: int) -> None:
        """See `Admitter`."""
        if status in _BAD_FORM:
            with self._lock:
                self.refused_total += 1
        if status == 429:
            self._traffic.limit(status, bytes_out=bytes_out)
        else:
            self._traffic.refuse(status, duration, bytes_out=bytes_out)

    def connection_opened(self) -> None:
        """See `Admitter`."""
        with self._lock:
            self.connections_open += 1
            self.connections_total += 1

    def connection_closed(self) -> None:
        """See `Admitter`."""
        with self._lock:
            self.connections_open -= 1

    def _admit(
        self, method: str, target: str, address: str, header: Callable[[str], str | None]
    ) -> Admission | Refusal:
        try:
            path, query = split_target(target)
            if query:
                check_query(query)
            resolved = self._table.find(path, method)
        except BadTarget as error:
            if target == "*" and method == "OPTIONS":
                return _unmatched(Resolved(target, None))  # asks the gateway itself, not a route
            return Refusal(400, error.reason)
        live = resolved.live
        if live is None:
            return _unmatched(resolved)
        if not live.enabled:
            live.traffic.refuse(503, 0.0)
            return Refusal(503, "the route is switched off", route=live.route.path)
        gate = live.gate
        if gate is not None:
            decision = gate.check(gate.key_of(address, header))
            if not decision.allowed:
                live.traffic.limit(429)
                return _limited(live.route.path, decision)
        return RouteAdmission(
            live, resolved.path, query, address, header, self._traffic, self._reset_timeout
        )


def _unmatched(resolved: Resolved) -> Refusal:
    if not resolved.methods:
        return Refusal(404, "no route has that path")
    allowed = ("Allow", ", ".join(resolved.methods))
    return Refusal(405, "no route with that path has that method", (allowed,))


def _limited(path: str, decision: RateDecision) -> Refusal:
    seconds = max(ceil(decision.reset_after), 1)
    return Refusal(429, "too many requests", (("Retry-After", str(seconds)),), path)
