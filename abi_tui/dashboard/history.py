"""The recent past as traces: a point a report, gathered into columns of equal time. Pure.

Refuses to keep reports: fifteen minutes of them would be most of the memory of a dashboard.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from math import ceil, floor, log10
from typing import NamedTuple

KEPT_S = 900.0
SCALE_S = 300.0
COLUMN_S = 2


class Point(NamedTuple):
    """The figures of one moment; `values` has one for each tile, in their order.

    A value is None where nothing was measured: nobody came, or the feature was off.
    """

    at: float
    values: tuple[float | None, ...]


class History:
    """The points of the last fifteen minutes, by time. For one thread."""

    def __init__(self) -> None:
        self._points: list[Point] = []

    def add(self, points: Iterable[Point]) -> None:
        """Take up points, in any order; one that is there already is not taken twice."""
        for point in points:
            if not self._points or point.at > self._points[-1].at:
                self._points.append(point)
            elif all(known.at != point.at for known in self._around(point.at)):
                insort(self._points, point)
        newest = self._points[-1].at if self._points else 0.0
        del self._points[: bisect_right(self._points, newest - KEPT_S, key=_at)]

    def first(self) -> float | None:
        """When it begins; None while it is empty."""
        return self._points[0].at if self._points else None

    def column(self, value: int, until: float, columns: int) -> list[float | None]:
        """The largest of a value in each of the last `columns` columns, oldest first.

        Columns begin at whole multiples of their length, so that they stand still while time goes
        on and only the newest changes.
        """
        last = int(until // COLUMN_S)
        found: list[float | None] = [None] * columns
        end = bisect_right(self._points, until, key=_at)
        begin = bisect_right(self._points, (last - columns + 1) * COLUMN_S - 1e-9, key=_at)
        for at, values in self._points[begin:end]:
            one = values[value]
            index = int(at // COLUMN_S) - last + columns - 1
            known = found[index]
            if one is not None and (known is None or one > known):
                found[index] = one
        return found

    def largest(self, value: int, until: float) -> float:
        """The largest of a value in the minutes that make its scale; 0 where there is none."""
        end = bisect_right(self._points, until, key=_at)
        begin = bisect_right(self._points, until - SCALE_S, key=_at)
        return max((point.values[value] or 0.0 for point in self._points[begin:end]), default=0.0)

    def _around(self, at: float) -> list[Point]:
        index = bisect_right(self._points, at, key=_at)
        return self._points[max(index - 1, 0) : index + 1]


def ceiling(largest: float, least: float, most: float | None) -> float:
    """Where a scale ends: the next 1, 2 or 5 times a power of ten, within its bounds.

    Made from the last minutes rather than from what is in sight, so that it grows at once, and
    shrinks only when what made it grow is long over: a trace does not change its meaning while
    one looks at it.
    """
    wanted = round_up(largest) if largest > least else least
    return wanted if most is None else min(wanted, most)


def ceiling_words(end: float) -> str:
    """Where a scale ends, in at most five letters: `0.5`, `200`, `5 k`."""
    for step, letter in ((1e6, " M"), (1e3, " k")):
        if end >= step:
            return f"{end / step:g}{letter}"
    return f"{end:g}"


def round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten that is not smaller."""
    magnitude = 10.0 ** floor(log10(value))
    for step in (1, 2, 5):
        if value <= step * magnitude * (1 + 1e-9):
            return step * magnitude
    return 10 * magnitude


def bars(values: Iterable[float | None], end: float, height: int) -> list[str]:
    """A trace on a scale up to `end`, in `height` lines of block characters, eight steps each.

    What is not nothing shows at least one step, and what is too large is cut off.
    """
    steps = [_steps(value, end, height) for value in values]
    return [
        "".join(_BLOCKS[max(0, min(8, step - 8 * row))] for step in steps)
        for row in range(height - 1, -1, -1)
    ]


_BLOCKS = " ▁▂▃▄▅▆▇█"


def _steps(value: float | None, end: float, height: int) -> int:
    if not value or value < 0:
        return 0
    return max(1, min(8 * height, ceil(8 * height * value / end - 0.5)))


def _at(point: Point) -> float:
    return point.at
