"""Arithmetic on moments without rounding errors. Refuses to read a clock."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nextafter


def as_written(number: float) -> Fraction:
    """The number as a person wrote it: 0.1 is a tenth, not the binary fraction next to it."""
    return Fraction(repr(number))


def seconds_between(reading: float, moment: float) -> float:
    """How long from a reading of the clock to a later moment.

    The reading plus the result, added in floating point, is never before the moment; it may be one
    unit in the last place after it.
    """
    wait = moment - reading
    return wait if reading + wait >= moment else nextafter(moment, inf) - reading


class Grid:
    """Time in parts of equal length, the first of which begins at 0.

    The length may be any fraction; a reading of the clock is compared with it as the binary
    fraction it is. So every reading is in exactly the part in which it would be on paper.

    Args:
        length: of a part, in seconds.
    """

    __slots__ = ("_denominator", "_numerator")

    def __init__(self, length: Fraction) -> None:
        self._numerator = length.numerator
        self._denominator = length.denominator

    def part(self, reading: float) -> int:
        """The number of the part that a reading of the clock is in."""
        numerator, denominator = reading.as_integer_ratio()
        return numerator * self._denominator // (denominator * self._numerator)

    def begins(self, part: int) -> float:
        """The first reading that is in a part."""
        exact = part * self._numerator
        reading = exact / self._denominator
        numerator, denominator = reading.as_integer_ratio()
        before = numerator * self._denominator < exact * denominator
        return nextafter(reading, inf) if before else reading
