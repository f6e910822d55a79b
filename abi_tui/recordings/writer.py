"""Writes reports to a file as they arrive. Refuses to grow without end, and to share its file."""

from __future__ import annotations

import fcntl
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from abi_engine.core.errors import AlreadyExists, EngineBusy, Unavailable
from abi_engine.runtime.files import sync_directory
from abi_engine.system import Report
from abi_engine.version import VERSION
from abi_tui.recordings.frames import MAGIC, Header, frame, spots

SYNC_S = 5.0
LEAST_SIZE = 64 << 10


class RecordingWriter:
    """Appends reports to a recording, in one thread.

    What was added survives the end of this process at once, and that of the machine within
    seconds. A recording that is there already is continued. When it is larger than `size`, the
    older half of it goes.

    Args:
        path: the file.
        name: whose reports they are.
        interval: seconds between them, for the header.
        size: how many bytes it may take.

    Raises:
        AlreadyExists: another file has that name.
        EngineBusy: somebody else writes to it.
        Unavailable: it cannot be written.
    """

    def __init__(self, path: Path, *, name: str, interval: float, size: int) -> None:
        self.path = path
        self.reports = 0
        self._size = max(size, LEAST_SIZE)
        self._until = 0.0
        self._synced = 0.0
        self._ends: list[int] = []
        try:
            self._file = _open(path, os.O_CREAT)
            self._continue(name, interval)
        except OSError as error:
            raise _unavailable(path, error) from error

    def add(self, report: Report) -> None:
        """Write a report; one that is not newer than the last is passed over.

        Raises:
            Unavailable: it could not be written.
        """
        at = report.at.timestamp()
        if at <= self._until:
            return
        try:
            self._write(frame(at, report))
            if self._ends[-1] > self._size:
                self._halve()
            if at - self._synced >= SYNC_S:
                os.fsync(self._file)
                self._synced = at
        except OSError as error:
            raise _unavailable(self.path, error) from error
        self._until = at
        self.reports += 1

    @property
    def until(self) -> float:
        """The moment of the last report; 0 where there is none."""
        return self._until

    def close(self) -> None:
        """Sync and let go. Does nothing the second time."""
        if self._file >= 0:
            file, self._file = self._file, -1
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def _continue(self, name: str, interval: float) -> None:
        """Go on behind the last whole frame, or begin with a header."""
        head = os.pread(self._file, len(MAGIC), 0)
        if head and not MAGIC.startswith(head):
            os.close(self._file)
            message = f"{self.path} is there and is no recording that can be continued"
            raise AlreadyExists(message, hint="--record takes the name of a new file")
        found = list(spots(self._file)) if head == MAGIC else []
        self._ends = [spot.end for spot in found]
        self._until = max((spot.at for spot in found[1:]), default=0.0)
        os.ftruncate(self._file, self._ends[-1] if found else 0)
        if not found:
            self._begin(name, interval)

    def _begin(self, name: str, interval: float) -> None:
        now = datetime.now(UTC)
        python = ".".join(map(str, sys.version_info[:3]))
        self._append(MAGIC)
        self._write(frame(now.timestamp(), Header(VERSION, python, now, interval, name)))
        sync_directory(self.path.absolute().parent)

    def _write(self, made: bytes) -> None:
        """A frame, in one piece: half of one is what a reader passes over."""
        start = self._ends[-1] if self._ends else len(MAGIC)
        self._append(made)
        self._ends.append(start + len(made))

    def _append(self, data: bytes) -> None:
        written = os.write(self._file, data)
        if written != len(data):  # the disk is full: leave no half of a frame
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise OSError(28, os.strerror(28))

    def _halve(self) -> None:
        """Keep the header and the newer half, in a file that takes the place of this one."""
        header, last = self._ends[0], self._ends[-1]
        kept = next(end for end in self._ends if end - header >= (last - header) // 2)
        temporary = self.path.with_name(f".{self.path.name}.{os.urandom(6).hex()}.tmp")
        file = _open(temporary, os.O_CREAT | os.O_EXCL)
        try:
            for start, end in ((0, header), (kept, last)):
                _copy(self._file, file, start, end - start)
            os.fsync(file)
            temporary.replace(self.path)
        except BaseException:
            os.close(file)
            temporary.unlink(missing_ok=True)
            raise
        os.close(self._file)
        self._file = file
        self._ends = [header, *(end - kept + header for end in self._ends if end > kept)]


def _open(path: Path, flags: int) -> int:
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        message = f"{path} is being recorded to by somebody else"
        raise EngineBusy(message, hint="--record takes a file of its own") from error
    return file


def _copy(source: int, target: int, start: int, size: int) -> None:
    while size > 0:
        data = os.pread(source, min(size, 1 << 20), start)
        if not data:
            raise OSError(5, os.strerror(5))
        os.write(target, data)
        start, size = start + len(data), size - len(data)


def _unavailable(path: Path, error: OSError) -> Unavailable:
    hint = "make room there, or choose another file"
    return Unavailable(f"cannot record to {path}: {error.strerror or error}", hint=hint)
