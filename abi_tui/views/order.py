"""Orders the rows of a list by a column: by what they tell of, not by how that is written.

Where nothing is known stands last, whichever way round.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from abi_tui.views.table import Table


def ordered(
    table: Table, objects: Sequence[object], column: str, *, rising: bool
) -> tuple[int, ...]:
    """The indexes of the rows, ordered by the column with that key; equal ones stay as they are.

    Args:
        table: all rows.
        objects: what each row tells of; a column's key names a field of it, however deep.
        column: by which.
        rising: least first.
    """
    at = next(index for index, one in enumerate(table.columns) if one.key == column)
    found = [_value(one, column) for one in objects]
    if not found or all(value is None for value in found):  # the column is in no field
        found = [row[at].text.casefold() or None for row in table.rows]
    known = [index for index, value in enumerate(found) if value is not None]
    unknown = [index for index, value in enumerate(found) if value is None]
    if not _comparable([found[index] for index in known]):
        found = [None if value is None else str(value).casefold() for value in found]
    known.sort(key=lambda index: found[index], reverse=not rising)  # type: ignore[arg-type,return-value]  # all of one kind
    return (*known, *unknown)


def _value(told: object, key: str) -> object:
    for word in key.split("."):
        told = getattr(told, word, None)
    return told


def _comparable(values: Sequence[object]) -> bool:
    """Whether they can be compared with each other as they are."""
    figures = all(isinstance(value, int | float) for value in values)
    return figures or all(isinstance(value, datetime) for value in values)
