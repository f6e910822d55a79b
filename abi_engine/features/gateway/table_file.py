"""A file of the data directory that is a list of tables in TOML, such as `[[routes]]`.

Refuses to guess: a file that cannot be read whole is an error with its line, and is left as it is.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NoReturn

from abi_engine.core.errors import DataDirectoryError, InvalidConfig
from abi_engine.core.text import safe
from abi_engine.runtime.files import write_atomically


class TableFile:
    """The file. One thread at a time.

    Args:
        directory: the data directory.
        table: the name of its tables; the file is `<table>.toml`.
    """

    def __init__(self, directory: Path, table: str) -> None:
        self.path = directory / f"{table}.toml"
        self._table = table
        self._text = ""
        self._hint = f"mend that line, or move the file away to start without these {table}"

    def read(self) -> list[object]:
        """Its tables, in order; none where there is no file.

        Raises:
            InvalidConfig: it is damaged, with the line.
            DataDirectoryError: it cannot be read.
        """
        try:
            self._sweep()
            data = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise DataDirectoryError(
                f"cannot read {self._shown}: {error.strerror}",
                hint="make it readable for this user, or choose another with --data-dir",
            ) from error
        try:
            self._text = data.decode()
            tree = tomllib.loads(self._text)
        except (ValueError, RecursionError) as error:  # no text, no TOML, or a bomb
            place = f"{self._shown}:{_line_of_error(error, data)}"
            raise InvalidConfig(f"{place}: {safe(str(error))}", hint=self._hint) from error
        found = tree.get(self._table, [])
        if tree.keys() - {self._table} or not isinstance(found, list):
            message = f"{self._shown}:1: only [[{self._table}]] belong there"
            raise InvalidConfig(message, hint=self._hint)
        return found

    def write(self, text: str) -> None:
        """Replace its content. Durable on return.

        Raises:
            DataDirectoryError: it cannot be written, and is as it was.
        """
        write_atomically(self.path, text.encode())

    def refuse(self, number: int, reason: str) -> NoReturn:
        """Say that a table, counted from 0, cannot be used.

        Raises:
            InvalidConfig: always.
        """
        place = f"{self._shown}:{self._line_of(number)}"
        raise InvalidConfig(f"{place}: {reason}", hint=self._hint)

    @property
    def _shown(self) -> str:
        return safe(str(self.path))

    def _line_of(self, number: int) -> int:
        """Where a table begins; 1 where that cannot be told."""
        mark, lines = f"[[{self._table}]]", self._text.splitlines()
        found = [at for at, line in enumerate(lines, 1) if line.strip() == mark]
        return found[number] if number < len(found) else 1

    def _sweep(self) -> None:
        """Remove what a process that was killed while it wrote has left."""
        for file in self.path.parent.glob(f".{self.path.name}.*.tmp"):
            file.unlink(missing_ok=True)


def _line_of_error(error: Exception, data: bytes) -> int:
    """Where a parser gave up; it tells in words, or it was at the end; 1 where it fell over."""
    if isinstance(error, UnicodeDecodeError):
        return data.count(b"\n", 0, error.start) + 1
    if not isinstance(error, tomllib.TOMLDecodeError):
        return 1
    number = str(error).rpartition("(at line ")[2].partition(",")[0]
    return int(number) if number.isdecimal() else data.count(b"\n") + 1
