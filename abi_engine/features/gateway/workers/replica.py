"""The library plane as a worker has it: it follows the owner's, and counts for it.

Belongs to the loop's thread once clients are let in. Refuses to decide what others must know of:
that is asked for, or told afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, Protocol, cast

import msgspec

from abi_engine.core.clock import Clock
from abi_engine.core.errors import AbiError, Severity
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.admitter import RouteAdmitter
from abi_engine.features.gateway.api import Route, RouteOrigin
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.keys import KeyRing
from abi_engine.features.gateway.limiting import LimitGate
from abi_engine.features.gateway.listing import Links
from abi_engine.features.gateway.live_route import LiveRoute, slots
from abi_engine.features.gateway.outward import Outward
from abi_engine.features.gateway.table import RouteTable
from abi_engine.features.gateway.tls_contexts import TlsContexts
from abi_engine.features.gateway.traces import Traces
from abi_engine.features.gateway.upstreams import Target, Upstreams, parse_upstream
from abi_engine.features.gateway.workers.allowance import Allowance
from abi_engine.features.gateway.workers.counting import ReportedCounts
from abi_engine.features.gateway.workers.messages import (
    Begin,
    Counts,
    Delta,
    DropRoute,
    Follow,
    FromWorker,
    Keys,
    PutRoute,
    Recall,
    RouteCounts,
    Settled,
    Spent,
    Stand,
    Sync,
    Synced,
    Trial,
    UpstreamCounts,
    Well,
)
from abi_engine.features.gateway.workers.mirror import Mirror
from abi_engine.features.gateway.workers.outbox import Outbox
from abi_engine.features.gateway.workers.told_trace import ToldTrace
from abi_engine.runtime.breaker import Breaker, Standing, Transition


class Ways(Links, Protocol):
    """What is known of the ways to upstreams, and of the log."""

    @property
    def log_lost(self) -> int:
        """How many lines of the access log were lost."""
        ...


class _Copy:
    """A route of the owner, here."""

    __slots__ = ("allowance", "allowed", "crowded", "limited", "live")

    def __init__(self, live: LiveRoute, allowance: Allowance | None) -> None:
        self.live = live
        self.allowance = allowance
        self.allowed = self.limited = self.crowded = 0  # as last reported

    def go_on_from(self, other: _Copy) -> None:
        """Report what is counted on as what has come since the other's last report."""
        if self.live.gate is other.live.gate:
            self.allowance = other.allowance
            self.allowed, self.limited = other.allowed, other.limited
        if self.live.turns is other.live.turns:
            self.crowded = other.crowded


