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
from abi_engine.features.gateway.concurrency import Turns
from abi_engine.features.gateway.doors import door_of
from abi_engine.features.gateway.limiting import LimitGate
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.features.gateway.upstreams import Target

ANY_METHOD: Final = "*"

REQUESTS_PER_RETRY: Final = 5
RETRY_RESERVE: Final = 10
_FULL: Final = RETRY_RESERVE * REQUESTS_PER_RETRY


class RetryBudget:
    """Retries that a route may make: one for five requests, ten at once at most. Thread-safe.

    It begins with nothing, so that retries are never more than a fifth of the requests.
    """

    __slots__ = ("_left", "_lock")

    def __init__(self) -> None:
        self._left = 0  # requests that have not paid for a retry yet
        self._lock = Lock()

    def earn(self) -> None:
        """A request came."""
        if self._left < _FULL:
            with self._lock:
                self._left = min(self._left + 1, _FULL)

    def spend(self) -> bool:
        """Take one retry; tell whether there was one."""
        with self._lock:
            if self._left < REQUESTS_PER_RETRY:
                return False
            self._left -= REQUESTS_PER_RETRY
            return True


class LiveRoute:
    """A route at work; `enabled` tells whether it answers, `told` is the route as others see it.

    Args:
        route: as given; where methods are removed, another takes its place.
        origin: where it comes from.
        targets: its upstreams, in order.
        clock: time.
        events: where its limit says that it refuses.
    """

    __slots__ = (
        "balancer",
        "door",
        "enabled",
        "gate",
        "is_checked",
        "origin",
        "retries",
        "route",
        "targets",
        "told",
        "traffic",
        "turns",
    )

    def __init__(
        self,
        route: Route,
        origin: RouteOrigin,
        targets: tuple[Target, ...],
        clock: Clock,
        events: EventLog,
    ) -> None:
        self.become(route)
        self.enabled = route.enabled
        self.origin = origin
        self.targets = targets
        self.traffic = TrafficCounts(clock)
        self.retries = RetryBudget()
        limit = route.limit
        self.gate: LimitGate | None = None
        if limit is not None and limit.enabled:
            self.gate = LimitGate(limit, route.path, clock, events)
        self.door = door_of(route)
        self.turns = None if route.concurrency is None else Turns(route.concurrency)
        self.is_checked = route.health_check is not None
        self.balancer: Balancer = build(
            route.balance,
            [target.address.name + target.address.prefix for target in targets],
            route.weights,
            [target.upstream.traffic.count_in_flight for target in targets],
        )

    def become(self, route: Route) -> None:
        """Stand for another route, which differs in its methods alone."""
        self.route = route
        self.told = route.told()

    @property
    def has_well(self) -> bool:
        """Whether an upstream is not known to be ill; where all are, all are used."""
        return not all(target.is_ill for target in self.targets)

    def go_on_from(self, other: LiveRoute) -> None:
        """Take over what another has counted, which had this one's path and methods."""
        self.traffic = other.traffic
        self.retries = other.retries
        if other.route.limit == self.route.limit:
            self.gate = other.gate
        if other.route.concurrency == self.route.concurrency:
            self.turns = other.turns

    @property
    def slots(self) -> tuple[str, ...]:
        """The methods it answers; `*` where it answers any."""
        return slots(self.route)


def slots(route: Route) -> tuple[str, ...]:
    """The methods a route answers; `*` where it answers any."""
    return route.methods or (ANY_METHOD,)
