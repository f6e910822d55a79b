"""The file that an access log is written to, and the older ones beside it. Blocks; any process may
write to the same file, or move it away, meanwhile.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_TRIES: Final = 10


class RotationFailed(OSError):
    """The file could not be put aside; what was to be written is in it nevertheless."""


class LogFile:
    """Appends whole batches, and begins a new file when one is full; `NAME.1` is the last of those.

    Args:
        path: the file; it is created, and opened anew for each batch.
        size: at this size a new file is begun; 0 means never. What is reached by a link, such as
            `/dev/stdout`, is never put aside.
        keep: how many old files are kept.
    """

    def __init__(self, path: Path, size: int, keep: int) -> None:
        self.path = path
        self.size = size
        self.keep = keep

    def append(self, text: bytes, *, rotate: bool = False) -> None:
        """Write a batch: all of it or nothing.

        Args:
            text: whole lines.
            rotate: put the file aside first, whatever its size.

        Raises:
            RotationFailed: it is written, but to a file that should have been put aside.
            OSError: it is not written.
        """
        while True:  # another writer may fill the new file first
            with self._opened() as descriptor:
                if not self._is_to_go(descriptor, text, rotate):
                    _write(descriptor, text)
                    return
                try:
                    self._put_aside()
                except OSError as error:
                    _write(descriptor, text)
                    raise RotationFailed(error.errno, error.strerror) from error
            rotate = False

    def _is_to_go(self, descriptor: int, text: bytes, rotate: bool) -> bool:
        held = os.fstat(descriptor).st_size
        full = bool(self.size) and held + len(text) > self.size
        return bool(held) and (full or rotate) and not self.path.is_symlink()

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """The file that has the name now, locked: no other writer puts it aside meanwhile."""
        for _ in range(_TRIES):
            descriptor = os.open(self.path, _FLAGS, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if self._is_current(descriptor):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)
        raise OSError(0, "it is moved away again and again")

    def _is_current(self, descriptor: int) -> bool:
        try:
            named = self.path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(descriptor))

    def _put_aside(self) -> None:
        """Rename, the oldest first; only the last that is kept is overwritten, or those beyond.

        A gap, left where this was once interrupted, is filled first: nothing is lost by it.
        """
        if not self.keep:
            self.path.unlink()
        else:
            free = next((n for n in range(1, self.keep) if not self._old(n).exists()), self.keep)
            for number in range(free - 1, 0, -1):
                self._old(number).replace(self._old(number + 1))
            self.path.replace(self._old(1))
        self._forget_beyond()

    def _forget_beyond(self) -> None:
        """Remove what is older than what is kept, where more was kept before."""
        number = self.keep + 1
        with suppress(FileNotFoundError):
            while True:
                self._old(number).unlink()
                number += 1

    def _old(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def _write(descriptor: int, text: bytes) -> None:
    """Whole lines or nothing: what a full disk tore off would be glued to the next line."""
    size = os.fstat(descriptor).st_size
    try:
        left = memoryview(text)
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise
