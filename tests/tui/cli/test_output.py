from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.text import safe
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer, as_csv, document, line, show
from abi_tui.views.detail import Detail
from abi_tui.views.detail import line as detail_line
from abi_tui.views.table import Cell, Column, Table

AT = datetime(2026, 11, 22, 12, 4, 11, 123456, tzinfo=UTC)
HOSTILE = "a\x1b[31m\u202e\x7f\x9b\u200b\ud800\U000e0041\n日本é"
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def _table(*names: str, total: int | None = None, empty: str = "") -> Answer:
    rows = [{"name": name} for name in names]
    cells = tuple((Cell(safe(name)),) for name in names)
    view = Table("t", (Column("name", "name"),), cells, names, len(names), empty)
    return Answer("t.list/1", rows, view, AT, total)


def _shown(
    capsys: pytest.CaptureFixture[str], answer: Answer, wanted: Format = Format.TABLE
) -> tuple[str, str]:
    invocation = Invocation()
    invocation.format = wanted
    show(invocation, answer)
    invocation.flush_notes()
    return capsys.readouterr()


def test_json_is_one_document_with_its_schema_and_moment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, err = _shown(capsys, _table("a"), Format.JSON)
    assert json.loads(out) == {
        "schema": "abi.t.list/1",
        "at": "2026-11-22T12:04:11.123Z",
        "data": [{"name": "a"}],
    }
    assert err == ""


def test_jsonl_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = _shown(capsys, _table("a", "b"), Format.JSONL)
    assert [json.loads(row) for row in out.splitlines()] == [{"name": "a"}, {"name": "b"}]


def test_csv_has_a_header_of_dotted_names() -> None:
    text = as_csv(({"a": {"b": 1, "c": None}, "d": [1, 2], "e": True},))
    assert list(csv.DictReader(io.StringIO(text))) == [
        {"a.b": "1", "a.c": "", "d": "[1, 2]", "e": "true"}
    ]


def test_csv_of_nothing_is_nothing() -> None:
    assert as_csv(()) == ""


def test_what_was_left_out_is_said_with_the_flag_that_shows_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, err = _shown(capsys, _table("a", total=24))
    assert err == "abi: 1 of 24 shown: --limit 24 shows the rest\n"


def test_a_text_that_was_cut_is_said_with_the_flag_that_shows_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, err = _shown(capsys, _table("a" * 500))
    assert "--plain" in err
    out, err = _shown(capsys, _table("a" * 500), Format.PLAIN)
    assert "a" * 500 in out
    assert err == ""


def test_an_empty_list_says_why_on_stderr_and_nothing_on_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _shown(capsys, _table(empty="nothing yet")) == ("", "abi: nothing yet\n")


def test_an_empty_list_is_an_empty_list_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = _shown(capsys, _table(), Format.JSON)
    assert json.loads(out)["data"] == []


def test_a_detail_is_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    view = Detail("t", "title", (detail_line("a", "1"), detail_line("bb", "2")))
    assert _shown(capsys, Answer("t/1", {}, view))[0] == "a   1\nbb  2\n"


def test_hostile_text_comes_back_whole_from_json_and_acts_on_no_terminal() -> None:
    for text in (document(_table(HOSTILE)), line({"name": HOSTILE})):
        assert "\x1b" not in text
        assert safe(text, newlines=True) == text
    assert json.loads(line({"name": HOSTILE})) == {"name": HOSTILE}


def test_hostile_text_in_csv_is_made_visible() -> None:
    assert safe(as_csv([{"name": HOSTILE}]), newlines=True) == as_csv([{"name": HOSTILE}])


@given(PLAIN)
def test_json_says_what_it_was_given_whatever_that_is(data: object) -> None:
    text = line(data)
    assert json.loads(text) == data
    assert safe(text) == text
