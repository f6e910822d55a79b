"""Markdown from docstrings, signatures and structs. Refuses to add a word of its own to them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from enum import Enum
from textwrap import dedent
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec

SECTIONS = ("Args", "Attributes", "Raises", "Returns")
WIDTH = 88
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


def paragraphs(text: str) -> str:
    """Text of a docstring as Markdown: its paragraphs, joined; indented ones are code."""
    blocks = (block for block in text.split("\n\n") if block.strip())
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: str) -> str:
    if all(line.startswith("    ") for line in block.splitlines()):
        return f"```python\n{dedent(block).rstrip()}\n```"
    return " ".join(block.split())


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


def value_words(value: object) -> str:
    """A default as it is written in Python; a struct of all defaults by its name."""
    if isinstance(value, Enum):
        return f'"{value.value}"'
    if isinstance(value, msgspec.Struct):
        return f"{type(value).__name__}()"
    return f'"{value}"' if isinstance(value, str) else str(value)


def default_of(field: msgspec.structs.FieldInfo) -> str:
    """The default of a field; empty where it must be given."""
    if field.default is not msgspec.NODEFAULT:
        return value_words(field.default)
    if field.default_factory is not msgspec.NODEFAULT:
        return value_words(field.default_factory())
    return ""


def signature(function: Any, name: str = "") -> str:
    """`name(…) -> …` as it is called, without `self`, on one line or one a parameter."""
    types = _hints(function)
    parts: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        if parameter.name != "self":
            kind = type_words(types.get(parameter.name))
            parts.append(_parameter(parameter, kind, function.__globals__))
    start, end = name or function.__name__, f") -> {type_words(types.get('return'))}"
    line = f"{start}({', '.join(parts)}{end}"
    if len(line) <= WIDTH:
        return line
    inner = "".join(f"    {part},\n" for part in parts)
    return f"{start}(\n{inner}{end}"


def _parameter(parameter: inspect.Parameter, kind: str, names: dict[str, Any]) -> str:
    stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
    default = parameter.default
    if default is parameter.empty:
        return f"{stars}{parameter.name}: {kind}"
    constant = (name for name, value in names.items() if value is default and name.isupper())
    words = next(constant, "") if isinstance(default, tuple) else ""
    return f"{parameter.name}: {kind} = {words or value_words(default)}"


def _hints(function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError:  # a name that is imported for type checkers only
        return dict(function.__annotations__)


def cell(text: str) -> str:
    """Text for a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [header, tuple("---" for _ in header), *(tuple(map(cell, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
