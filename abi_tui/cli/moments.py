"""Moments as people type them: `-5m`, `-90s`, `2026-11-22T12:04:11Z`. Refuses what is to come."""

from __future__ import annotations

from typing import Any

import click

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


class Moment(click.ParamType[float]):
    """Seconds since the epoch, or, negative, seconds ago.

    Args:
        ago: whether `5m` is taken as `-5m`, where nothing else can be meant.
    """

    name = "moment"

    def __init__(self, *, ago: bool = False) -> None:
        self._ago = ago

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The moment that a text means."""
        if isinstance(value, float):
            return value
        text = str(value).strip()
        signed = f"-{text}" if self._ago and text[:1].isdecimal() else text
        found = _ago(signed) if signed.startswith("-") else None
        found = _exactly(text) if found is None else found
        if found is None:
            self.fail(f"'{text}' is neither like -5m nor like 2026-11-22T12:04:11Z", param, ctx)
        return found


def _ago(text: str) -> float | None:
    number, unit = text[1:-1], text[-1]
    if unit not in UNITS or not number.isdecimal() or len(number) > 9:
        return None
    return -float(number) * UNITS[unit] or None


def _exactly(text: str) -> float | None:
    from datetime import UTC, datetime

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


AT = click.option(
    "--at",
    type=Moment(),
    metavar="MOMENT",
    help="As it was then: -5m, -90s, or 2026-11-22T12:04:11Z.",
)
