"""Pages are made from docstrings, signatures and structs, and lose nothing of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest

from abi_tui.views.meanings import bounds, docstring, entries, meanings, type_words
from docs.render import paragraphs, signature, table


class Colour(StrEnum):
    RED = "red"


class Base(msgspec.Struct, frozen=True):
    """The base.

    Attributes:
        first: from the base.
    """

    first: int


class Sample(Base, frozen=True):
    """A sample.

    With a second paragraph.

    Attributes:
        one, two: a pair; three: alone,
            over two lines.
        a_total … c_total: a range.
    """

    one: int
    two: int
    three: int
    a_total: int = 0
    b_total: int = 0
    c_total: int = 0


def test_a_docstring_is_split_at_its_headings() -> None:
    said = docstring(Sample)
    assert said.text == "A sample.\n\nWith a second paragraph."
    assert list(said.sections) == ["Attributes"]


def test_a_class_without_a_docstring_does_not_borrow_one() -> None:
    class Silent(Sample, frozen=True):
        pass

    assert docstring(Silent).text == ""


def test_every_field_gets_what_is_said_of_it_by_its_struct_or_a_base() -> None:
    assert meanings(Sample) == {
        "first": "from the base",
        "one": "a pair",
        "two": "a pair",
        "three": "alone, over two lines",
        "a_total": "a range",
        "b_total": "a range",
        "c_total": "a range",
    }


def test_entries_of_a_section_keep_their_later_lines() -> None:
    assert entries("first: begins\n    and goes on.\nsecond: ends.\n") == {
        "first": "begins and goes on.",
        "second": "ends.",
    }


def test_an_indented_paragraph_is_code() -> None:
    assert paragraphs("Words\nhere.\n\n    code()\n") == "Words here.\n\n```python\ncode()\n```"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, "int"),
        (int | None, "int | None"),
        (tuple[str, ...], "tuple[str, ...]"),
        (dict[str, tuple[int, bool]], "dict[str, tuple[int, bool]]"),
        (Annotated[int, msgspec.Meta(ge=1)] | None, "int | None"),
        (Literal["a", "b"], "Literal['a', 'b']"),
        (Colour, "Colour"),
    ],
)
def test_types_are_written_as_in_python(kind: object, words: str) -> None:
    assert type_words(kind) == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (int, ""),
        (Annotated[int, msgspec.Meta(ge=1, lt=9)], "≥ 1, < 9"),
        (Annotated[float, msgspec.Meta(gt=0)] | None, "> 0"),
        (Annotated[str, msgspec.Meta(pattern="^a$")], "matches `^a$`"),
    ],
)
def test_bounds_are_those_of_the_type(kind: object, words: str) -> None:
    assert bounds(kind) == words


CONSTANT = ("a", "b")


def call(
    self: object,
    name: str,
    *,
    many: tuple[str, ...] = CONSTANT,
    colour: Colour = Colour.RED,
    **facts: int,
) -> bool: ...


def test_a_signature_is_the_call_without_self() -> None:
    assert signature(call) == (
        "call(\n"
        "    name: str,\n"
        "    *,\n"
        "    many: tuple[str, ...] = CONSTANT,\n"
        '    colour: Colour = "red",\n'
        "    **facts: int,\n"
        ") -> bool"
    )


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert table(("A", "B"), [("x | y", "z")]).splitlines()[-1] == "| x \\| y | z |"
