"""What the owner keeps of a worker's counts, while routes come and go."""

from __future__ import annotations

import os
from random import Random

from abi_engine.core.clock import ManualClock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.admitter import RouteAdmitter
from abi_engine.features.gateway.keys import KeyRing
from abi_engine.features.gateway.route import Concurrency, Route
from abi_engine.features.gateway.route_book import RouteBook
from abi_engine.features.gateway.table import RouteTable
from abi_engine.features.gateway.traces import Traces
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.features.gateway.upstreams import Upstreams
from abi_engine.features.gateway.workers.counting import ReportedCounts
from abi_engine.features.gateway.workers.library import Library
from abi_engine.features.gateway.workers.messages import Counts, RouteCounts, UpstreamCounts
from abi_engine.features.gateway.workers.tally import Tally
from abi_engine.runtime.breaker_contract import BreakerSettings

CLOCK = ManualClock()


def made_library() -> tuple[Library, RouteBook]:
    events, table, traffic, traces = EventLog(CLOCK), RouteTable(), TrafficCounts(CLOCK), Traces()
    upstreams = Upstreams(BreakerSettings(), CLOCK, Random(1), lambda *_: None)
    keys = KeyRing(CLOCK, events, None, os.urandom)
    admitter = RouteAdmitter(table, traffic, traces, 1.0, keys)
    book = RouteBook(table, upstreams, 100, CLOCK, events, None)
    return Library(table, upstreams, traffic, traces, keys, admitter), book


def counts(number: int, upstream: str, *, in_flight: int, waiting: int) -> Counts:
    changed: set[ReportedCounts] = set()
    reported = ReportedCounts(CLOCK, changed)
    for _ in range(in_flight):
        reported.begin()
    delta = reported.take()
    route = RouteCounts(number, delta, 0, 0, waiting, 0)
    seen = UpstreamCounts(upstream, delta, 1, 2, "", ("127.0.0.1",))
    return Counts(None, 0, 0, 0, 0, (route,), (seen,), ())


def kept(tally: Tally) -> int:
    found = (tally._in_flight, tally._waiting, tally.connections, tally.addresses)
    return sum(map(len, found))


def test_nothing_is_kept_of_routes_that_are_gone_with_requests_in_flight() -> None:
    library, book = made_library()
    tally = Tally(library, lambda number: library.table.get(f"/{number}", None))
    for number in range(50):
        upstream = f"http://127.0.0.1:{number + 1}"
        route = Route(f"/{number}", (upstream,), concurrency=Concurrency(limit=1, queue=5))
        book.add(route)
        tally.take(counts(number, upstream, in_flight=3, waiting=2))
        assert kept(tally) == 5
        assert book.remove(route.path, None)
        tally.prune()
        assert kept(tally) == 0
    tally.forget()


def test_what_is_there_still_is_kept() -> None:
    library, book = made_library()
    tally = Tally(library, lambda number: library.table.get(f"/{number}", None))
    book.add(Route("/1", ("http://127.0.0.1:1",), concurrency=Concurrency(limit=1, queue=5)))
    tally.take(counts(1, "http://127.0.0.1:1", in_flight=3, waiting=2))
    tally.prune()
    live = library.table.get("/1", None)
    assert live is not None
    assert live.traffic.snapshot().in_flight == 3
    tally.forget()
    assert live.traffic.snapshot().in_flight == 0
    assert kept(tally) == 0


def test_who_waits_no_longer_is_not_kept() -> None:
    library, book = made_library()
    tally = Tally(library, lambda number: library.table.get(f"/{number}", None))
    book.add(Route("/1", ("http://127.0.0.1:1",), concurrency=Concurrency(limit=1, queue=5)))
    tally.take(counts(1, "http://127.0.0.1:1", in_flight=0, waiting=2))
    assert tally._waiting
    tally.take(counts(1, "http://127.0.0.1:1", in_flight=0, waiting=0))
    assert not tally._waiting