class Replica:
    """See the module.

    Args:
        begin: what this worker is.
        clock: the machine's, whose monotonic part the owner reads as well.
        events: where it says what happened.
        outbox: takes what the owner must know.
    """

    def __init__(self, begin: Begin, clock: Clock, events: EventLog, outbox: Outbox) -> None:
        config = begin.config
        self._workers = begin.workers
        self._breaker = config.breaker
        self._clock = clock
        self._events = events
        self._outbox = outbox
        self._changed: set[ReportedCounts] = set()
        self._about: dict[ReportedCounts, int | str] = {}
        self._copies: dict[int, _Copy] = {}
        self._mirrors: dict[str, Mirror] = {}
        self._due: set[int] = set()  # routes whose limits have something to report
        self._left: list[tuple[Target, ...]] = []  # of routes that are gone
        self._table = RouteTable()
        self._upstreams = Upstreams(config.breaker, clock, Random(), _nobody)  # noqa: S311 - jitter
        self._keys = KeyRing(clock, EventLog(clock, 1), None, os.urandom)
        self._keys_used: dict[str, int] = {}
        self._ways: dict[str, tuple[int, int, tuple[str, ...]]] = {}
        self._traffic = ReportedCounts(clock, self._changed)
        self._traces = Traces()
        self._refused = self._opened = 0  # as last reported
        self._state = 0, 0  # open connections and lost lines, as last reported
        self.outward = Outward(contexts=TlsContexts())
        self.admitter = RouteAdmitter(
            self._table, self._traffic, self._traces, config.breaker.reset_timeout, self._keys
        )
        self._hear: dict[type, Callable[[Any], None]] = {
            PutRoute: self._put,
            DropRoute: self._drop,
            Keys: lambda message: self._keys.configure(message.keys),
            Stand: self._stand,
            Trial: lambda message: self._mirror(message.upstream).take_trial(message.permit),
            Recall: lambda message: self._mirror(message.upstream).give_back(),
            Settled: self._settled,
            Well: self._well,
            Follow: self._follow,
            Sync: lambda message: outbox.say(Synced(message.serial)),
        }

    def hear(self, message: object) -> None:
        """Do as the owner says."""
        self._hear[type(message)](message)

    def reports(self) -> list[FromWorker]:
        """What limits have let through since the last call."""
        due, self._due = self._due, set()
        found: list[FromWorker] = []
        for number in due:
            copy = self._copies.get(number)
            if copy is not None and copy.allowance is not None:
                found += (Spent(number, *pair) for pair in copy.allowance.reports())
        return found

    def counts(self, ways: Ways) -> Counts | None:
        """What was counted since the last call; None where nothing was."""
        routes, upstreams = self._changes(ways)
        traffic = self._traffic.take() if self._traffic in self._changed else None
        self._changed.clear()  # of routes that are gone
        admitter = self.admitter
        refused, opened = admitter.refused_total, admitter.connections_total
        counts = Counts(
            traffic,
            refused - self._refused,
            opened - self._opened,
            admitter.connections_open,
            ways.log_lost,
            routes,
            upstreams,
            tuple(self._used_keys()),
        )
        self._refused, self._opened = refused, opened
        state, self._state = self._state, (counts.connections_open, counts.log_lost)
        return None if counts == _nothing(*state) else counts

    def reconfigure(self, config: GatewayConfig) -> None:
        """Other settings, for what begins from now on."""
        self._breaker = config.breaker
        self.admitter.reset_timeout = config.breaker.reset_timeout
        for mirror in self._mirrors.values():
            mirror.reconfigure(config.breaker)

    def read_tls(self, route: Route) -> None:
        """Read the files that its https upstreams are spoken to with, before it is put in: that
        takes longer than the loop may stand still. Any thread.
        """
        try:
            self.outward.contexts.check(route, _addresses(route))
        except AbiError as error:  # the owner could read them a moment ago
            self._events.add(
                "gateway",
                "route_failed",
                error.message,
                subject=route.path,
                severity=Severity.ERROR,
            )

    def renew_tls(self) -> None:
        """Read the files that https upstreams are spoken to with again. Any thread."""
        contexts = self.outward.contexts
        with contexts.renewal():
            for copy in tuple(self._copies.values()):
                contexts.check(copy.live.route, [target.address for target in copy.live.targets])

    def let_go(self) -> None:
        """Forget the upstreams that no route uses any more.

        After everything that was said at once: where a route took the place of another, what is
        known of their upstreams holds on, as it does for the owner.
        """
        left, self._left = self._left, []
        if left:
            self.outward.contexts.keep(c.live.route.upstream_tls for c in self._copies.values())
        for targets in left:
            self._upstreams.release(targets)
            for upstream in {target.upstream for target in targets}:
                if not upstream.routes:
                    assert isinstance(upstream.traffic, ReportedCounts)
                    del self._about[upstream.traffic]
                    del self._mirrors[upstream.name]
                    self._ways.pop(upstream.name, None)

    def return_old_trials(self) -> None:
        """Give back trials that nobody asked for, before the owner takes them for lost."""
        for mirror in self._mirrors.values():
            mirror.give_back(older_than=self._breaker.trial_timeout / 2)

    # Routes.

    def _put(self, message: PutRoute) -> None:
        copy = self._copies.get(message.id)
        if copy is None or not _differ_by_methods(message.route, copy.live.route):
            self._copies[message.id] = made = self._copy(message, copy)
            if copy is not None:
                self._take_off(copy)
            self._table.add(made.live)
            copy = made
        else:
            for method in set(copy.live.slots).difference(slots(message.route)):
                self._remove(copy.live, method)
        copy.live.enabled = message.enabled

    def _copy(self, message: PutRoute, before: _Copy | None) -> _Copy:
        route = message.route
        targets = self._upstreams.acquire(_addresses(route), route.health_check)
        for target in targets:
            self._fit(target)
        live = LiveRoute(route, RouteOrigin.CONFIG, targets, self._clock, self._events)
        if before is None:
            live.traffic = self._counts(message.id)
        else:
            live.go_on_from(before.live)
        copy = _Copy(live, None)
        if live.gate is not None and (before is None or live.gate is not before.live.gate):
            copy.allowance = self._allowance(message.id, live.gate)
            live.gate = LimitGate(
                live.gate.settings, route.path, self._clock, self._events, copy.allowance
            )
        if before is not None:
            copy.go_on_from(before)
        return copy

    def _fit(self, target: Target) -> None:
        """Have an upstream counted here, and its breaker follow the owner's.

        A mirror does all that is asked of a breaker here; nobody holds or resets one in a worker.
        """
        upstream = target.upstream
        if not isinstance(upstream.traffic, ReportedCounts):
            upstream.traffic = self._counts(upstream.name)
            upstream.breaker = cast("Breaker", self._mirror(upstream.name))

    def _counts(self, about: int | str) -> ReportedCounts:
        counts = ReportedCounts(self._clock, self._changed)
        self._about[counts] = about
        return counts

    def _allowance(self, number: int, gate: LimitGate) -> Allowance:
        def report(urgent: bool) -> None:
            self._due.add(number)
            self._outbox.soon(urgent)

        return Allowance(gate.settings, self._workers, self._clock, report)

    def _drop(self, message: DropRoute) -> None:
        copy = self._copies.pop(message.id, None)
        if copy is None:
            return
        self._take_off(copy)
        assert isinstance(copy.live.traffic, ReportedCounts)
        del self._about[copy.live.traffic]

    def _take_off(self, copy: _Copy) -> None:
        for method in copy.live.slots:
            self._remove(copy.live, method)
        self._left.append(copy.live.targets)

    def _remove(self, live: LiveRoute, method: str) -> None:
        self._table.remove(self._table.plan_removal(live.route.path, method))

    # Breakers, limits, health.

    def _mirror(self, name: str) -> Mirror:
        mirror = self._mirrors.get(name)
        if mirror is None:
            mirror = self._mirrors[name] = Mirror(name, self._breaker, self._clock, self._outbox)
        return mirror

    def _stand(self, message: Stand) -> None:
        self._mirror(message.upstream).follow(
            Standing(
                message.state, message.permit, message.calm, message.reopens_at, message.forced
            )
        )

    def _settled(self, message: Settled) -> None:
        copy = self._copies.get(message.id)
        if copy is None or copy.allowance is None:
            return
        if message.spent is None:
            copy.allowance.told(message.key, message.terms)
        else:
            copy.allowance.answered(message.key, message.spent, message.terms)

    def _well(self, message: Well) -> None:
        copy = self._copies.get(message.id)
        if copy is not None:
            for target, ill in zip(copy.live.targets, message.ill):
                if target.check is not None:
                    target.check.ill = ill

    # What is told.

    def _follow(self, message: Follow) -> None:
        if message.wanted:
            trace = ToldTrace(message.request_id, self._outbox)
            self._traces.waiting[message.request_id] = trace
        else:
            self._traces.waiting.pop(message.request_id, None)

    def _changes(self, ways: Ways) -> tuple[tuple[RouteCounts, ...], tuple[UpstreamCounts, ...]]:
        routes = []
        traffic: dict[str, Delta] = {}
        for counts in tuple(self._changed):
            about = self._about.get(counts)
            if isinstance(about, int):
                routes.append(self._route_counts(about, counts.take()))
            elif about is not None:
                traffic[about] = counts.take()
        return tuple(routes), tuple(self._upstream_counts(traffic, ways))

    def _route_counts(self, number: int, traffic: Delta) -> RouteCounts:
        copy = self._copies[number]
        gate, turns = copy.live.gate, copy.live.turns
        allowed, limited = (gate.allowed, gate.limited) if gate is not None else (0, 0)
        waiting, crowded = (turns.waiting, turns.refused) if turns is not None else (0, 0)
        found = RouteCounts(
            number,
            traffic,
            allowed - copy.allowed,
            limited - copy.limited,
            waiting,
            crowded - copy.crowded,
        )
        copy.allowed, copy.limited, copy.crowded = allowed, limited, crowded
        return found

    def _upstream_counts(self, traffic: dict[str, Delta], ways: Ways) -> Iterable[UpstreamCounts]:
        for upstream in self._upstreams.all():
            name = upstream.name
            way = (*ways.connections(name), ways.addresses(upstream.host))
            if name in traffic or self._ways.get(name, (0, 0, ())) != way:
                self._ways[name] = way
                idle, busy, addresses = way
                yield UpstreamCounts(
                    name, traffic.get(name), idle, busy, upstream.last_error, addresses
                )

    def _used_keys(self) -> Iterable[tuple[str, int, float]]:
        for key in self._keys.all():
            before, used = self._keys_used.get(key.name, 0), key.used
            if used < before:
                before = 0  # another key of that name
            if used != before:
                self._keys_used[key.name] = used
                yield key.name, used - before, self._clock.time()


def _addresses(route: Route) -> tuple[UpstreamAddress, ...]:
    return tuple(parse_upstream(url, route.upstream_tls) for url in route.upstreams)


def _differ_by_methods(route: Route, other: Route) -> bool:
    """Whether they are the same but for their methods, if for those."""
    return msgspec.structs.replace(route, methods=other.methods) == other


def _nothing(connections: int, log_lost: int) -> Counts:
    return Counts(None, 0, 0, connections, log_lost, (), (), ())


def _nobody(upstream: str, transition: Transition) -> None:
    """Breakers here make no transitions: they follow."""
