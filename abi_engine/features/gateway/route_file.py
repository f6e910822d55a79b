"""The routes added at run time, in `routes.toml` in the data directory.

Refuses to guess: a file that cannot be read whole is an error with its line, and is left as it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NoReturn

import msgspec

from abi_engine.core.errors import DataDirectoryError, InvalidConfig
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import Route, RouteLimit
from abi_engine.runtime.files import write_atomically

FILE_NAME: Final = "routes.toml"
_HEADER: Final = "# Routes added while the engine ran. The engine writes this file as a whole.\n"
_TABLE: Final = "[[routes]]"
_UNLIMITED: Final = RouteLimit(enabled=False)
_HINT: Final = "mend that line, or move the file away to start without these routes"


class RouteFile:
    """The file. One thread at a time.

    Args:
        directory: the data directory.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME
        self._blocks: dict[tuple[str, tuple[str, ...]], tuple[Route, str]] = {}

    def read(self) -> tuple[Route, ...]:
        """Its routes, in order; none where there is no file.

        Raises:
            InvalidConfig: it is damaged, with the line.
            DataDirectoryError: it cannot be read.
        """
        try:
            self._sweep()
            data = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise DataDirectoryError(
                f"cannot read {self._shown}: {error.strerror}",
                hint="make it readable for this user, or choose another with --data-dir",
            ) from error
        try:
            text = data.decode()
            tree = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # no text, no TOML, or a bomb
            place = f"{self._shown}:{_line_of_error(error, data)}"
            raise InvalidConfig(f"{place}: {safe(str(error))}", hint=_HINT) from error
        unknown = tree.keys() - {"routes"}
        if unknown or not isinstance(tree.get("routes", []), list):
            raise InvalidConfig(f"{self._shown}:1: only [[routes]] belong there", hint=_HINT)
        return tuple(
            self._route(value, number, text) for number, value in enumerate(tree.get("routes", ()))
        )

    def write(self, routes: Iterable[Route]) -> None:
        """Replace its content. Durable on return.

        Raises:
            DataDirectoryError: it cannot be written, and is as it was.
        """
        before = self._blocks
        blocks = {}
        for route in routes:
            key = route.path, route.methods
            kept = before.get(key)
            blocks[key] = kept if kept and kept[0] is route else (route, _block(route))
        text = "\n".join((_HEADER, *(block for _, block in blocks.values())))
        write_atomically(self.path, text.encode())
        self._blocks = blocks

    def refuse(self, number: int, reason: str) -> NoReturn:
        """Say that a route of the file, counted from 0, cannot be used.

        Raises:
            InvalidConfig: always.
        """
        line = _line_of(self.path.read_text(errors="replace"), number)
        raise InvalidConfig(f"{self._shown}:{line}: {reason}", hint=_HINT)

    @property
    def _shown(self) -> str:
        return safe(str(self.path))

    def _route(self, value: object, number: int, text: str) -> Route:
        try:
            route = msgspec.convert(value, Route)
        except msgspec.ValidationError as error:
            place = f"{self._shown}:{_line_of(text, number)}"
            raise InvalidConfig(f"{place}: {safe(str(error))}", hint=_HINT) from error
        if route.limit == _UNLIMITED:
            return msgspec.structs.replace(route, limit=None)
        return route

    def _sweep(self) -> None:
        """Remove what a process that was killed while it wrote has left."""
        for file in self.path.parent.glob(f".{FILE_NAME}.*.tmp"):
            file.unlink(missing_ok=True)


def _block(route: Route) -> str:
    """A route as a table of the file; what is as usual is left out."""
    import tomlkit  # slow to import, and most engines never write

    value = msgspec.to_builtins(route)
    if route.limit is None:
        value["limit"] = {"enabled": False}
    usual = msgspec.to_builtins(Route("", ()))
    return tomlkit.dumps({"routes": [_unusual(value, usual)]})


def _unusual(value: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    """The part of `value` that differs from `usual`."""
    differing = {key: inner for key, inner in value.items() if inner != usual.get(key)}
    return {
        key: _unusual(inner, usual[key]) if isinstance(usual.get(key), dict) else inner
        for key, inner in differing.items()
    }


def _line_of_error(error: Exception, data: bytes) -> int:
    """Where a parser gave up; it tells in words, or it was at the end; 1 where it fell over."""
    if isinstance(error, UnicodeDecodeError):
        return data.count(b"\n", 0, error.start) + 1
    if not isinstance(error, tomllib.TOMLDecodeError):
        return 1
    number = str(error).rpartition("(at line ")[2].partition(",")[0]
    return int(number) if number.isdecimal() else data.count(b"\n") + 1


def _line_of(text: str, number: int) -> int:
    """Where the table of a route begins; 1 where that cannot be told."""
    lines = [at for at, line in enumerate(text.splitlines(), 1) if line.strip() == _TABLE]
    return lines[number] if number < len(lines) else 1
