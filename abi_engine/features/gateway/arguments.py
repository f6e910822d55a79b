"""Checks of what callers pass. Each raises `InvalidArguments` with the value."""

from __future__ import annotations

from enum import StrEnum
from math import isfinite
from typing import Final, TypeVar

from abi_engine.core.errors import InvalidArguments
from abi_engine.core.text import safe

E = TypeVar("E", bound=StrEnum)

WINDOW_MAX: Final = 10_000
DAY: Final = 86_400.0


def check_text(name: str, value: object) -> None:
    """Refuse what is no text."""
    if not isinstance(value, str):
        raise _wrong(name, value, "expected text")


def check_method(value: object) -> None:
    """Refuse what is neither text nor None."""
    if value is not None:
        check_text("method", value)


def check_switch(name: str, value: object) -> None:
    """Refuse what is neither true nor false."""
    if not isinstance(value, bool):
        raise _wrong(name, value, "expected true or false")


def check_seconds(name: str, value: object, *, zero: bool = False) -> None:
    """Refuse what is no number of seconds within a day."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise _wrong(name, value, "expected seconds")
    if not (0 <= value <= DAY) or (value == 0 and not zero):
        raise _wrong(name, value, f"from {'0' if zero else 'more than 0'} to {DAY:g} seconds")


def check_window(limit: object, offset: object) -> None:
    """Refuse a window of a list that no list has."""
    for name, value, least, most in (
        ("limit", limit, 1, WINDOW_MAX),
        ("offset", offset, 0, None),
    ):
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong(name, value, "expected a number")
        if value < least or (most is not None and value > most):
            raise _wrong(name, value, f"at least {least}" + (f", at most {most}" if most else ""))


def choice(name: str, value: object, kind: type[E]) -> E:
    """`value` as one of the choices, which may be given by their words."""
    check_text(name, value)
    try:
        return kind(str(value))
    except ValueError as error:
        raise _wrong(name, value, f"one of {', '.join(kind)}") from error


def _wrong(name: str, value: object, what: str) -> InvalidArguments:
    return InvalidArguments(f"{name} = {safe(repr(value), limit=100)}: {what}")
