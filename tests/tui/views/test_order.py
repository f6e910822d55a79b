from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from abi_tui.views.order import ordered
from abi_tui.views.table import Cell, Column, Table

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def table(texts: list[str]) -> Table:
    rows = tuple((Cell(text),) for text in texts)
    return Table("t", (Column("a.b", "b"),), rows, tuple(map(str, range(len(rows)))), len(rows))


def told(values: list[object]) -> list[object]:
    return [SimpleNamespace(a=SimpleNamespace(b=value)) for value in values]


@given(st.lists(st.none() | st.integers() | st.floats(allow_nan=False)), st.booleans())
def test_figures_are_ordered_as_figures_and_what_is_not_known_is_last(
    values: list[object], rising: bool
) -> None:
    order = ordered(table(["x"] * len(values)), told(values), "a.b", rising=rising)
    assert sorted(order) == list(range(len(values)))
    found = [values[index] for index in order]
    known = [value for value in values if value is not None]
    if known:
        expected: list[object] = sorted(known, reverse=not rising)  # type: ignore[type-var]
        assert found == expected + [None] * (len(values) - len(known))


@given(st.lists(st.integers(0, 2)), st.booleans())
def test_equal_rows_stay_as_they_are(values: list[int], rising: bool) -> None:
    order = ordered(table(["x"] * len(values)), told([*values]), "a.b", rising=rising)
    for value in range(3):
        equal = [index for index in order if values[index] == value]
        assert equal == sorted(equal)


def test_words_are_ordered_without_regard_to_case() -> None:
    assert ordered(table(["x"] * 3), told(["b", "A", "c"]), "a.b", rising=True) == (1, 0, 2)
    assert ordered(table(["x"] * 3), told(["b", "A", "c"]), "a.b", rising=False) == (2, 0, 1)


def test_moments_are_ordered_by_time() -> None:
    later: list[object] = [NOW + timedelta(days=9), NOW + timedelta(days=10), NOW]
    assert ordered(table(["x"] * 3), told(later), "a.b", rising=True) == (2, 0, 1)


def test_values_of_several_kinds_are_ordered_by_their_words() -> None:
    assert ordered(table(["x"] * 3), told(["b", 3, True]), "a.b", rising=True) == (1, 0, 2)


def test_a_column_that_is_no_field_is_ordered_by_what_it_shows() -> None:
    assert ordered(table(["b", "", "a"]), [object()] * 3, "a.b", rising=True) == (2, 0, 1)
