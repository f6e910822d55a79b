"""What went through a route, an upstream or the gateway: totals, and the last sixty seconds.

Refuses to keep single requests.
"""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock
from typing import Final

from abi_engine.core.clock import Clock
from abi_engine.features.gateway.api import Latency, LatencyBar, Traffic
from abi_engine.measure.histogram import Histogram
from abi_engine.measure.recent import Recent, RecentCounts, Tally

_PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9)
_BARS_MS: Final = (1.0, 5.0, 25.0, 100.0)
_NO_ANSWER: Final = frozenset((0, 499))
"""Statuses of requests whose client left before the answer."""

_NOTHING: Final = Tally(1.0, 0, 0, 0)


class TrafficCounts:
    """Counts requests. Thread-safe; what it needs for the last sixty seconds is made on first use.

    Args:
        clock: time.
    """

    __slots__ = (
        "_clock",
        "_lock",
        "_recent",
        "bytes_in",
        "bytes_out",
        "cancelled",
        "duration",
        "errors",
        "in_flight",
        "last_hit",
        "limited",
        "requests",
        "retries",
        "statuses",
    )

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._recent: RecentCounts | None = None
        self.requests = 0
        self.statuses = [0] * 6
        self.in_flight = 0
        self.limited = 0
        self.errors = 0
        self.retries = 0
        self.cancelled = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.duration = 0.0
        """The sum of the durations of requests, in seconds."""
        self.last_hit = 0.0
        """Seconds since the epoch; 0 before the first request."""

    def begin(self) -> None:
        """A request is being worked on."""
        with self._lock:
            self.in_flight += 1

    def leave(self) -> None:
        """It is not any more, and tells nothing."""
        with self._lock:
            self.in_flight -= 1

    def count_in_flight(self) -> int:
        """How many are being worked on."""
        return self.in_flight

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
        with self._lock:
            self.in_flight -= 1
            if cancelled:
                self.cancelled += 1
            self._count(status, duration, bytes_out, error=error)
            self.bytes_in += bytes_in
            recent = self._recent or self._first()
        recent.record(duration, error=error)

    def refuse(self, status: int, duration: float, *, bytes_out: int = 0) -> None:
        """A request was refused before it began."""
        error = status >= 500
        with self._lock:
            self._count(status, duration, bytes_out, error=error)
            recent = self._recent or self._first()
        recent.record(duration, error=error)

    def limit(self, status: int, *, bytes_out: int = 0) -> None:
        """A request was refused by a limit."""
        with self._lock:
            self.limited += 1
            self._count(status, 0.0, bytes_out, error=False)
            recent = self._recent or self._first()
        recent.limited()

    def retry(self) -> None:
        """A request was sent again."""
        with self._lock:
            self.retries += 1

    def add_bytes(self, bytes_in: int, bytes_out: int) -> None:
        """Bodies of a request that was counted already."""
        with self._lock:
            self.bytes_in += bytes_in
            self.bytes_out += bytes_out

    def recent(self) -> Recent | None:
        """The last sixty seconds; None where nothing has ever happened."""
        return self._recent.recent() if self._recent else None

    def tally(self) -> Tally:
        """The counts of `recent` alone."""
        return self._recent.tally() if self._recent else _NOTHING

    def snapshot(self) -> Traffic:
        """All of it, at one moment."""
        recent = self.recent()
        with self._lock:
            return Traffic(
                requests_total=self.requests,
                status_2xx_total=self.statuses[2],
                status_3xx_total=self.statuses[3],
                status_4xx_total=self.statuses[4],
                status_5xx_total=self.statuses[5],
                in_flight=self.in_flight,
                limited_total=self.limited,
                errors_total=self.errors,
                retries_total=self.retries,
                cancelled_total=self.cancelled,
                bytes_in_total=self.bytes_in,
                bytes_out_total=self.bytes_out,
                rate_per_s=recent.calls / recent.seconds if recent else 0.0,
                error_percent=error_percent(recent) if recent else 0.0,
                limited_per_s=recent.limited / recent.seconds if recent else 0.0,
                latency=latency(recent.latency) if recent else Latency(),
                last_hit_at=datetime.fromtimestamp(self.last_hit, UTC) if self.last_hit else None,
            )

    def _first(self) -> RecentCounts:
        self._recent = RecentCounts(self._clock)
        return self._recent

    def _count(self, status: int, duration: float, bytes_out: int, *, error: bool) -> None:
        """Under the lock."""
        self.requests += 1
        if status not in _NO_ANSWER:
            self.statuses[status // 100 if 100 <= status < 600 else 0] += 1
        if error:
            self.errors += 1
        self.duration += duration
        self.bytes_out += bytes_out
        self.last_hit = self._clock.time()


def error_percent(tally: Recent | Tally) -> float:
    """The share of calls that failed."""
    return 100.0 * tally.errors / tally.calls if tally.calls else 0.0


def latency(histogram: Histogram) -> Latency:
    """The percentiles of latencies in seconds."""
    found = histogram.percentiles(_PERCENTILES)
    return Latency(*(None if value is None else value * 1000 for value in found))


def latency_bars(recent: Recent | None) -> tuple[LatencyBar, ...]:
    """How the latencies of the last sixty seconds are spread."""
    if recent is None or not recent.latency.count:
        return ()
    total = recent.latency.count
    bars = []
    before = 0
    for edge in _BARS_MS:
        below = recent.latency.count_up_to(edge / 1000)
        bars.append(LatencyBar(edge, below - before, 100.0 * (below - before) / total))
        before = below
    bars.append(LatencyBar(None, total - before, 100.0 * (total - before) / total))
    return tuple(bars)
