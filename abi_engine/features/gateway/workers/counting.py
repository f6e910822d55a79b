"""Traffic that one process counts and another one tells of.

Refuses to send what did not change, and to lose what is counted while it is sent.
"""

from __future__ import annotations

from typing import Any

from abi_engine.core.clock import Clock
from abi_engine.features.gateway.admission import Cause
from abi_engine.features.gateway.traffic import Finished, Totals, TrafficCounts
from abi_engine.features.gateway.workers.messages import Delta
from abi_engine.measure.histogram import Histogram


class ReportedCounts(TrafficCounts):
    """Counts that are reported now and then, as what has come since the last time.

    Args:
        clock: time.
        changed: where it puts itself when there is something to report.
    """

    __slots__ = ("_changed", "_fresh", "_sent", "_sent_in_flight")

    def __init__(self, clock: Clock, changed: set[ReportedCounts]) -> None:
        super().__init__(clock)
        self._changed = changed
        self._fresh = Histogram()
        self._sent = self.totals()
        self._sent_in_flight = 0

    def begin(self) -> None:
        """See `TrafficCounts`."""
        self._changed.add(self)
        super().begin()

    def leave(self, requests: int = 1) -> None:
        """See `TrafficCounts`."""
        self._changed.add(self)
        super().leave(requests)

    def record(self, request: Finished) -> None:
        """See `TrafficCounts`."""
        self._changed.add(self)
        super().record(request)

    def limit(self, status: int, *, bytes_out: int = 0) -> None:
        """See `TrafficCounts`."""
        self._changed.add(self)
        super().limit(status, bytes_out=bytes_out)

    def note_cause(self, cause: Cause) -> None:
        """See `TrafficCounts`."""
        self._changed.add(self)
        super().note_cause(cause)

    def retry(self) -> None:
        """See `TrafficCounts`."""
        self._changed.add(self)
        super().retry()

    def add_bytes(self, bytes_in: int, bytes_out: int) -> None:
        """See `TrafficCounts`."""
        self._changed.add(self)
        super().add_bytes(bytes_in, bytes_out)

    def take(self) -> Delta:
        """What has come since the last call; it is out of `changed` from here on."""
        self._changed.discard(self)
        before, after = self._sent, self.totals()
        in_flight = self.count_in_flight()
        more, self._sent_in_flight = in_flight - self._sent_in_flight, in_flight
        fresh, self._fresh = self._fresh, Histogram()
        self._sent = after
        totals = tuple(map(_less, after, before))
        return Delta(totals, more, self._last_hit, fresh.parts())

    def _count(self, requests: list[Finished]) -> None:
        super()._count(requests)
        self._fresh.record_all([request[2] for request in requests])


def add_delta(counts: TrafficCounts, delta: Delta) -> None:
    """Count in one process what another one counted."""
    latencies = Histogram()
    latencies.add_parts(*delta.latencies)
    values: Any = delta.totals
    counts.add(Totals(*values), delta.in_flight, delta.last_hit, latencies)


def _less(after: Any, before: Any) -> Any:
    """What came on top, of a number or of each of several."""
    if isinstance(after, tuple):
        return tuple(map(_less, after, before))
    return after - before
