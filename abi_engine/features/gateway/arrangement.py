"""Routes that are to take the place of those at work: all of them at once, or none.

Refuses to forget what a route that stays has counted, and to touch what is at work before all is
known to be well.
"""

from __future__ import annotations

from abi_engine.core.clock import Clock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.api import Route, RouteOrigin
from abi_engine.features.gateway.live_route import LiveRoute
from abi_engine.features.gateway.table import RouteTable
from abi_engine.features.gateway.upstreams import Upstreams

Key = tuple[str, tuple[str, ...]]


class Arrangement:
    """The routes to be, in a table of their own. One thread at a time.

    Args:
        at_work: the table that they will be put into.
        upstreams: what they share.
        clock: time.
        events: where their limits say that they refuse.

    Attributes:
        table: what has been put in.
        added: routes that are not at work; changed: those that are, otherwise.
    """

    def __init__(
        self, at_work: RouteTable, upstreams: Upstreams, clock: Clock, events: EventLog
    ) -> None:
        self.table = RouteTable()
        self.added: list[LiveRoute] = []
        self.changed: list[LiveRoute] = []
        self._at_work = at_work
        self._upstreams = upstreams
        self._clock = clock
        self._events = events
        self._before = {(live.origin, key_of(live.route)): live for live in at_work.all()}
        self._replaced: list[LiveRoute] = []

    @property
    def removed(self) -> tuple[LiveRoute, ...]:
        """Those at work that have not been put in."""
        return tuple(self._before.values())

    def put(
        self, route: Route, addresses: tuple[UpstreamAddress, ...], origin: RouteOrigin
    ) -> None:
        """Put in a route that has a place in `table`; one at work that is like it stays."""
        old = self._before.pop((origin, key_of(route)), None)
        if old is not None and old.route == route:
            self.table.add(old)
            return
        targets = self._upstreams.acquire(addresses, route.health_check)
        live = LiveRoute(route, origin, targets, self._clock, self._events)
        if old is None:
            self.added.append(live)
        else:
            live.go_on_from(old)
            self._replaced.append(old)
            self.changed.append(live)
        self.table.add(live)

    def carry_out(self) -> None:
        """Put them to work, and let go of the others. Once."""
        self._at_work.become(self.table)
        for live in (*self.removed, *self._replaced):
            self._upstreams.release(live.targets)

    def give_up(self) -> None:
        """Let go of what was made for them. Instead of `carry_out`."""
        for live in (*self.added, *self.changed):
            self._upstreams.release(live.targets)


def key_of(route: Route) -> Key:
    """What tells routes apart."""
    return route.path, route.methods
