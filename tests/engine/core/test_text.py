from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.text import safe

anything = st.text(st.characters(), max_size=60) | st.text(
    st.sampled_from(
        "\x00\x07\x1b\x7f\x85\x9b\u200b\u200e\u202e\u2028\u2066\ufeff\ud800\n\r\tab[é语"
    )
)


@given(anything)
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = safe(text)
    for character in shown:
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN",
        }  # fmt: skip
    shown.encode()


@given(anything)
def test_text_on_several_lines_keeps_its_line_feeds_and_nothing_else(text: str) -> None:
    lines = safe(text, newlines=True).split("\n")
    assert lines == [safe(line) for line in text.split("\n")]


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_text_without_harm_is_left_alone(text: str) -> None:
    assert safe(text) == text


@given(anything, st.integers(0, 30))
def test_a_limit_is_kept_and_a_cut_is_shown(text: str, limit: int) -> None:
    shown = safe(text, limit=limit)
    assert len(shown) <= limit
    if shown != safe(text) and limit:
        assert shown.endswith("…")
        assert safe(text).startswith(shown[:-1])


@given(anything)
def test_made_safe_twice_is_made_safe_once(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\x9b2J", r"\x9b2J"),
        ("abc\u202etxt.exe", r"abc\u202etxt.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("[/x] {0} %s", "[/x] {0} %s"),
        ("grüß 语 👍", "grüß 语 👍"),
    ],
)
def test_what_is_changed_stays_readable(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_huge_text_is_cut_before_it_is_read() -> None:
    assert safe("\x1b" * 10_000_000, limit=5) == r"\x1b" + "…"
