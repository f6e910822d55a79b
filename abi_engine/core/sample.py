"""Figures on their way to a scraper. Refuses to know any wire format."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """How a figure may move."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"


class Sample(NamedTuple):
    """One value; `suffix` is appended to the family's name (`_bucket`, `_sum`, `_count`)."""

    value: float
    labels: tuple[tuple[str, str], ...] = ()
    suffix: str = ""


class Family(NamedTuple):
    """Every sample of one name, in the form of the Prometheus data model.

    Attributes:
        name: snake_case with the unit at the end, `_total` for a counter.
        kind: how it may move.
        help: one line.
        samples: the values.
    """

    name: str
    kind: Kind
    help: str
    samples: tuple[Sample, ...]
