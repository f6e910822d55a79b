"""Admits requests: the library plane as the data plane sees it.

Refuses to wait: every step is a look-up or a count.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from threading import Lock
from typing import Final

from abi_engine.features.gateway.admission import Access, Admission, Refusal
from abi_engine.features.gateway.cors import preflight_method
from abi_engine.features.gateway.journey import RouteAdmission
from abi_engine.features.gateway.keys import KeyRing
from abi_engine.features.gateway.live_route import LiveRoute
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
        keys: the API keys that are known.
    """

    def __init__(
        self,
        table: RouteTable,
        traffic: TrafficCounts,
        traces: Traces,
        reset_timeout: float,
        keys: KeyRing,
    ) -> None:
        self._table = table
        self._traffic = traffic
        self._traces = traces
        self.reset_timeout = reset_timeout
        self._keys = keys
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

    def count_elsewhere(self, opened: int, more_open: int, refused: int) -> None:
        """Connections that were opened in another process, how many more are open there, and
        requests refused there for their form.
        """
        with self._lock:
            self.connections_total += opened
            self.connections_open += more_open
            self.refused_total += refused

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
        if method == "OPTIONS":
            answer = self._preflight(path, header)
            if answer is not None:
                return answer
        live = resolved.live
        if live is None:
            return _unmatched(resolved)
        entry = None if live.door is None else self._enter(live, address, header)
        if isinstance(entry, Refusal):
            return entry
        if not live.enabled:
            return _switched_off(live)
        gate = live.gate
        if gate is not None:
            key = gate.key_of(address, header, "" if entry is None else entry.key)
            decision = gate.check(key)
            if not decision.allowed:
                return _limited(live, decision, entry)
        traffic, reset_timeout = self._traffic, self.reset_timeout
        return RouteAdmission(
            live, resolved.path, query, address, header, traffic, reset_timeout, entry
        )

    def _preflight(self, path: str, header: Callable[[str], str | None]) -> Refusal | None:
        """The answer to a browser that asks beforehand, where a route answers that itself.

        It is asked of the route for the method in question, costs nobody's limit, and needs no key:
        a browser sends none with it.
        """
        wanted = preflight_method(header)
        live = None if wanted is None else self._table.find(path, wanted).live
        if wanted is None or live is None or live.door is None or live.door.cors is None:
            return None
        answer = live.door.cors.preflight(header, wanted, live.route.methods)
        live.traffic.refuse(answer.status, 0.0)
        return answer._replace(route=live.route.path)

    def _enter(
        self, live: LiveRoute, address: str, header: Callable[[str], str | None]
    ) -> Access | Refusal:
        """By the door of a route that has one.

        Who is not let in is counted by address against the limit of the route, so that it limits
        guesses as well; a key that is right is not refused for guesses that others made.
        """
        door = live.door
        assert door is not None
        if not live.enabled:
            return _switched_off(live, door.outside(header))
        entry = door.enter(header, self._keys)
        if isinstance(entry, Refusal):
            decision = None if live.gate is None else live.gate.check(address)
            if decision is not None and not decision.allowed:
                return _limited(live, decision, entry.access)
            live.traffic.refuse(entry.status, 0.0)
        return entry


def _unmatched(resolved: Resolved) -> Refusal:
    if not resolved.methods:
        return Refusal(404, "no route has that path")
    allowed = ("Allow", ", ".join(resolved.methods))
    return Refusal(405, "no route with that path has that method", (allowed,))


def _switched_off(live: LiveRoute, access: Access | None = None) -> Refusal:
    live.traffic.refuse(503, 0.0)
    return Refusal(503, "the route is switched off", (), live.route.path, access)


def _limited(live: LiveRoute, decision: RateDecision, access: Access | None) -> Refusal:
    live.traffic.limit(429)
    seconds = max(ceil(decision.reset_after), 1)
    retry = ("Retry-After", str(seconds))
    return Refusal(429, "too many requests", (retry,), live.route.path, access)
