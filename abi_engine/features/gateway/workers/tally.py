"""What one worker counted, added to what the gateway tells of.

Of one thread. Refuses to let a worker that is gone be at work still: what was in flight there is
not any more.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TypeVar

from abi_engine.features.gateway.concurrency import Turns
from abi_engine.features.gateway.live_route import LiveRoute
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.features.gateway.workers.counting import add_delta
from abi_engine.features.gateway.workers.library import Library
from abi_engine.features.gateway.workers.messages import (
    Counts,
    Delta,
    RouteCounts,
    UpstreamCounts,
)

K = TypeVar("K")
V = TypeVar("V")


class Tally:
    """The counts of one worker.

    Args:
        library: where they are added.
        route: gives the route with a number, if it is there still.

    Attributes:
        requests: how many it has answered.
        connections_open: of clients, now.
        connections: to each upstream, idle and busy.
        addresses: of upstreams' hosts.
        log_lost: lines of the access log.
    """

    def __init__(self, library: Library, route: Callable[[int], LiveRoute | None]) -> None:
        self._library = library
        self._route = route
        self._in_flight: dict[TrafficCounts, int] = {}
        self._waiting: dict[Turns, int] = {}
        self.requests = 0
        self.connections_open = 0
        self.connections: dict[str, tuple[int, int]] = {}
        self.addresses: dict[str, tuple[str, ...]] = {}
        self.log_lost = 0

    def take(self, counts: Counts) -> None:
        """Add a report."""
        if counts.traffic is not None:
            self._add(self._library.traffic, counts.traffic)
            first = counts.traffic.totals[0]
            assert isinstance(first, int)
            self.requests += first
        more = counts.connections_open - self.connections_open
        self._library.admitter.count_elsewhere(counts.opened, more, counts.refused)
        self.connections_open = counts.connections_open
        self.log_lost = counts.log_lost
        for route in counts.routes:
            self._take_route(route)
        for upstream in counts.upstreams:
            self._take_upstream(upstream)
        known = {key.name: key for key in self._library.keys.all()} if counts.keys else {}
        for name, requests, at in counts.keys:
            if name in known:
                known[name].count_elsewhere(requests, at)

    def forget(self) -> None:
        """The worker is gone: so is what it had in hand."""
        for traffic, count in self._in_flight.items():
            traffic.leave(count)
        for turns, count in self._waiting.items():
            turns.count_elsewhere(-count, 0)
        self._library.admitter.count_elsewhere(0, -self.connections_open, 0)
        self._in_flight, self._waiting = {}, {}
        self.connections, self.addresses = {}, {}
        self.connections_open = 0

    def prune(self) -> None:
        """Forget what belongs to routes and upstreams that are there no more."""
        lives, upstreams = self._library.table.all(), self._library.upstreams.all()
        counted = {self._library.traffic, *(live.traffic for live in lives)}
        counted.update(upstream.traffic for upstream in upstreams)
        self._in_flight = _only(self._in_flight, counted)
        self._waiting = _only(self._waiting, {live.turns for live in lives})
        self.connections = _only(self.connections, {upstream.name for upstream in upstreams})
        self.addresses = _only(self.addresses, {upstream.host for upstream in upstreams})

    def _add(self, traffic: TrafficCounts, delta: Delta) -> None:
        add_delta(traffic, delta)
        self._in_flight[traffic] = self._in_flight.get(traffic, 0) + delta.in_flight
        if not self._in_flight[traffic]:
            del self._in_flight[traffic]

    def _take_route(self, counts: RouteCounts) -> None:
        live = self._route(counts.id)
        if live is None:
            return
        if counts.traffic is not None:
            self._add(live.traffic, counts.traffic)
        if live.gate is not None:
            live.gate.count_elsewhere(counts.allowed, counts.limited)
        if live.turns is not None:
            before = self._waiting.get(live.turns, 0)
            live.turns.count_elsewhere(counts.waiting - before, counts.crowded)
            self._waiting[live.turns] = counts.waiting
            if not counts.waiting:
                del self._waiting[live.turns]

    def _take_upstream(self, counts: UpstreamCounts) -> None:
        upstream = self._library.upstreams.get(counts.upstream)
        if upstream is None:
            return
        if counts.traffic is not None:
            self._add(upstream.traffic, counts.traffic)
        self.connections[counts.upstream] = counts.idle, counts.busy
        self.addresses[upstream.host] = counts.addresses
        if counts.last_error:
            upstream.note_error(counts.last_error)


def _only(found: dict[K, V], kept: Container[K | None]) -> dict[K, V]:
    return {key: value for key, value in found.items() if key in kept}
