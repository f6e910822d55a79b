"""What may stand in a setting, told from its type. Refuses to know any setting by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from abi_engine.catalogue import BUILT_IN
from abi_engine.config import known_sections
from abi_engine.settings import choices as choices_of
from abi_engine.settings import field_type
from abi_engine.toml_lines import Key, dotted
from abi_tui.cli import session
from abi_tui.cli.setting_keys import parse


def sections() -> dict[str, type[msgspec.Struct]]:
    """Every section of the file but `features`."""
    return known_sections() | session.sections()


def type_of(key: Key) -> Any:
    """The type of a setting; None where there is no such setting."""
    section, rest = str(key[0]), key[1:]
    if section == "features":
        return bool if len(rest) == 1 and rest[0] in {row.name for row in BUILT_IN} else None
    kinds = sections()
    if section not in kinds or not rest:
        return None
    return field_type(kinds[section], rest).type


def choices(key: str) -> Iterator[str]:
    """The words that a setting may be, where they are few; none otherwise."""
    yield from choices_of(type_of(parse(key)))


def known_beside(key: Key) -> tuple[str, ...]:
    """The keys that lead somewhere from where `key` does not any more, as people type them."""
    kinds = sections()
    section, rest = str(key[0]), key[1:]
    if section == "features":
        return tuple(f"features.{row.name}" for row in BUILT_IN)
    if section not in kinds:
        return tuple(f"{name}.{dotted(rest)}" for name in (*kinds, "features"))
    found = field_type(kinds[section], rest)
    if not rest or found.type is not None:
        return ()
    at = rest.index(found.word)
    return tuple(dotted((section, *rest[:at], name, *rest[at + 1 :])) for name in found.known)
