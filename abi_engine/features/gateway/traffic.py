"""What went through a route, an upstream or the gateway: totals, and the last sixty seconds.

Refuses to keep single requests.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import UTC, datetime
from math import inf
from threading import Lock
from typing import Final, NamedTuple

from abi_engine.core.clock import Clock
from abi_engine.features.gateway.admission import Cause
from abi_engine.features.gateway.api import Latency, Traffic
from abi_engine.features.gateway.latencies import latency
from abi_engine.measure.histogram import Histogram
from abi_engine.measure.recent import Recent, Slices, Tally

_NO_ANSWER: Final = frozenset((0, 499))
"""Statuses of requests whose client left before the answer."""

_NOTHING: Final = Tally(1.0, 0, 0, 0)
_BATCH: Final = 64
"""So many requests are put down before they are counted: together that is a fifth of the work."""

DURATIONS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Upper edges, in seconds, of the classes in which durations are counted; the last has none."""

REFUSALS: Final = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "no_route",
    405: "method_not_allowed",
    408: "too_slow",
    413: "body_too_large",
    414: "target_too_long",
    429: "limited",
    431: "head_too_large",
    503: "unavailable",
    508: "loop",
}
"""Why a request is turned away before any upstream is asked, by the status of the answer."""

_REFUSAL_PLACES: Final = {status: place for place, status in enumerate(REFUSALS)}
_CAUSE_PLACES: Final = {cause: place for place, cause in enumerate(Cause)}

Finished = tuple[float, int, float, bool, int, int, bool]
"""A request that is over: when, on the monotonic clock; the status of its answer; its duration;
whether it failed; the bytes of both bodies; whether its client left. A plain tuple costs a quarter
of a named one."""


class Totals(NamedTuple):
    """Everything since the start.

    Attributes:
        requests: answered, refused ones included.
        statuses: by class; the first place is for those without an answer.
        limited, errors, retries, cancelled: see `Traffic`.
        bytes_in, bytes_out: of bodies.
        duration: the sum of all durations, in seconds.
        durations: how many were in each class of `DURATIONS`, and beyond the last; requests that
            a limit refused have none.
        refusals: in the order of `REFUSALS`; other reasons last.
        causes: of failures of an upstream, in the order of `Cause`.
    """

    requests: int
    statuses: tuple[int, ...]
    limited: int
    errors: int
    retries: int
    cancelled: int
    bytes_in: int
    bytes_out: int
    duration: float
    durations: tuple[int, ...]
    refusals: tuple[int, ...]
    causes: tuple[int, ...]


