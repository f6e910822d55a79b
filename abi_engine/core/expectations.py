"""What is wrong with a value, in the words of those who wrote it. Refuses to name a type of Python.

The checks come from msgspec, which says: Expected `int`, got `str`.
"""

from __future__ import annotations

import re
from typing import Final

_KINDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "datetime": "a date",
    "date": "a date",
    "time": "a time of day",
    "bytes": "text",
}
_BOUNDS: Final = {
    ">=": "of at least",
    "<=": "of at most",
    ">": "above",
    "<": "below",
    "matching regex": "like",
    "of length >=": "of length at least",
    "of length <=": "of length at most",
}
_EXPECTED: Final = re.compile(r"Expected `([^`]*)`(?: (.*?))?(?:, got `([^`]*)`)?", re.DOTALL)
_BOUND: Final = re.compile(r"(of length [<>]=|matching regex|[<>]=?) (.*)", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `([^`]*)`")
_UNKNOWN: Final = re.compile(r"Object contains unknown field `([^`]*)`")


def in_words(message: str) -> str:
    """A message of msgspec as one says it of a configuration; others as they are, in lower case.

    Args:
        message: without the place, which msgspec puts behind ` - at`.
    """
    if found := _MISSING.fullmatch(message):
        return f"{found[1]} is missing"
    if found := _UNKNOWN.fullmatch(message):
        return f"unknown key '{found[1]}'"
    if message.startswith("Invalid enum value "):
        return "no such choice"
    if message == "Input data was truncated":
        return "it ends too early"
    found = _EXPECTED.fullmatch(message)
    if found is None:
        return message[:1].lower() + message[1:]
    expected, bound, given = found.groups()
    wanted = _kinds(expected) + (f" {_bound(bound)}" if bound else "")
    return f"expected {wanted}, got {_kinds(given)}" if given else f"expected {wanted}"


def _kinds(names: str) -> str:
    return " or ".join(_KINDS.get(name, name) for name in names.split(" | "))


def _bound(text: str) -> str:
    found = _BOUND.fullmatch(text)
    if found is None:
        return text
    value = found[2].removesuffix(".0")
    if found[1] == "matching regex":
        value = value.strip("'\"")
    return f"{_BOUNDS[found[1]]} {value}"
