"""The pages of the lower layers: one a part, made from the modules that it has.

To document another part, give it a row of `PARTS`. Refuses to show a name that begins with an
underscore, or that a module only imports.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

from abi_engine.core.errors import AbiError
from abi_tui.views.meanings import docstring
from docs.parts import choice_part, class_part, error_part, function_part, page, struct_part
from docs.render import WIDTH, paragraphs


class Part(NamedTuple):
    """A part: the name of its page, and its modules inside `abi_engine`."""

    name: str
    modules: tuple[str, ...]


PARTS = (
    Part("breaker", ("runtime.breaker", "runtime.breaker_contract")),
    Part("histogram", ("measure.histogram",)),
    Part("limiter", ("runtime.limiter",)),
    Part("radix_tree", ("structures.radix_tree",)),
)


def library_page(part: Part) -> str:
    """The page of a part."""
    modules = [import_module(f"abi_engine.{name}") for name in part.modules]
    texts = [paragraphs(inspect.getdoc(module) or "") for module in modules]
    values = [value for module in modules for value in _own(module)]
    return page(part.name, *texts, *(_import_line(m) for m in modules), *_parts(values))


def _own(module: ModuleType) -> Iterator[Any]:
    """The public classes and functions that a module defines."""
    for name, value in vars(module).items():
        known = inspect.isclass(value) or inspect.isfunction(value)
        if known and value.__module__ == module.__name__ and not name.startswith("_"):
            yield value


def _import_line(module: ModuleType) -> str:
    names = [value.__name__ for value in _own(module)]
    line = f"from {module.__name__} import {', '.join(names)}"
    if len(line) > WIDTH:
        inner = "".join(f"    {name},\n" for name in names)
        line = f"from {module.__name__} import (\n{inner})"
    return f"```python\n{line}\n```" if names else ""


def _parts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        yield _part(value)


def _part(value: Any) -> str:
    if inspect.isfunction(value):
        return function_part(value, "##")
    if issubclass(value, AbiError):
        return error_part(value).removeprefix("#")
    if issubclass(value, msgspec.Struct):
        return struct_part(value).removeprefix("#")
    if issubclass(value, Enum):
        return choice_part(value).removeprefix("#")
    if issubclass(value, tuple):
        return f"## {value.__name__}\n\n{paragraphs(docstring(value).text)}"
    return class_part(value)
