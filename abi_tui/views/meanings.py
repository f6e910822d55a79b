"""What the docstrings and types of settings say of them: meanings, types, bounds.

Refuses to add a word of its own.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from textwrap import dedent
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

import msgspec

SECTIONS = ("Args", "Attributes", "Raises", "Returns")
_HEADING = re.compile(rf"^({'|'.join(SECTIONS)}):$", re.MULTILINE)
_NAMES = r"[a-z_][a-z0-9_]*(?:(?:, | … )[a-z_][a-z0-9_]*)*"


class Docstring(NamedTuple):
    """A docstring in parts: its text, and the text under each heading."""

    text: str
    sections: dict[str, str]


def docstring(thing: object) -> Docstring:
    """The docstring of a function, or of a class and not of what it inherits from."""
    found = vars(thing).get("__doc__") if isinstance(thing, type) else thing.__doc__
    first, *rest = _HEADING.split(inspect.cleandoc(found or ""))
    return Docstring(first.strip(), dict(zip(rest[::2], map(dedent, rest[1::2]), strict=True)))


def entries(section: str) -> dict[str, str]:
    """`name: text` of a section, where text may go on in deeper lines."""
    found: dict[str, str] = {}
    for item in re.split(r"\n(?=\S)", section.strip()):
        name, _, text = " ".join(item.split()).partition(": ")
        if name:
            found[name] = text
    return found


def meanings(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What the docstrings of a struct and of its bases say of each field."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            found |= _meanings(kind, docstring(base).sections.get("Attributes", ""))
    return found


def _meanings(kind: type[msgspec.Struct], section: str) -> dict[str, str]:
    fields = kind.__struct_fields__
    flat = " ".join(f"\n{name}: {text}" for name, text in entries(section).items())
    parts = re.split(rf"(?:\n|; )({_NAMES}): ", flat)
    found: dict[str, str] = {}
    for names, text in zip(parts[1::2], parts[2::2], strict=True):
        for name in _named(names, fields):
            found[name] = text.strip().removesuffix(".")
    return found


def _named(names: str, fields: tuple[str, ...]) -> Iterable[str]:
    """The fields that `a, b` or `a … d` means."""
    first, _, last = names.partition(" … ")
    if last:
        return fields[fields.index(first) : fields.index(last) + 1]
    return names.split(", ")


def type_words(kind: Any) -> str:
    """A type as it is written in Python, without its bounds."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return type_words(arguments[0])
    if origin in (Union, UnionType):
        return " | ".join(map(type_words, arguments))
    if kind is NoneType or kind is None:
        return "None"
    if isinstance(kind, str):
        return kind
    if kind is Ellipsis:
        return "..."
    if origin is not None and arguments:
        name = getattr(origin, "__name__", str(origin))
        return f"{name}[{', '.join(map(_argument, arguments))}]"
    return str(getattr(kind, "__name__", kind))


def _argument(kind: Any) -> str:
    if isinstance(kind, list):  # the arguments of a Callable
        return f"[{', '.join(map(type_words, kind))}]"
    return repr(kind) if isinstance(kind, str) else type_words(kind)


def bounds(kind: Any) -> str:
    """The values that a type allows, in words; empty where it allows every one."""
    if get_origin(kind) in (Union, UnionType):
        return next(filter(None, map(bounds, get_args(kind))), "")
    if get_origin(kind) is not Annotated:
        return ""
    inner, *metas = get_args(kind)
    words = [word for meta in metas if isinstance(meta, msgspec.Meta) for word in _limits(meta)]
    return ", ".join(words) or bounds(inner)


def _limits(meta: msgspec.Meta) -> Iterable[str]:
    signs = {"≥": meta.ge, ">": meta.gt, "≤": meta.le, "<": meta.lt}
    yield from (f"{sign} {limit}" for sign, limit in signs.items() if limit is not None)
    if meta.pattern:
        yield f"matches `{meta.pattern}`"