class TrafficCounts:
    """Counts requests. Thread-safe; what it needs for the last sixty seconds is made on first use.

    A request that begins or is over is only put down, without a lock: with the GIL, appending to a
    list is one step. It is counted with others when there are a few, when a slice of ten seconds
    ends, and before anything is told.

    Args:
        clock: time.
    """

    __slots__ = (
        "_begun",
        "_bytes_in",
        "_bytes_out",
        "_cancelled",
        "_causes",
        "_clock",
        "_count_at",
        "_duration",
        "_durations",
        "_errors",
        "_in_flight",
        "_last_hit",
        "_limited",
        "_lock",
        "_monotonic",
        "_pending",
        "_refusals",
        "_requests",
        "_retries",
        "_slices",
        "_statuses",
    )

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._monotonic = clock.monotonic
        self._lock = Lock()
        self._begun: list[None] = []
        self._pending: list[Finished] = []
        self._count_at = 0.0  # when the slice ends that the pending ones belong to
        self._slices: Slices | None = None
        self._requests = 0
        self._statuses = [0] * 6
        self._in_flight = 0
        self._limited = 0
        self._errors = 0
        self._retries = 0
        self._cancelled = 0
        self._bytes_in = 0
        self._bytes_out = 0
        self._duration = 0.0
        self._durations = [0] * (len(DURATIONS) + 1)
        self._refusals = [0] * (len(REFUSALS) + 1)
        self._causes = [0] * len(Cause)
        self._last_hit = 0.0

    def begin(self) -> None:
        """A request is being worked on."""
        self._begun.append(None)

    def leave(self, requests: int = 1) -> None:
        """It is not any more, or several are not, and tells nothing."""
        with self._lock:
            self._in_flight -= requests

    def count_in_flight(self) -> int:
        """How many are being worked on."""
        return self._in_flight + len(self._begun) - len(self._pending)

    def finish(
        self,
        status: int,
        duration: float,
        *,
        error: bool = False,
        bytes_in: int = 0,
        bytes_out: int = 0,
        cancelled: bool = False,
    ) -> None:
        """A request that had begun is over."""
        now = self._monotonic()
        self.record((now, status, duration, error, bytes_in, bytes_out, cancelled))

    def answer(self, status: int, duration: float) -> None:
        """A request that had begun was answered as it should be."""
        self.record((self._monotonic(), status, duration, False, 0, 0, False))

    def record(self, request: Finished) -> None:
        """A request that had begun is over; others may record the same one."""
        pending = self._pending
        if request[0] >= self._count_at or len(pending) >= _BATCH:
            self._count_pending(request[0])
        pending.append(request)

    def refuse(self, status: int, duration: float, *, bytes_out: int = 0) -> None:
        """A request was refused before it began."""
        if status >= 400:  # else a browser that asked beforehand had its answer
            with self._lock:
                self._refusals[_REFUSAL_PLACES.get(status, -1)] += 1
        self.begin()
        self.finish(status, duration, error=status >= 500, bytes_out=bytes_out)

    def limit(self, status: int, *, bytes_out: int = 0) -> None:
        """A request was refused by a limit."""
        now, at = self._monotonic(), self._clock.time()
        with self._lock:
            self._limited += 1
            self._refusals[_REFUSAL_PLACES.get(status, -1)] += 1
            self._requests += 1
            self._statuses[status // 100] += 1
            self._bytes_out += bytes_out
            self._last_hit = at
            current = (self._slices or self._first(now)).at(now)
            current.calls += 1
            current.limited += 1

    def note_cause(self, cause: Cause) -> None:
        """Why a request that is over failed."""
        with self._lock:
            self._causes[_CAUSE_PLACES[cause]] += 1

    def retry(self) -> None:
        """A request was sent again."""
        with self._lock:
            self._retries += 1

    def add_bytes(self, bytes_in: int, bytes_out: int) -> None:
        """Bodies of a request that was counted already."""
        with self._lock:
            self._bytes_in += bytes_in
            self._bytes_out += bytes_out

    def add(self, totals: Totals, in_flight: int, last_hit: float, latencies: Histogram) -> None:
        """Count what another process counted; as if it had happened just now."""
        now = self._monotonic()
        with self._lock:
            self._requests += totals.requests
            self._statuses = [a + b for a, b in zip(self._statuses, totals.statuses)]
            self._in_flight += in_flight
            self._limited += totals.limited
            self._errors += totals.errors
            self._retries += totals.retries
            self._cancelled += totals.cancelled
            self._bytes_in += totals.bytes_in
            self._bytes_out += totals.bytes_out
            self._duration += totals.duration
            self._durations = [a + b for a, b in zip(self._durations, totals.durations)]
            self._refusals = [a + b for a, b in zip(self._refusals, totals.refusals)]
            self._causes = [a + b for a, b in zip(self._causes, totals.causes)]
            self._last_hit = max(self._last_hit, last_hit)
            current = (self._slices or self._first(now)).at(now)
            current.calls += totals.requests
            current.errors += totals.errors
            current.limited += totals.limited
            current.latency.merge(latencies)

    @property
    def last_hit(self) -> float:
        """When the last request was over, in seconds since the epoch; 0 before the first."""
        self._count_pending()
        return self._last_hit

    def recent(self) -> Recent | None:
        """The last sixty seconds; None where nothing has ever happened.

        Writers wait for two copies; once in ten seconds for the merging of five slices.
        """
        self._count_pending()
        if self._slices is None:
            return None
        with self._lock:
            recent, fresh = self._slices.recent(self._monotonic())
        recent.latency.merge(fresh)
        return recent

    def tally(self) -> Tally:
        """The counts of `recent` alone: a tenth of its cost, to put many in order."""
        self._count_pending()
        if self._slices is None:
            return _NOTHING
        with self._lock:
            return self._slices.tally(self._monotonic())

    def totals(self) -> Totals:
        """The totals, at one moment."""
        self._count_pending()
        with self._lock:
            return Totals(
                self._requests,
                tuple(self._statuses),
                self._limited,
                self._errors,
                self._retries,
                self._cancelled,
                self._bytes_in,
                self._bytes_out,
                self._duration,
                tuple(self._durations),
                tuple(self._refusals),
                tuple(self._causes),
            )

    def snapshot(self) -> Traffic:
        """All of it, in the form of a report."""
        recent = self.recent()
        totals = self.totals()
        with self._lock:  # not in the middle of counting
            in_flight = self.count_in_flight()
        return Traffic(
            requests_total=totals.requests,
            status_2xx_total=totals.statuses[2],
            status_3xx_total=totals.statuses[3],
            status_4xx_total=totals.statuses[4],
            status_5xx_total=totals.statuses[5],
            in_flight=in_flight,
            limited_total=totals.limited,
            errors_total=totals.errors,
            retries_total=totals.retries,
            cancelled_total=totals.cancelled,
            bytes_in_total=totals.bytes_in,
            bytes_out_total=totals.bytes_out,
            rate_per_s=recent.calls / recent.seconds if recent else 0.0,
            error_percent=error_percent(recent) if recent else 0.0,
            limited_per_s=recent.limited / recent.seconds if recent else 0.0,
            latency=latency(recent.latency) if recent else Latency(),
            last_hit_at=datetime.fromtimestamp(self._last_hit, UTC) if self._last_hit else None,
        )

    def _first(self, now: float) -> Slices:
        self._slices = Slices(now)
        return self._slices

    def _count_pending(self, now: float | None = None) -> None:
        """Count what was put down; `now` is of the request that comes next, if one does."""
        with self._lock:
            begun = len(self._begun)
            self._in_flight += begun
            del self._begun[:begun]
            count = len(self._pending)
            if count:
                requests = self._pending[:count]  # what others append meanwhile stays
                del self._pending[:count]
                self._count(requests)
            if now is not None:
                slices = self._slices or self._first(now)
                self._count_at = slices.ends_after(now)

    def _count(self, requests: list[Finished]) -> None:
        """Under the lock; all are of one slice."""
        moments, statuses, durations, errors, bytes_in, bytes_out, cancelled = zip(*requests)
        failed = sum(errors)
        self._requests += len(requests)
        self._in_flight -= len(requests)
        self._errors += failed
        self._cancelled += sum(cancelled)
        self._bytes_in += sum(bytes_in)
        self._bytes_out += sum(bytes_out)
        self._duration += sum(durations)
        self._count_statuses(statuses)
        self._count_durations(sorted(durations))
        last = moments[-1]
        self._last_hit = self._clock.time() - max(self._monotonic() - last, 0.0)
        current = (self._slices or self._first(last)).at(last)
        current.calls += len(requests)
        current.errors += failed
        current.latency.record_all(durations)

    def _count_statuses(self, statuses: tuple[int, ...]) -> None:
        if statuses.count(statuses[0]) == len(statuses):  # as nearly always
            self._statuses[_status_class(statuses[0])] += len(statuses)
            return
        for status, count in Counter(statuses).items():
            self._statuses[_status_class(status)] += count

    def _count_durations(self, ordered: list[float]) -> None:
        before, place = 0, bisect_left(DURATIONS, ordered[0])
        while before < len(ordered):
            edge = DURATIONS[place] if place < len(DURATIONS) else inf
            below = bisect_right(ordered, edge, before)
            self._durations[place] += below - before
            before = below
            place += 1


def _status_class(status: int) -> int:
    return status // 100 if 100 <= status < 600 and status not in _NO_ANSWER else 0


def finish_both(
    one: TrafficCounts,
    other: TrafficCounts,
    status: int,
    duration: float,
    *,
    error: bool,
    bytes_in: int,
    bytes_out: int,
    cancelled: bool,
) -> None:
    """A request that had begun in both is over: measured once, counted twice."""
    now = one._monotonic()
    request = now, status, duration, error, bytes_in, bytes_out, cancelled
    one.record(request)
    other.record(request)


def error_percent(tally: Recent | Tally) -> float:
    """The share of calls that failed."""
    return 100.0 * tally.errors / tally.calls if tally.calls else 0.0
