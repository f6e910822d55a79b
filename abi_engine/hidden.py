"""What is told of settings that hold secrets: everything else. Refuses to guess where it is unsure:
what stands in the place of a secret and has another form is hidden as well.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from abi_engine.core.secret import HIDDEN, is_called_secret, is_secret
from abi_engine.settings import field_type
from abi_engine.toml_lines import Key


def without_secrets(value: Any, kind: Any, name: str | int = "") -> Any:
    """A plain value in which every secret is `<hidden>`.

    Args:
        value: of any form, such as TOML or JSON gave it.
        kind: the type that it has, or should have; None where that is not known.
        name: what it is called.
    """
    if value is None or value == "":
        return value
    if is_secret(kind):
        return HIDDEN
    if isinstance(value, dict):
        return {
            key: without_secrets(inner, _type_inside(kind, str(key)), str(key))
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [without_secrets(inner, _type_inside(kind, 0), name) for inner in value]
    secret = isinstance(value, str) and (is_called_secret(str(name)) or holds_secrets(kind))
    return HIDDEN if secret else value


def secrets_in(value: Any, kind: Any) -> frozenset[str]:
    """The texts in a plain value that `without_secrets` hides."""
    found: set[str] = set()
    _collect(value, without_secrets(value, kind), found)
    return frozenset(found)


def hides_at(key: Key, kind: Any) -> bool:
    """Whether a setting is a secret, or holds one; `kind` is its type."""
    return holds_secrets(kind) or is_called_secret(str(key[-1]))


def holds_secrets(kind: Any) -> bool:
    """Whether a type is a secret, or has one somewhere inside."""
    if is_secret(kind):
        return True
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return any(holds_secrets(field.type) for field in msgspec.structs.fields(kind))
    return any(map(holds_secrets, get_args(kind)))


def _type_inside(kind: Any, word: str | int) -> Any:
    """The type of what is called `word` in it; that of a secret where such a thing must not be."""
    found = field_type(kind, (word,)).type
    return kind if found is None and holds_secrets(kind) else found


def _collect(value: Any, told: Any, found: set[str]) -> None:
    if isinstance(value, dict) and isinstance(told, dict):
        for key, inner in value.items():
            _collect(inner, told[key], found)
    elif isinstance(value, (list, tuple)) and isinstance(told, list):
        for inner, told_inner in zip(value, told, strict=True):
            _collect(inner, told_inner, found)
    elif told == HIDDEN and value != HIDDEN:
        found.update(_texts(value))


def _texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_texts, value.values()))
    if isinstance(value, (list, tuple)):
        return set().union(*map(_texts, value))
    return {str(value)}
