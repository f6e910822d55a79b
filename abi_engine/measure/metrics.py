"""Counters and gauges, and their text for a scraper.

Refuses to publish a name that a scraper could not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isinf, isnan
from threading import Lock

from abi_engine.core.errors import InvalidArguments
from abi_engine.core.sample import Family, Sample
from abi_engine.core.text import safe


class Counter:
    """A number that grows. Thread-safe; reading it stops nobody."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = Lock()
        self._value = 0

    def add(self, amount: int = 1) -> None:
        """Let it grow.

        Raises:
            InvalidArguments: `amount` is negative.
        """
        if amount < 0:
            raise InvalidArguments(f"a counter cannot fall: {amount}")
        with self._lock:
            self._value += amount

    @property
    def value(self) -> int:
        """What it has grown to."""
        return self._value


class Gauge:
    """A number that goes up and down. Thread-safe; reading it stops nobody."""

    __slots__ = ("_lock", "_value")

    def __init__(self) -> None:
        self._lock = Lock()
        self._value = 0.0

    def add(self, amount: float = 1) -> None:
        """Move it by `amount`, which may be negative."""
        with self._lock:
            self._value += amount

    def set(self, value: float) -> None:
        """Move it to `value`."""
        with self._lock:
            self._value = value

    @property
    def value(self) -> float:
        """Where it is."""
        return self._value


def prometheus_text(families: Iterable[Family]) -> str:
    """The families in the Prometheus text exposition format 0.0.4.

    Families of the same name are put together under the first one's help. Label values may be
    anything: they are escaped, and characters that could act on a terminal made visible.

    Raises:
        InvalidArguments: a name is not one of the format, or two families of one name differ in
            kind.
    """
    merged: dict[str, list[Family]] = {}
    for family in families:
        merged.setdefault(family.name, []).append(family)
    return "".join(line for group in merged.values() for line in _lines(group))


def _lines(group: list[Family]) -> Iterator[str]:
    first = group[0]
    _check(first.name, first.name.replace(":", "_"))
    if any(family.kind is not first.kind for family in group):
        kinds = " and ".join(sorted({family.kind.value for family in group}))
        raise InvalidArguments(f"the metric {first.name} is {kinds} at once")
    yield f"# HELP {first.name} {_escaped(first.help)}\n"
    yield f"# TYPE {first.name} {first.kind.value}\n"
    for family in group:
        for sample in family.samples:
            yield f"{first.name}{sample.suffix}{_labels(sample)} {_number(sample.value)}\n"


def _labels(sample: Sample) -> str:
    if not sample.labels:
        return ""
    for name, _ in sample.labels:
        _check(name, name)
    pairs = (f'{name}="{_quoted(value)}"' for name, value in sample.labels)
    return "{" + ",".join(pairs) + "}"


def _check(name: str, word: str) -> None:
    if not (word.isascii() and word.isidentifier()):
        raise InvalidArguments(f"{safe(name, limit=100)!r} cannot name a metric or a label")


def _escaped(text: str) -> str:
    return safe(text, newlines=True).replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')


def _number(value: float) -> str:
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(int(value)) if isinstance(value, int) else repr(value)
