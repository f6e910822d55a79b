from __future__ import annotations

from unicodedata import east_asian_width

from hypothesis import given
from hypothesis import strategies as st

from abi_tui.cli.columns import CELL_SIZE, LAST_CELL_SIZE, Writer
from abi_tui.views.detail import Detail, heading, line
from abi_tui.views.table import Cell, Column, Table, Tone

COLUMNS = (Column("name", "name"), Column("count", "count", right=True), Column("what", "what"))


def _table(*rows: tuple[str, str, str], tone: Tone = Tone.PLAIN) -> Table:
    cells = tuple(tuple(Cell(text, tone) for text in row) for row in rows)
    return Table("test", COLUMNS, cells, tuple(str(n) for n in range(len(rows))), len(rows))


def _plain(view: Table | Detail) -> list[str]:
    return list(Writer(color=False, cut=False).lines(view))


def test_numbers_are_right_aligned_under_their_header_and_text_is_left_aligned() -> None:
    assert _plain(_table(("a", "1", "x"), ("long name", "1 117", "y"))) == [
        "name       count  what",
        "a              1  x",
        "long name  1 117  y",
    ]


def test_a_table_without_rows_has_no_header_either() -> None:
    assert _plain(_table()) == []


def test_a_line_never_ends_in_blanks() -> None:
    assert _plain(_table(("a", "1", ""), ("b", "2", "x")))[1] == "a         1"


def test_wide_letters_take_two_columns() -> None:
    first, second = _plain(_table(("日本", "1", "x"), ("abcd", "1", "x")))[1:]
    assert first.index("1") == second.index("1") - 2


def test_a_long_cell_is_cut_and_it_is_said_that_it_was() -> None:
    writer = Writer(color=False, cut=True)
    lines = list(writer.table(_table(("a" * 200, "1", "b" * 200))))
    assert writer.was_cut
    assert "a" * (CELL_SIZE - 1) + "…" in lines[1]
    assert lines[1].endswith("b" * (LAST_CELL_SIZE - 1) + "…")


def test_without_cutting_every_letter_is_there() -> None:
    assert "a" * 200 in _plain(_table(("a" * 200, "1", "b")))[1]


def test_a_tone_is_a_colour_only_where_colours_were_asked_for() -> None:
    table = _table(("a", "1", "x"), tone=Tone.BAD)
    assert "\x1b[" not in "".join(_plain(table))
    assert "\x1b[1;31ma\x1b[0m" in "".join(Writer(color=True, cut=False).table(table))


def test_a_detail_has_its_labels_in_one_column() -> None:
    detail = Detail("test", "t", (line("state", "ok"), heading("latency"), line("p99 ms", "5.3")))
    assert _plain(detail) == ["state   ok", "latency", "p99 ms  5.3"]


def test_the_bars_of_a_detail_end_in_one_column() -> None:
    lines = (line("  ≤1", "61.0 %", share=61.0), line("  >1", "9.0 %", share=9.0))
    first, second = _plain(Detail("test", "t", lines))
    assert len(first) == len(second)
    assert first.count("█") > second.count("█") > 0


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(categories=("L", "N", "P", "Zs"))),
            st.integers().map(str),
            st.just("end"),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_row_begins_its_last_column_in_the_same_place(
    rows: list[tuple[str, str, str]],
) -> None:
    def width(text: str) -> int:
        return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)

    lines = _plain(_table(*rows))[1:]
    assert len({width(text.rpartition("end")[0]) for text in lines}) == 1
