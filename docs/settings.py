"""The reference of the settings, from the structs that hold them."""

from __future__ import annotations

from enum import Enum
from typing import Any, get_args

import msgspec

from abi_engine.catalogue import BUILT_IN
from abi_engine.config import known_sections
from abi_tui.views.meanings import bounds, docstring, meanings, type_words
from docs.render import default_of, paragraphs, table

LEAD = """Times are in seconds, sizes in bytes.
[Configuration](../configuration.md) tells how settings are given."""


def settings_parts() -> tuple[str, ...]:
    """The parts of the page: what they have in common, and each section."""
    switches = (
        (f"`{row.name}`", f"`{str(row.default).lower()}`", row.summary)
        for row in BUILT_IN
        if row.built
    )
    sections = known_sections()
    return (
        LEAD,
        "## `[features]`",
        table(("Setting", "Default", "Meaning"), switches),
        *(section_part(name, kind) for name, kind in sections.items()),
    )


def section_part(path: str, kind: type[msgspec.Struct], lead: str = "", level: int = 2) -> str:
    """One table of the configuration, then the tables inside it."""
    said = meanings(kind)
    rows, inner = [], []
    for field in msgspec.structs.fields(kind):
        child = _struct_in(field.type)
        if child is None:
            rows.append(_setting_row(field, said.get(field.name, "")))
        else:
            many = "tuple" in type_words(field.type)
            path_in = f"[{path}.{field.name}]" if many else f"{path}.{field.name}"
            inner.append(section_part(path_in, child, said[field.name], 3))
    name = path.replace("[", "").replace("]", "")
    heading = f"[[{name}]]" if path.startswith("[") and path.endswith("]") else f"[{name}]"
    header = ("Setting", "Type", "Default", "Bounds", "Meaning")
    said_of_kind = paragraphs(docstring(kind).text) if lead else ""
    text = f"{lead[:1].upper()}{lead[1:]}." if lead else ""
    if said_of_kind.startswith(text):
        text = ""
    parts = (f"{'#' * level} `{heading}`", text, said_of_kind, table(header, rows), *inner)
    return "\n\n".join(filter(None, parts))


def _setting_row(field: msgspec.structs.FieldInfo, meaning: str) -> tuple[str, ...]:
    kind = field.type
    choice = isinstance(kind, type) and issubclass(kind, Enum)
    allowed = ", ".join(f'`"{value.value}"`' for value in kind) if choice else bounds(kind)
    words = "str" if choice else type_words(kind)
    default = f"`{toml_words(field)}`" if default_of(field) else "required"
    return f"`{field.name}`", f"`{words}`", default, allowed, meaning


def toml_words(field: msgspec.structs.FieldInfo) -> str:
    """The default of a field as a configuration file has it."""
    factory = field.default_factory
    value = field.default if factory is msgspec.NODEFAULT else factory()
    return msgspec.json.encode(value).decode().replace("null", "none")


def _struct_in(kind: Any) -> type[msgspec.Struct] | None:
    """The struct that a field holds, or holds many of."""
    found = (part for part in (kind, *get_args(kind)) if isinstance(part, type))
    return next((part for part in found if issubclass(part, msgspec.Struct)), None)
