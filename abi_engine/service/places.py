"""Where control sockets are. Refuses a directory that another user could have prepared."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from abi_engine.core.errors import PermissionRefused

# A Unix socket's path has 108 bytes on Linux and 104 on macOS, the last of them a zero.
MAX_PATH = 103


def socket_names(
    data_dir: Path, environ: Mapping[str, str], *, uid: int | None = None
) -> tuple[Path, ...]:
    """Where the engine of a data directory may listen, the place it prefers first.

    A client tries all of them: it may have been started without `XDG_RUNTIME_DIR` where the
    engine had one, or the other way round.
    """
    name = f"{_digest(data_dir)}.sock"
    return tuple(place / name for place in _places(environ, uid) if _short(place / name))


def socket_to_listen(name: str, environ: Mapping[str, str], *, uid: int | None = None) -> Path:
    """Where an engine listens under the name `name`; the directory is there on return.

    Args:
        name: the file's, from `socket_name` or `nameless`.
        environ: `XDG_RUNTIME_DIR` is the place, else a directory of the user's own in `/tmp`.
        uid: the user; None means that of this process.

    Raises:
        PermissionRefused: every place is somebody else's, or open to others.
    """
    refused: PermissionRefused | None = None
    for place in _places(environ, uid):
        if not _short(place / name):
            continue
        try:
            secure(place, uid)
        except PermissionRefused as error:
            refused = error
        else:
            return place / name
    assert refused is not None  # the place in /tmp is short
    raise refused


def socket_name(data_dir: Path) -> str:
    """The name of the socket of a data directory."""
    return f"{_digest(data_dir)}.sock"


def secure(directory: Path, uid: int | None = None) -> None:
    """Make a directory that only this user can enter, or see that it is one.

    Raises:
        PermissionRefused: it is not a directory, another user's, or open to others.
    """
    own = os.geteuid() if uid is None else uid
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise _refused(directory, error.strerror or str(error)) from error
    if not stat.S_ISDIR(found.st_mode):
        raise _refused(directory, "not a directory")
    if found.st_uid != own:
        raise _refused(directory, f"belongs to user {found.st_uid}, not to user {own}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise _refused(directory, f"open to other users (mode {stat.S_IMODE(found.st_mode):o})")


def _places(environ: Mapping[str, str], uid: int | None) -> Iterator[Path]:
    own = os.geteuid() if uid is None else uid
    given = environ.get("XDG_RUNTIME_DIR", "")
    if given.startswith("/"):
        yield Path(given) / "abi"
    system = Path(f"/run/user/{own}")
    if given != str(system) and system.is_dir():
        yield system / "abi"
    yield Path(f"/tmp/abi-{own}")  # noqa: S108 - `secure` checks whose it is


def _digest(data_dir: Path) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(data_dir))).hexdigest()[:20]


def _short(path: Path) -> bool:
    return len(os.fsencode(path)) <= MAX_PATH


def _refused(directory: Path, reason: str) -> PermissionRefused:
    return PermissionRefused(
        f"directory for control sockets {directory}: {reason}",
        hint="remove it, or set XDG_RUNTIME_DIR to a directory of your own (mode 700)",
    )
