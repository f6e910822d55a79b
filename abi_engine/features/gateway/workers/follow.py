"""What workers must know of the gateway's routes, keys and limits, and what was told already.

Of one thread. Refuses to tell what is known; whatever changed it is found by comparing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import cast

import msgspec

from abi_engine.core.clock import Clock
from abi_engine.features.gateway.api import Concurrency, Route
from abi_engine.features.gateway.config import ApiKey
from abi_engine.features.gateway.live_route import LiveRoute
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.features.gateway.workers.ledger import Ledger
from abi_engine.features.gateway.workers.library import Library
from abi_engine.features.gateway.workers.messages import (
    DropRoute,
    Keys,
    PutRoute,
    ToWorker,
    Well,
)
from abi_engine.runtime.limiter import ChargedLimiter

Tell = Callable[[Callable[[int], ToWorker]], None]
"""Tells every worker what a function gives for its number."""


class _Known:
    """A route, and how it was told last; `ill` is empty before anything was said of it."""

    __slots__ = ("enabled", "ill", "ledger", "live", "route")

    def __init__(self, live: LiveRoute, ledger: Ledger | None) -> None:
        self.live = live
        self.ledger = ledger
        self.route = live.route
        self.enabled = live.enabled
        self.ill: tuple[bool, ...] = (False,) * len(live.targets)


class Followed:
    """See the module.

    Args:
        library: the gateway's.
        clock: of limits.
        workers: how many there are.
        tell: reaches all of them.
    """

    def __init__(self, library: Library, clock: Clock, workers: int, tell: Tell) -> None:
        self._library = library
        self._clock = clock
        self._workers = workers
        self._tell = tell
        self._numbers = count(1)
        self._ids: dict[TrafficCounts, int] = {}  # by what a route that is changed keeps
        self._known: dict[int, _Known] = {}
        self._keys: tuple[ApiKey, ...] = ()

    def live(self, number: int) -> LiveRoute | None:
        """The route with a number, if it is there still."""
        known = self._known.get(number)
        return None if known is None else known.live

    def ledger(self, number: int) -> Ledger | None:
        """The limit of a route, if it is there still."""
        known = self._known.get(number)
        return None if known is None else known.ledger

    def compare(self) -> bool:
        """Tell what has changed since the last call; whether routes are gone."""
        keys = self._library.keys.digests()
        if keys != self._keys:
            self._keys = keys
            self._tell(_same(Keys(keys)))
        lives = self._library.table.all()
        departed = set(self._ids).difference(live.traffic for live in lives)
        for gone in departed:
            number = self._ids.pop(gone)
            del self._known[number]
            self._tell(_same(DropRoute(number)))
        for live in lives:
            self._compare(live)
        self.compare_health()
        return bool(departed)

    def compare_health(self) -> None:
        """Tell what health checks have found out since the last call."""
        for number, known in self._known.items():
            if known.live.is_checked:
                ill = tuple(target.is_ill for target in known.live.targets)
                if ill != known.ill:
                    known.ill = ill
                    self._tell(_same(Well(number, ill)))

    def everything(self, worker: int) -> Iterator[ToWorker]:
        """What a new worker must hear."""
        yield Keys(self._keys)
        for number, known in self._known.items():
            yield self._put(number, known, worker)
            if any(known.ill):
                yield Well(number, known.ill)

    def _compare(self, live: LiveRoute) -> None:
        number = self._ids.get(live.traffic)
        if number is None:
            number = self._ids[live.traffic] = next(self._numbers)
            known = self._known[number] = _Known(live, self._open_ledger(live))
        else:
            known = self._known[number]
            if known.route is live.route and known.enabled == live.enabled:
                return
            if known.live is not live:
                self._change(known, live)
            known.route, known.enabled = live.route, live.enabled
        self._tell(lambda worker: self._put(number, known, worker))

    def _change(self, known: _Known, live: LiveRoute) -> None:
        """Another has taken the place of a route, and goes on from it."""
        if live.gate is not known.live.gate:
            known.ledger = self._open_ledger(live)
        known.live, known.ill = live, ()

    def _open_ledger(self, live: LiveRoute) -> Ledger | None:
        gate = live.gate
        if gate is None:
            return None
        limiter = cast("ChargedLimiter", gate.limiter)  # those of the owner can be charged
        return Ledger(gate.settings, limiter, self._clock, self._workers)

    def _put(self, number: int, known: _Known, worker: int) -> PutRoute:
        return PutRoute(number, shared_out(known.route, worker, self._workers), known.enabled)


def _same(message: ToWorker) -> Callable[[int], ToWorker]:
    """The same message for every worker."""
    return lambda _: message


def shared_out(route: Route, worker: int, workers: int) -> Route:
    """A route as one worker has it: with its part of what is worked on at once."""
    settings = route.concurrency
    if settings is None:
        return route
    part = Concurrency(
        limit=max(share(settings.limit, worker, workers), 1),
        queue=share(settings.queue, worker, workers),
        queue_timeout=settings.queue_timeout,
    )
    return msgspec.structs.replace(route, concurrency=part)


def share(whole: int, worker: int, workers: int) -> int:
    """The part of one worker, in whole numbers that make up the whole."""
    return whole // workers + (worker < whole % workers)
