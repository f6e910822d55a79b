"""Writes what is on the screen to a file. Refuses to overwrite one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from abi_engine.core.errors import Unavailable
from abi_engine.runtime.files import write_atomically
from abi_tui.views.table import Table


class Kind(StrEnum):
    """How it is written."""

    JSON = "json"
    CSV = "csv"
    SVG = "svg"


def text_of(kind: Kind, table: Table, objects: Sequence[object], at: datetime | None) -> str:
    """A list as the command line writes it."""
    from abi_tui.cli.output import Answer, as_csv, document  # not before somebody exports

    if kind is Kind.CSV:
        return as_csv(objects)
    return document(Answer(f"{table.name}/1", list(objects), table, at)) + "\n"


def write(directory: Path, name: str, kind: Kind, at: datetime, text: str) -> Path:
    """Write a new file, whole or not at all, and tell which.

    Raises:
        Unavailable: it cannot be written there.
    """
    stem = f"abi-{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-{at:%Y%m%dT%H%M%SZ}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path = _unused(directory, stem, kind)
        write_atomically(path, text.encode())
    except OSError as error:
        raise Unavailable(
            f"cannot write to {directory}: {error.strerror}",
            hint="[dashboard] export_dir says where to",
        ) from error
    return path


def _unused(directory: Path, stem: str, kind: Kind) -> Path:
    path, number = directory / f"{stem}.{kind}", 1
    while path.exists():
        number += 1
        path = directory / f"{stem}-{number}.{kind}"
    return path
