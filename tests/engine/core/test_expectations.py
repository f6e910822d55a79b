from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any

import msgspec
import pytest

from abi_engine.core.expectations import in_words


class Letter(Enum):
    A = "a"


class Whole(msgspec.Struct, forbid_unknown_fields=True):
    needed: int


def said(value: object, kind: Any) -> str:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(value, kind)
    return in_words(str(raised.value).partition(" - at `$")[0])


def bounded(kind: Any, **bounds: Any) -> Any:
    return Annotated[kind, msgspec.Meta(**bounds)]


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("x", int, "expected a whole number, got text"),
        ("x", float, "expected a number, got text"),
        (1.5, int, "expected a whole number, got a number"),
        (1, str, "expected text, got a whole number"),
        (1, bool, "expected true or false, got a whole number"),
        (1, list[int], "expected a list, got a whole number"),
        (1, dict[str, int], "expected a table, got a whole number"),
        ([], int | None, "expected a whole number or nothing, got a list"),
        (True, str, "expected text, got true or false"),
        (datetime(2026, 1, 1, tzinfo=UTC), str, "expected text, got a date"),
        (-1, bounded(int, ge=0), "expected a whole number of at least 0"),
        (9, bounded(int, le=8), "expected a whole number of at most 8"),
        (0.0, bounded(float, gt=0), "expected a number above 0"),
        (1.0, bounded(float, lt=1), "expected a number below 1"),
        ("b", bounded(str, pattern="^a$"), "expected text like ^a$"),
        ("ab", bounded(str, max_length=1), "expected text of length at most 1"),
        ([], bounded(list[int], min_length=1), "expected a list of length at least 1"),
        ("b", Letter, "no such choice"),
        ({}, Whole, "needed is missing"),
        ({"needed": 1, "nedeed": 2}, Whole, "unknown key 'nedeed'"),
    ],
)
def test_a_message_names_no_type_of_python(value: object, kind: Any, words: str) -> None:
    assert said(value, kind) == words


def test_what_is_not_known_stays_but_for_its_first_letter() -> None:
    assert in_words("Something else") == "something else"
