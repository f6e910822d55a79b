"""The parts that API pages are made of: a class, a function, a struct, a choice, an error.

Refuses to say what the docstrings do not.
"""

from __future__ import annotations

import inspect
from enum import Enum
from typing import Any

import msgspec

from abi_engine.core.errors import AbiError
from abi_tui.views.meanings import bounds, docstring, entries, meanings, type_words
from docs.render import default_of, paragraphs, signature, table

NOTE = "<!-- Written by `make docs` from the source; change the docstrings instead. -->"


def page(title: str, *parts: str) -> str:
    """A page from its parts; empty ones are left out."""
    return "\n\n".join([NOTE, f"# {title}", *filter(None, parts)]) + "\n"


def entries_part(title: str, section: str) -> str:
    """The entries of a section of a docstring as a list; empty where there are none."""
    lines = "\n".join(f"- `{name}`: {text}" for name, text in entries(section).items())
    return f"{title}:\n\n{lines}" if lines else ""


def struct_part(kind: type[msgspec.Struct]) -> str:
    """A struct with its fields."""
    said = meanings(kind)
    rows = (
        (
            f"`{field.encode_name}`" if field.encode_name == field.name
            else f"`{field.name}` (`{field.encode_name}` in JSON)",
            f"`{type_words(field.type)}`",
            f"`{default_of(field)}`" if default_of(field) else "",
            bounds(field.type),
            said.get(field.name, ""),
        )
        for field in msgspec.structs.fields(kind)
    )  # fmt: skip
    fields = table(("Field", "Type", "Default", "Bounds", "Meaning"), rows)
    return "\n\n".join([f"### {kind.__name__}", paragraphs(docstring(kind).text), fields])


def choice_part(kind: type[Enum]) -> str:
    """The values of a choice."""
    values = ", ".join(f"`{choice.value}`" for choice in kind)
    return f"### {kind.__name__}\n\n{paragraphs(docstring(kind).text)}\n\nOne of {values}."


def error_part(kind: type[AbiError]) -> str:
    """An error class."""
    base = kind.__bases__[0].__name__
    text = paragraphs(docstring(kind).text)
    return f"### {kind.__name__}\n\n{text}\n\nCode `{kind.code}`; a kind of `{base}`."


def constructor_part(kind: type) -> str:
    """What the constructor of a class takes."""
    said = docstring(kind)
    call = signature(vars(kind)["__init__"], kind.__name__).removesuffix(" -> None")
    return "\n\n".join(filter(None, [
        f"```python\n{call}\n```",
        paragraphs(said.text),
        entries_part("Arguments", said.sections.get("Args", "")),
    ]))  # fmt: skip


def function_part(function: Any, heading: str) -> str:
    """A function."""
    said = docstring(function)
    return "\n\n".join(filter(None, [
        f"{heading} {function.__name__}",
        f"```python\n{signature(function)}\n```",
        paragraphs(said.text),
        entries_part("Arguments", said.sections.get("Args", "")),
        entries_part("Raises", said.sections.get("Raises", "")),
    ]))  # fmt: skip


def class_part(kind: type[Any]) -> str:
    """A class: how to make one, what it knows, and what it does."""
    own = {name: value for name, value in _members(kind) if not name.startswith("_")}
    facts = {name: value for name, value in own.items() if isinstance(value, property)}
    methods = [value for value in own.values() if inspect.isfunction(value)]
    return "\n\n".join(filter(None, [
        f"## {kind.__name__}",
        paragraphs(docstring(kind).text) if "__init__" not in vars(kind) else "",
        constructor_part(kind) if "__init__" in vars(kind) else "",
        "\n".join(f"- `{name}`: {paragraphs(fact.__doc__ or '')}" for name, fact in facts.items()),
        *(function_part(method, "###") for method in methods),
    ]))  # fmt: skip


def _members(kind: type[Any]) -> list[tuple[str, Any]]:
    """What the class and its private bases define, as functions and properties."""
    found: dict[str, Any] = {}
    for base in (*(one for one in kind.__bases__ if one.__name__.startswith("_")), kind):
        found |= vars(base)
    return [
        (name, value.__func__ if isinstance(value, classmethod | staticmethod) else value)
        for name, value in found.items()
    ]
