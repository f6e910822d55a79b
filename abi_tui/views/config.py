"""Settings and where each comes from. Refuses to show a value that has not been made safe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Literal, NamedTuple, get_args, get_origin

import msgspec

from abi_engine.catalogue import BUILT_IN
from abi_engine.config import DEFAULT, Setting
from abi_engine.core.text import safe
from abi_tui.views import numbers
from abi_tui.views.detail import Detail, command_line, line
from abi_tui.views.meanings import bounds, meanings, type_words
from abi_tui.views.table import Cell, Column, Table, Tone

COLUMNS = (Column("key", "setting"), Column("value", "value"))
DEFAULTS = (Column("default", "default"), Column("origin", "from"))
ENVIRONMENT = (Column("name", "variable"), Column("value", "value"), Column("key", "setting"))
EMPTY = "no setting has that name: abi config show"


def settings_table(settings: Iterable[Setting], *, origin: bool = True) -> Table:
    """Settings in the given order; those that somebody set stand out.

    Args:
        settings: the rows.
        origin: with the default of each, and where its value comes from.
    """
    rows = tuple(settings)
    return Table(
        "config.settings",
        (*COLUMNS, *DEFAULTS) if origin else COLUMNS,
        tuple(_row(row)[: 4 if origin else 2] for row in rows),
        tuple(row.key for row in rows),
        len(rows),
        EMPTY,
    )


def value_text(value: object) -> str:
    """A value as it is written in TOML or, where it is deeper, in JSON; safe to show."""
    return safe(json.dumps(value, ensure_ascii=False, default=str))


def setting_detail(setting: Setting, kinds: Mapping[str, type[msgspec.Struct]]) -> Detail:
    """A setting with its meaning and bounds, as the reference of the settings has them.

    Args:
        setting: which.
        kinds: the struct of each section of the configuration.
    """
    section, _, name = setting.key.partition(".")
    kind, said = _field(kinds.get(section), name.split("."))
    row = next((row for row in BUILT_IN if setting.key == f"features.{row.name}"), None)
    variable = f"ABI_{setting.key.replace('.', '__').upper()}"
    changed = setting.origin != DEFAULT
    return Detail(
        "config.setting",
        safe(setting.key),
        (
            line(
                "value",
                value_text(setting.value),
                Tone.STRONG if changed else Tone.PLAIN,
            ),
            line("default", value_text(setting.default)),
            line("from", safe(setting.origin)),
            line("meaning", row.summary if row is not None else said or "not described"),
            line("type", "bool" if row is not None else type_words(kind) if kind else numbers.NONE),
            line("bounds", (allowed(kind) if kind is not None else "") or "none"),
            line("variable", safe(variable)),
        ),
        command_line("abi", "config", "show", setting.key, "--origin"),
    )


def allowed(kind: Any) -> str:
    """The values that a type allows, in words; empty where it allows every one."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(str(one.value) for one in kind)
    if get_origin(kind) is Literal:
        return ", ".join(map(str, get_args(kind)))
    return bounds(kind)


def _field(kind: Any, words: list[str]) -> tuple[Any, str]:
    """The type of a field within a struct, however deep, and what is said of it."""
    said = ""
    for word in words:
        fields = (
            {field.name: field.type for field in msgspec.structs.fields(kind)}
            if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
            else {}
        )
        if word not in fields:
            return None, ""
        said = meanings(kind).get(word, "")
        kind = fields[word]
    return kind, said


def _row(setting: Setting) -> tuple[Cell, ...]:
    untouched = setting.origin == DEFAULT
    return (
        Cell(safe(setting.key), Tone.DIM if untouched else Tone.PLAIN),
        Cell(value_text(setting.value), Tone.DIM if untouched else Tone.STRONG),
        Cell(value_text(setting.default), Tone.DIM),
        Cell(safe(setting.origin), Tone.DIM),
    )


class Variable(NamedTuple):
    """An environment variable that is read.

    Attributes:
        name: of the variable; key: the setting that it sets, where it sets one.
        value: what it holds; None where it is not set.
    """

    name: str
    value: str | None
    key: str


def environment_table(variables: Iterable[Variable]) -> Table:
    """Environment variables in the given order."""
    rows = tuple(variables)
    return Table(
        "config.environment",
        ENVIRONMENT,
        tuple(map(_variable_row, rows)),
        tuple(row.name for row in rows),
        len(rows),
        "no variable is set",
    )


def _variable_row(row: Variable) -> tuple[Cell, ...]:
    value = (
        Cell(numbers.NONE, Tone.DIM) if row.value is None else Cell(safe(row.value), Tone.STRONG)
    )
    return Cell(safe(row.name)), value, Cell(safe(row.key), Tone.DIM)
