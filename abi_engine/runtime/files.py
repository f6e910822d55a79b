"""Whole files that survive a power cut. Refuses to leave half of one under its name."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from abi_engine.core.errors import DataDirectoryError


def write_atomically(
    path: Path, data: bytes, *, mode: int = 0o600, owner: tuple[int, int] | None = None
) -> None:
    """Replace the file at `path` by one that holds `data`.

    A reader sees the old content or the new, never a part. Durable on return: the file and its
    name are synced.

    Args:
        path: the file; its directory must exist.
        data: all of its content.
        mode: the permissions of the new file.
        owner: its user and group, by their numbers; None means those of this process.

    Raises:
        DataDirectoryError: it cannot be written; the old file is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}.tmp")
    try:
        _write(temporary, data, mode, owner)
        temporary.replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise DataDirectoryError(
            f"cannot write {path}: {error.strerror or error}",
            hint=f"make room in {path.parent}, and make it writable for this user",
        ) from error
    finally:
        with suppress(OSError):  # gone when it was renamed
            temporary.unlink()


def sync_directory(path: Path) -> None:
    """Make the names in the directory `path` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(path: Path, data: bytes, mode: int, owner: tuple[int, int] | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with open(os.open(path, flags, mode), "wb") as file:  # noqa: PTH123 - opens a descriptor
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        os.fchmod(file.fileno(), mode)  # whatever the umask says
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
