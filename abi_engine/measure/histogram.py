"""A log-linear histogram: two significant digits over eleven decades, in a few kilobytes.

Refuses to keep single values: what it tells is exact to the bucket.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from math import frexp, ldexp

from abi_engine.core.errors import InvalidArguments

PARTS = 128  # of each power of two, so that a bucket is at most 1/128 of its values wide

_DROPPED = 45  # bits of a double's 52 behind the point; the other 7 tell the part
_BIAS = (1022 << 7) - PARTS  # of its exponent, against that of `frexp`
_NORMAL = sys.float_info.min


class Histogram:
    """Counts positive values in buckets whose width is at most 0.8 % of the values in them.

    Each power of two is cut into 128 equal buckets; a bucket holds its lower edge, not its upper
    one. Only buckets that hold something take memory, and there are at most 128 for each power of
    two between `lowest` and `highest`, whatever is recorded. Not thread-safe: one writer, or the
    caller's lock.

    Args:
        lowest: smaller values, negative ones and NaN count in the bucket of this value.
        highest: larger values count in the bucket of this value.
    """

    __slots__ = ("_counts", "_highest", "_lowest", "count", "total")

    def __init__(self, *, lowest: float = 1e-6, highest: float = 1e5) -> None:
        if not 0 < lowest < highest < float("inf"):
            message = f"a histogram from {lowest} to {highest}: 0 < lowest < highest < infinity"
            raise InvalidArguments(message)
        self._lowest = lowest
        self._highest = highest
        self._counts: dict[int, int] = {}
        self.count: int = 0
        self.total: float = 0.0
        """The sum of the values, negative ones and NaN as 0, larger ones than `highest` as that."""

    def record(self, value: float) -> None:
        """Count one value. O(1)."""
        within = value
        if value > self._highest:
            within = value = self._highest
        elif not value > self._lowest:  # NaN included
            within = self._lowest
            value = value if value > 0 else 0.0
        self.count += 1
        self.total += value
        mantissa, exponent = frexp(within)
        # The mantissa is in [1/2, 1): twice the number of parts makes 128 whole steps of it.
        index = (exponent << 7) + int(mantissa * 256)
        counts = self._counts
        counts[index] = counts.get(index, 0) + 1

    def record_all(self, values: Sequence[float]) -> None:
        """Count many values; costs a third as much as one by one.

        A double has its exponent in front of its mantissa, so the index of a bucket is simply the
        first bits of it.
        """
        total = sum(values)
        if not self._holds_all(values, total):
            for value in values:
                self.record(value)
            return
        self.count += len(values)
        self.total += total
        counts = self._counts
        for bits in array("q", array("d", values).tobytes()):
            index = (bits >> _DROPPED) - _BIAS
            counts[index] = counts.get(index, 0) + 1

    def _holds_all(self, values: Sequence[float], total: float) -> bool:
        """Whether no value of a sum is out of range, nor NaN, nor none there at all."""
        if not values or total != total:
            return False
        return max(self._lowest, _NORMAL) < min(values) and max(values) <= self._highest

    def percentile(self, percent: float) -> float | None:
        """The upper edge of the bucket that holds the value at `percent` (nearest rank); None when
        empty.

        Args:
            percent: 0 to 100, read to a thousandth.

        Raises:
            InvalidArguments: it is out of range.
        """
        return self.percentiles((percent,))[0]

    def percentiles(self, percents: Iterable[float]) -> tuple[float | None, ...]:
        """`percentile` of each, in one pass over the buckets."""
        wanted = [(_rank(percent, self.count), place) for place, percent in enumerate(percents)]
        found: list[float | None] = [None] * len(wanted)
        if not self.count:
            return tuple(found)
        buckets = iter(sorted(self._counts.items()))
        index, reached = 0, 0
        for rank, place in sorted(wanted):
            while reached < rank:
                index, count = next(buckets)
                reached += count
            found[place] = _upper_edge(index)
        return tuple(found)

    def merge(self, other: Histogram) -> None:
        """Add another's counts.

        Raises:
            InvalidArguments: it has another `lowest` or `highest`.
        """
        if (self._lowest, self._highest) != (other._lowest, other._highest):
            message = f"cannot merge a histogram from {other._lowest} to {other._highest}"
            raise InvalidArguments(f"{message} into one from {self._lowest} to {self._highest}")
        counts = self._counts
        for index, count in other._counts.items():
            counts[index] = counts.get(index, 0) + count
        self.count += other.count
        self.total += other.total

    def parts(self) -> tuple[dict[int, int], float]:
        """The counts by number of bucket, and `total`: what `add_parts` of another one takes."""
        return self._counts.copy(), self.total

    def add_parts(self, counts: Mapping[int, int], total: float) -> None:
        """Add `parts` of a histogram with the same `lowest` and `highest`."""
        mine = self._counts
        for index, count in counts.items():
            mine[index] = mine.get(index, 0) + count
        self.count += sum(counts.values())
        self.total += total

    def copy(self) -> Histogram:
        """Another with the same counts."""
        twin = Histogram(lowest=self._lowest, highest=self._highest)
        twin._counts = self._counts.copy()
        twin.count = self.count
        twin.total = self.total
        return twin

    def count_up_to(self, value: float) -> int:
        """How many values fell into the bucket of `value` or a lower one."""
        last = _index(min(max(value, self._lowest), self._highest))
        return sum(count for index, count in self._counts.items() if index <= last)

    def buckets(self) -> list[tuple[float, int]]:
        """(upper edge, count) of every bucket that is not empty, ascending."""
        return [(_upper_edge(index), count) for index, count in sorted(self._counts.items())]


def _index(value: float) -> int:
    mantissa, exponent = frexp(value)
    return (exponent << 7) + int(mantissa * 256)


def _upper_edge(index: int) -> float:
    exponent, part = divmod(index - PARTS, PARTS)
    return ldexp((part + PARTS + 1) / (2 * PARTS), exponent)


def _rank(percent: float, count: int) -> int:
    if not 0 <= percent <= 100:
        raise InvalidArguments(f"percentile {percent}: from 0 to 100")
    # In whole thousandths: 99.9 / 100 * 1000 is a little more than 999 in floating point.
    return max(-(-round(percent * 1000) * count // 100_000), 1)
