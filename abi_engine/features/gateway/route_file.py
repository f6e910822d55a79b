"""The routes added at run time, in `routes.toml` in the data directory.

Refuses to guess: a file that cannot be read whole is an error with its line, and is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from abi_engine.core.expectations import in_words
from abi_engine.core.text import safe
from abi_engine.core.toml_text import table_of_list
from abi_engine.features.gateway.api import Route, RouteLimit
from abi_engine.features.gateway.table_file import TableFile

FILE_NAME: Final = "routes.toml"
_HEADER: Final = "# Routes added while the engine ran. The engine writes this file as a whole.\n"
_UNLIMITED: Final = RouteLimit(enabled=False)


class RouteFile:
    """The file. One thread at a time.

    Args:
        directory: the data directory.
    """

    def __init__(self, directory: Path) -> None:
        self._file = TableFile(directory, "routes")
        self.path = self._file.path
        self._blocks: dict[tuple[str, tuple[str, ...]], tuple[Route, str]] = {}

    def read(self) -> tuple[Route, ...]:
        """Its routes, in order; none where there is no file.

        Raises:
            InvalidConfig: it is damaged, with the line.
            DataDirectoryError: it cannot be read.
        """
        return tuple(self._route(value, number) for number, value in enumerate(self._file.read()))

    def write(self, routes: Iterable[Route]) -> None:
        """Replace its content. Durable on return.

        Raises:
            DataDirectoryError: it cannot be written, and is as it was.
        """
        before, usual = self._blocks, msgspec.to_builtins(Route("", ()))
        blocks = {}
        for route in routes:
            key = route.path, route.methods
            kept = before.get(key)
            blocks[key] = kept if kept and kept[0] is route else (route, _block(route, usual))
        self._file.write("\n".join((_HEADER, *(block for _, block in blocks.values()))))
        self._blocks = blocks

    def refuse(self, number: int, reason: str) -> NoReturn:
        """Say that a route of the file, counted from 0, cannot be used.

        Raises:
            InvalidConfig: always.
        """
        self._file.refuse(number, reason)

    def _route(self, value: object, number: int) -> Route:
        try:
            route = msgspec.convert(value, Route)
        except msgspec.ValidationError as error:
            what, _, place = str(error).partition(" - at `$.")
            field = f"{place.rstrip('`')}: " if place else ""
            self._file.refuse(number, safe(f"{field}{in_words(what)}"))
        if route.limit == _UNLIMITED:
            return msgspec.structs.replace(route, limit=None)
        return route


def _block(route: Route, usual: dict[str, Any]) -> str:
    """A route as a table of the file; what is as usual is left out."""
    value = msgspec.to_builtins(route)
    if route.limit is None:
        value["limit"] = {"enabled": False}
    return table_of_list("routes", _unusual(value, usual))


def _unusual(value: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """The part of `value` that differs from `usual`."""
    differing = {key: inner for key, inner in value.items() if inner != usual.get(key)}
    return {
        key: _unusual(inner, usual[key]) if isinstance(usual.get(key), dict) else inner
        for key, inner in differing.items()
    }
