"""The figures of single routes and upstreams on their way to a scraper, bounded in number.

Refuses to let a series of counts fall for as long as what it counts lasts: who has a row of its own
keeps it, and what is counted in `other` stays there.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Any, Final, NamedTuple

from abi_engine.features.gateway.live_route import LiveRoute
from abi_engine.features.gateway.traffic import Totals
from abi_engine.features.gateway.upstreams import Upstream
from abi_engine.runtime.breaker import BreakerState

MOST_ROWS: Final = 1000
OTHER: Final = "other"
"""Neither a path nor a URL: no route and no upstream has that name."""

Name = tuple[str, ...]


class Row(NamedTuple):
    """What is told of a route, an upstream, or all others together.

    Attributes:
        totals: its traffic.
        counts: more of what only grows.
        states: what goes up and down; `in_flight` is the first.
    """

    totals: Totals
    counts: tuple[int, ...] = ()
    states: tuple[int, ...] = (0,)


def route_row(live: LiveRoute) -> tuple[Name, Row]:
    """A route under its path and methods: requests crowded out; in flight, and waiting."""
    turns = live.turns
    crowded, waiting = (turns.refused, turns.waiting) if turns else (0, 0)
    row = Row(live.traffic.totals(), (crowded,), (live.traffic.count_in_flight(), waiting))
    return (live.route.path, ",".join(live.slots)), row


def upstream_row(upstream: Upstream, idle: int, busy: int) -> tuple[Name, Row]:
    """An upstream: refused by its breaker, trips; in flight, connections, ill, and its state."""
    report = upstream.breaker.report()
    states = tuple(int(report.state is state) for state in BreakerState)
    flight = upstream.traffic.count_in_flight()
    row = Row(
        upstream.traffic.totals(),
        (report.refused_total, report.trips_total),
        (flight, idle, busy, int(upstream.is_ill), *states),
    )
    return (upstream.name,), row


class Rows:
    """Keeps a row of its own for each of the first so many names, and one for all others.

    A name that comes while there is no room stays with the others until it is gone, whatever
    becomes free meanwhile. Thread-safe.

    Args:
        labels: what the parts of a name are called.
        most: how many rows there may be beside that of the others.
    """

    def __init__(self, labels: Name, most: int = MOST_ROWS) -> None:
        self.labels = labels
        self._most = most
        self._lock = Lock()
        self._named: set[Name] = set()
        self._others: dict[Name, Row] = {}
        self._gone: Row | None = None

    def of(self, rows: Iterable[tuple[Name, Row]]) -> list[tuple[Name, Row]]:
        """The rows to tell of, those of the others last and together."""
        now = dict(rows)
        with self._lock:
            self._named &= now.keys()
            before, self._others = self._others, {}
            told = []
            for name, row in now.items():
                if name in self._named or (name not in before and len(self._named) < self._most):
                    self._named.add(name)
                    told.append((name, row))
                else:
                    self._others[name] = row
            self._remember(before)
            others = [*self._others.values(), *filter(None, (self._gone,))]
        if others:
            told.append(((OTHER,) + ("",) * (len(self.labels) - 1), _sum(others)))
        return told

    def _remember(self, before: dict[Name, Row]) -> None:
        """What others have counted that are gone, or have begun anew."""
        for name, row in before.items():
            now = self._others.get(name)
            if now is None or now.totals.requests < row.totals.requests:
                left = row._replace(states=(0,) * len(row.states))
                self._gone = left if self._gone is None else _sum((self._gone, left))


def _sum(rows: Iterable[Row]) -> Row:
    totals, counts, states = zip(*rows)
    return Row(Totals(*map(_added, zip(*totals))), _added(counts), _added(states))


def _added(values: tuple[Any, ...]) -> Any:
    """The sum of numbers, or of tuples of numbers place by place."""
    if isinstance(values[0], tuple):
        return tuple(map(sum, zip(*values)))
    return sum(values)
