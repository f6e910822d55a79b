"""Writes `docs/api/` and `docs/limits.md`: features, engine, errors, settings, from the source.

Run by `make docs`. Refuses to say what the docstrings do not: to change a page, change them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import msgspec

from abi_engine import config, system
from abi_engine.catalogue import BUILT_IN
from abi_engine.config import EngineConfig
from abi_engine.core import errors, events, feature
from abi_engine.core.errors import AbiError
from abi_engine.core.operation import Mark, Operation, operations
from abi_engine.core.stream import Stream
from abi_engine.engine import Engine
from abi_engine.service.connect import connect
from abi_tui.views.meanings import bounds, docstring
from docs import library, limits
from docs.parts import (
    choice_part,
    constructor_part,
    entries_part,
    error_part,
    function_part,
    page,
    struct_part,
)
from docs.render import paragraphs, signature, table
from docs.settings import settings_parts

ENGINE_STRUCTS: tuple[type[msgspec.Struct], ...] = (
    EngineConfig,
    config.Setting,
    events.Event,
    feature.Health,
)
FOLDER = Path(__file__).parent / "api"


def pages() -> dict[str, str]:
    """Every generated page, by file name."""
    found = {
        "engine.md": engine_page(),
        "errors.md": errors_page(),
        "settings.md": page("Settings", *settings_parts()),
        "system.md": api_page("system", "The engine's own operations", system.SystemApi),
    }
    for row in BUILT_IN:
        if row.built:
            found[f"{row.name}.md"] = api_page(row.name, row.summary, row.api)
    for part in library.PARTS:
        found[f"{part.name}.md"] = library.library_page(part)
    found["README.md"] = index_page(found)
    return found


def index_page(others: Iterable[str]) -> str:
    """The list of the pages."""
    lines = "\n".join(f"- [{name.removesuffix('.md')}]({name})" for name in sorted(others))
    text = "One page a feature, and what all of them share. The pages are made from the source."
    return page("API", text, lines)


def api_page(name: str, summary: str, api: type[Any]) -> str:
    """The contract of a feature: its operations, its structs, its choices, its errors."""
    source = inspect.getmodule(api)
    assert source is not None
    found = operations(api)
    kinds = list(_kinds(found))
    return page(
        name,
        paragraphs(docstring(api).text),
        f"In Python `engine.{name}`, a `{api.__name__}` of `{source.__name__}`: {summary}.",
        "## Operations",
        *(operation_part(api, op) for op in found),
        *_kinds_part("Structs", struct_part, (k for k in kinds if issubclass(k, msgspec.Struct))),
        *_kinds_part("Choices", choice_part, (k for k in kinds if issubclass(k, Enum))),
        *_kinds_part("Errors", error_part, _own_errors(source)),
    )


def operation_part(api: type[Any], op: Operation) -> str:
    """One operation."""
    method = getattr(api, op.name)
    return "\n\n".join(filter(None, [
        f"### {op.name}",
        f"```python\n{signature(method)}\n```",
        paragraphs(docstring(method).text),
        entries_part("Arguments", docstring(method).sections.get("Args", "")),
        entries_part("Raises", docstring(method).sections.get("Raises", "")),
        _bounds_part(op),
        _marks(op.mark),
    ]))  # fmt: skip


def _bounds_part(op: Operation) -> str:
    fields = msgspec.structs.fields(op.arguments)
    words = [f"`{field.name}` {bounds(field.type)}" for field in fields if bounds(field.type)]
    return f"Bounds: {'; '.join(words)}." if words else ""


def _marks(mark: Mark) -> str:
    words = []
    if mark.safe:
        words.append("safe to offer to a model")
    if mark.lossy:
        words.append("drops items for a slow reader and says how many")
    if not mark.command:
        words.append(f"has no command ({mark.reason})")
    text = ", ".join(words)
    return f"*{text[0].upper()}{text[1:]}.*" if text else ""


def _kinds(found: tuple[Operation, ...]) -> Iterator[type]:
    """The structs and choices that operations speak, each once, in the order of first use."""
    seen: set[type] = set()
    waiting: list[Any] = [
        kind
        for op in found
        for kind in (*(field.type for field in msgspec.structs.fields(op.arguments)), op.returns)
    ]
    while waiting:
        kind = waiting.pop(0)
        waiting.extend(get_args(kind))
        if (
            not isinstance(kind, type)
            or kind in seen
            or not issubclass(kind, msgspec.Struct | Enum)
        ):
            continue
        seen.add(kind)
        yield kind
        if issubclass(kind, msgspec.Struct):
            waiting.extend(field.type for field in msgspec.structs.fields(kind))


def _own_errors(module: Any) -> Iterator[type]:
    for value in vars(module).values():
        own = inspect.isclass(value) and value.__module__ == module.__name__
        if own and issubclass(value, AbiError):
            yield value


def _kinds_part(title: str, part: Any, kinds: Iterable[type]) -> Iterator[str]:
    parts = [part(kind) for kind in kinds]
    if parts:
        yield f"## {title}"
        yield from parts


def errors_page() -> str:
    """The family of errors."""
    family = [kind for kind in AbiError.family() if kind.__module__ == errors.__name__]
    rows = (
        (
            f"`{kind.__name__}`",
            f"`{kind.code}`",
            f"`{kind.__bases__[0].__name__}`",
            kind.category.value,
            "yes" if kind.retryable else "",
            paragraphs(docstring(kind).text),
        )
        for kind in family
    )
    header = ("Class", "Code", "Kind of", "Category", "Retryable", "Meaning")
    return page(
        "Errors",
        "Every error of ABI is an `AbiError`. A feature adds its own, listed on its page.",
        constructor_part(AbiError),
        "## The family",
        table(header, rows),
    )


def engine_page() -> str:
    """The ways to an engine, and what it is asked in Python alone."""
    public = {name: value for name, value in vars(Engine).items() if not name.startswith("_")}
    facts = {name: value for name, value in public.items() if isinstance(value, property)}
    methods = [value for value in public.values() if inspect.isfunction(value)]
    return page(
        "engine",
        "```python\nfrom abi_engine import Engine, EngineConfig, connect, load\n```",
        "## Engine",
        constructor_part(Engine),
        "\n".join(f"- `{name}`: {paragraphs(fact.__doc__ or '')}" for name, fact in facts.items()),
        *(function_part(method, "###") for method in methods),
        function_part(connect, "##"),
        function_part(config.load, "##"),
        f"## Stream\n\n{paragraphs(docstring(Stream).text)}",
        "## Structs",
        *(struct_part(kind) for kind in ENGINE_STRUCTS),
        choice_part(feature.State),
    )


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for stale in FOLDER.glob("*.md"):
        stale.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
    limits.FILE.write_text(limits.limits_page())


if __name__ == "__main__":
    main()
