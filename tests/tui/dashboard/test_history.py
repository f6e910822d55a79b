"""Traces: points gathered into columns that stand still, on a scale that only grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_tui.dashboard.history import (
    COLUMN_S,
    KEPT_S,
    History,
    Point,
    bars,
    ceiling,
    ceiling_words,
    round_up,
)

TIMES = st.integers(0, 1200).map(float)
VALUES = st.one_of(st.none(), st.floats(0, 1e6))
POINTS = st.lists(st.builds(lambda at, value: Point(at, (value,)), TIMES, VALUES), max_size=60)


@given(POINTS, TIMES, st.integers(1, 60))
def test_a_column_has_the_largest_value_of_its_time(
    points: list[Point], until: float, columns: int
) -> None:
    history = History()
    history.add(points)
    first = {}
    for point in points:  # of two of the same moment the first counts
        first.setdefault(point.at, point)
    newest = max(first, default=0.0)
    kept = [p for p in first.values() if p.at > newest - KEPT_S or p.at == newest]
    last = int(until // COLUMN_S)
    for index, found in enumerate(history.column(0, until, columns)):
        number = last - columns + 1 + index
        inside = [
            p.values[0]
            for p in kept
            if int(p.at // COLUMN_S) == number and p.at <= until and p.values[0] is not None
        ]
        assert found == max(inside, default=None)


def test_points_of_the_past_may_come_late_and_twice() -> None:
    history = History()
    history.add([Point(10.0, (1.0,)), Point(4.0, (3.0,)), Point(10.0, (9.0,)), Point(4.0, (8.0,))])
    assert history.first() == 4.0
    assert history.column(0, 11.0, 4) == [3.0, None, None, 1.0]
    assert history.largest(0, 11.0) == 3.0


def test_fifteen_minutes_are_kept() -> None:
    history = History()
    history.add(Point(float(at), (1.0,)) for at in range(2000))
    assert history.first() == 1999 - KEPT_S + 1


@given(st.floats(1e-6, 1e12))
def test_a_scale_ends_at_the_next_1_2_or_5(value: float) -> None:
    end = round_up(value)
    assert value <= end * (1 + 1e-6)
    assert end <= value * 2.5 * (1 + 1e-6)
    assert f"{end:e}"[0] in "125"


@given(st.floats(0, 1e9), st.floats(0.1, 1e3))
def test_a_scale_covers_what_there_is_and_is_not_shorter_than_its_least(
    largest: float, least: float
) -> None:
    end = ceiling(largest, least, None)
    assert end >= max(least, largest * (1 - 1e-6))
    assert ceiling(end, least, None) == pytest.approx(end)


def test_a_share_does_not_exceed_a_hundred_per_cent() -> None:
    assert ceiling(99.0, 10.0, 100.0) == 100.0
    assert ceiling(100.0, 10.0, 100.0) == 100.0


def test_a_scale_is_made_of_the_last_five_minutes() -> None:
    history = History()
    history.add([Point(0.0, (900.0,)), Point(200.0, (30.0,)), Point(600.0, (7.0,))])
    assert history.largest(0, 100.0) == 900.0
    assert history.largest(0, 299.0) == 900.0
    assert history.largest(0, 301.0) == 30.0
    assert history.largest(0, 600.0) == 7.0
    assert history.largest(0, 2000.0) == 0.0


@pytest.mark.parametrize(("end", "words"), [(10, "10"), (0.5, "0.5"), (2000, "2 k"), (5e6, "5 M")])
def test_where_a_scale_ends_is_said_in_a_few_letters(end: float, words: str) -> None:
    assert ceiling_words(end) == words


def test_a_trace_has_eight_steps_a_line_and_shows_what_is_hardly_there() -> None:
    assert bars([0.0, None, 0.001, 5.0, 10.0, 99.0], 10.0, 1) == ["  ▁▄██"]
    assert bars([10.0, 5.0, 7.5], 10.0, 2) == ["█ ▄", "███"]


@given(st.lists(VALUES, max_size=30), st.floats(0.1, 1e6), st.integers(1, 8))
def test_a_trace_is_as_wide_as_its_values_and_as_high_as_it_is_told(
    values: list[float | None], end: float, height: int
) -> None:
    rows = bars(values, end, height)
    assert len(rows) == height
    assert {len(row) for row in rows} == {len(values)}
    for index, value in enumerate(values):
        assert any(row[index] != " " for row in rows) == bool(value)
