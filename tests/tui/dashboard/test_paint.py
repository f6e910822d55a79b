"""Lines are measured in terminal cells, whatever letters they hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from abi_tui.dashboard.paint import (
    Ground,
    Ink,
    Line,
    Span,
    cells,
    changed,
    cut,
    fit,
    pad,
    spread,
    width_of,
    wrap,
)

pytestmark = pytest.mark.slow

LETTERS = st.text(st.sampled_from("ab /{}[]é世界ー█…\u0301"), max_size=30)
WIDTHS = st.integers(0, 40)
LINES = st.lists(
    st.builds(Span, LETTERS, st.sampled_from(Ink), st.sampled_from(Ground)), max_size=6
).map(tuple)


@given(LETTERS, WIDTHS)
def test_a_cut_text_fits_and_says_that_it_was_cut(text: str, width: int) -> None:
    shown = cut(text, width)
    assert cells(shown) <= width
    assert shown == text if cell_len(text) <= width else not width or shown.endswith("…")


@given(LETTERS, WIDTHS, st.booleans())
def test_a_padded_text_has_exactly_its_width(text: str, width: int, right: bool) -> None:
    assert cells(pad(text, width, right=right)) == width


@given(LINES, WIDTHS)
def test_a_fitted_line_has_exactly_its_width(line: Line, width: int) -> None:
    assert width_of(fit(line, width)) == width


@given(LINES, LINES, WIDTHS)
def test_a_spread_line_has_exactly_its_width(left: Line, right: Line, width: int) -> None:
    assert width_of(spread(left, right, width)) == width


@given(LETTERS, st.integers(2, 40))
def test_wrapping_loses_no_letter_and_no_line_is_too_wide(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(LINES, LINES, WIDTHS)
def test_outside_of_what_changed_both_lines_are_the_same(
    before: Line, after: Line, width: int
) -> None:
    before, after = fit(before, width), fit(after, width)
    columns = changed(before, after)
    if columns is None:
        assert _cells(before) == _cells(after)
        return
    start, end = columns
    assert 0 <= start < end <= width
    assert _cells(before)[:start] == _cells(after)[:start]
    assert _cells(before)[end:] == _cells(after)[end:]


def _cells(line: Line) -> list[tuple[str, Ink, Ground]]:
    """A letter with its ink and ground for each cell."""
    return [
        (letter, piece.ink, piece.ground)
        for piece in line
        for letter in piece.text
        for _ in range(cell_len(letter))
    ]
