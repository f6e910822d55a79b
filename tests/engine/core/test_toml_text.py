from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.toml_text import key_text, table_of_list, value_text

TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
WHOLE = st.integers(-(2**63), 2**63 - 1)
LEAVES = TEXT | st.booleans() | WHOLE | st.floats(allow_nan=False)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_what_is_written_is_read_again(table: dict[str, Any]) -> None:
    assert tomllib.loads(table_of_list("routes", table)) == {"routes": [table]}


@given(TEXT)
def test_a_key_of_any_letters_is_one_key(key: str) -> None:
    assert tomllib.loads(f"{key_text(key)} = 1") == {key: 1}


def test_nothing_acts_on_a_terminal_that_shows_the_file() -> None:
    assert value_text("\x1b[2J\n\x7f") == '"\\u001b[2J\\n\\u007f"'


def test_numbers_of_every_kind() -> None:
    assert tomllib.loads(f"x = {value_text(1e300)}") == {"x": 1e300}
    assert tomllib.loads(f"x = {value_text(math.inf)}") == {"x": math.inf}
    assert value_text(1.0) == "1.0"


def test_a_table_within_a_list_stands_on_the_line() -> None:
    assert value_text([{"a": 1, "b c": True}]) == '[{a = 1, "b c" = true}]'


def test_deeper_tables_are_dotted_keys() -> None:
    assert table_of_list("routes", {"limit": {"rate": 5.0}, "none": {}}) == (
        "[[routes]]\nlimit.rate = 5.0\nnone = {}\n"
    )


@pytest.mark.parametrize("value", [None, [None], {"a": None}, b"x"])
def test_what_toml_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="TOML has no word for"):
        value_text(value)
