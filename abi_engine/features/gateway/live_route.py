"""A route at work: the route as given, and everything that was made for it.

Refuses to change what was given: a change makes another `Route` and stores it at once.
"""

from __future__ import annotations

from threading import Lock
from typing import Final

from abi_engine.core.clock import Clock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.api import Route, RouteOrigin
from abi_engine.features.gateway.balance import Balancer, build
from abi_engine.features.gateway.limiting import LimitGate
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.features.gateway.upstreams import Target

ANY_METHOD: Final = "*"

RETRY_SHARE: Final = 0.2
RETRY_RESERVE: Final = 10.0


class RetryBudget:
    """Retries that a route may make: a fifth of its requests, and ten at once. Thread-safe."""

    __slots__ = ("_left", "_lock")

    def __init__(self) -> None:
        self._left = RETRY_RESERVE
        self._lock = Lock()

    def earn(self) -> None:
        """A request came."""
        left = self._left
        if left < RETRY_RESERVE:
            with self._lock:
                self._left = min(self._left + RETRY_SHARE, RETRY_RESERVE)

    def spend(self) -> bool:
        """Take one retry; tell whether there was one."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True


class LiveRoute:
    """A route at work; `enabled` tells whether it answers.

    Args:
        route: as given; where methods are removed, another takes its place.
        origin: where it comes from.
        targets: its upstreams, in order.
        clock: time.
        events: where its limit says that it refuses.
    """

    __slots__ = ("balancer", "enabled", "gate", "origin", "retries", "route", "targets", "traffic")

    def __init__(
        self,
        route: Route,
        origin: RouteOrigin,
        targets: tuple[Target, ...],
        clock: Clock,
        events: EventLog,
    ) -> None:
        self.route = route
        self.enabled = route.enabled
        self.origin = origin
        self.targets = targets
        self.traffic = TrafficCounts(clock)
        self.retries = RetryBudget()
        limit = route.limit
        self.gate: LimitGate | None = None
        if limit is not None and limit.enabled:
            self.gate = LimitGate(limit, route.path, clock, events)
        self.balancer: Balancer = build(
            route.balance,
            [target.address.name + target.address.prefix for target in targets],
            route.weights,
            [target.upstream.traffic.count_in_flight for target in targets],
        )

    @property
    def slots(self) -> tuple[str, ...]:
        """The methods it answers; `*` where it answers any."""
        return slots(self.route)


def slots(route: Route) -> tuple[str, ...]:
    """The methods a route answers; `*` where it answers any."""
    return route.methods or (ANY_METHOD,)
