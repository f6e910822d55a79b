"""The API keys made at run time, by their digests, in `keys.toml` in the data directory.

Refuses to hold a key itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import msgspec

from abi_engine.core.text import safe
from abi_engine.features.gateway.config import ApiKey
from abi_engine.features.gateway.table_file import TableFile

_HEADER: Final = (
    "# The digests of API keys made while the engine ran; the keys are kept nowhere.\n"
    "# The engine writes this file as a whole.\n"
)


class StoredKey(ApiKey, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A key of the file.

    Attributes:
        created_at: when it was made, UTC.
    """

    created_at: Annotated[datetime, msgspec.Meta(tz=True)]


class KeyFile:
    """The file. One thread at a time.

    Args:
        directory: the data directory.
    """

    def __init__(self, directory: Path) -> None:
        self._file = TableFile(directory, "keys")
        self.path = self._file.path

    def read(self) -> tuple[StoredKey, ...]:
        """Its keys, in order; none where there is no file.

        Raises:
            InvalidConfig: it is damaged, with the line.
            DataDirectoryError: it cannot be read.
        """
        found: dict[str, StoredKey] = {}
        digests: set[str] = set()
        for number, value in enumerate(self._file.read()):
            key = self._key(value, number)
            if key.name in found or key.sha256 in digests:
                self._file.refuse(number, f"the key '{safe(key.name)}' is there twice")
            found[key.name] = key
            digests.add(key.sha256)
        return tuple(found.values())

    def write(self, keys: Iterable[StoredKey]) -> None:
        """Replace its content. Durable on return.

        Raises:
            DataDirectoryError: it cannot be written, and is as it was.
        """
        self._file.write("\n".join((_HEADER, *map(_block, keys))))

    def _key(self, value: object, number: int) -> StoredKey:
        try:
            return msgspec.convert(value, StoredKey)
        except msgspec.ValidationError as error:
            self._file.refuse(number, safe(str(error)))


def _block(key: StoredKey) -> str:
    """A key as a table of the file: names and digests have no character that must be escaped."""
    made = key.created_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
    enabled = "" if key.enabled else "enabled = false\n"
    fields = f'name = "{key.name}"\nsha256 = "{key.sha256}"\ncreated_at = {made}Z\n{enabled}'
    return f"[[keys]]\n{fields}"
