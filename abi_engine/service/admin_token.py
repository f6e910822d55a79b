"""The token that metrics ask for. Refuses to print it, or to keep it where others can read it."""

from __future__ import annotations

import secrets
from pathlib import Path

from abi_engine.core.errors import InvalidConfig
from abi_engine.runtime.files import write_atomically

TOKEN_NAME = "admin.token"  # noqa: S105 - a file's name


def admin_token(token_file: str, data_dir: Path | None) -> str:
    """The token from `token_file`, else from the data directory, where the first start makes one.

    Without either there is none: an empty text, which opens nothing.

    Raises:
        InvalidConfig: the file that was named cannot be read, or is empty.
        DataDirectoryError: the token that was made cannot be kept.
    """
    if token_file:
        return _read(Path(token_file).expanduser())
    if data_dir is None:
        return ""
    kept = data_dir / TOKEN_NAME
    if not kept.exists():
        write_atomically(kept, f"{secrets.token_urlsafe(32)}\n".encode())
    return _read(kept)


def _read(file: Path) -> str:
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidConfig(
            f"service.token_file: cannot read {file}: {reason}", hint="name a file with one token"
        ) from error
    if not token:
        raise InvalidConfig(f"service.token_file: {file} is empty", hint="put one token into it")
    return token
