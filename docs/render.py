"""Markdown from docstrings, signatures and structs. Refuses to add a word of its own to them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from enum import Enum
from textwrap import dedent
from typing import Any, get_type_hints

import msgspec

from abi_tui.views.meanings import type_words

WIDTH = 88


def paragraphs(text: str) -> str:
    """Text of a docstring as Markdown: its paragraphs, joined; indented ones are code."""
    blocks = (block for block in text.split("\n\n") if block.strip())
    return "\n\n".join(_block(block) for block in blocks)


def _block(block: str) -> str:
    if all(line.startswith("    ") for line in block.splitlines()):
        return f"```python\n{dedent(block).rstrip()}\n```"
    return " ".join(block.split())


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
