"""How long requests took, as reports tell it. Refuses to measure."""

from __future__ import annotations

from typing import Final

from abi_engine.features.gateway.api import Latency, LatencyBar
from abi_engine.measure.histogram import Histogram
from abi_engine.measure.recent import Recent

_PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9)
_BARS_MS: Final = (1.0, 5.0, 25.0, 100.0)


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
