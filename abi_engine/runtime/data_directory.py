"""Who owns a data directory: the process that holds the lock on its file `LOCK`.

Refuses to trust what is written there: a process id left by one that died means nothing.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from abi_engine.core.clock import Clock, SystemClock
from abi_engine.core.errors import DataDirectoryError, EngineBusy

LOCK_NAME = "LOCK"
RETRY = 0.02


class DataDirectory:
    """A directory that one engine at a time may own. Not for several threads at once.

    The lock is the kernel's (`flock`): it ends with the process, however that ends.

    Args:
        path: the directory; `acquire` creates it, readable by this user alone.
        clock: measures the waiting.
        pause: waits some seconds.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = path
        self._clock = clock or SystemClock()
        self._pause = pause
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object owns the directory."""
        return self._descriptor is not None

    def acquire(self, timeout: float = 0.0) -> None:
        """Own the directory. Does nothing where it is owned by this object already.

        Args:
            timeout: how many seconds to wait for another owner to leave; they count anew when
                one owner follows another.

        Raises:
            EngineBusy: it is still owned by another then; `details["pid"]` names the process.
            DataDirectoryError: it cannot be created, read or written.
        """
        while self._descriptor is None:
            self._descriptor = self._acquired(timeout)

    def release(self) -> None:
        """Leave the directory to others. Does nothing where it is not owned."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # a forked child may share the description
        finally:
            os.close(descriptor)

    def holder(self) -> int | None:
        """The process that owns the directory; None where none does, 0 where it is not told yet.

        Raises:
            DataDirectoryError: it cannot be read.
        """
        try:
            descriptor = os.open(self.path / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        try:
            return None if _take(descriptor, fcntl.LOCK_SH) else _pid(descriptor)
        except OSError as error:
            raise self._unusable(error) from error
        finally:
            os.close(descriptor)

    def _acquired(self, timeout: float) -> int | None:
        """The descriptor that has the lock; None where the file was replaced meanwhile."""
        descriptor = self._open()
        try:
            self._lock(descriptor, timeout)
            if not self._is_in_place(descriptor):
                os.close(descriptor)
                return None
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        except OSError as error:
            os.close(descriptor)
            raise self._unusable(error) from error
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _is_in_place(self, descriptor: int) -> bool:
        """Whether it is still the file that others open: a lock on a removed one keeps nobody."""
        try:
            found = (self.path / LOCK_NAME).lstat()
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(descriptor))

    def _open(self) -> int:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            return os.open(self.path / LOCK_NAME, flags, 0o600)
        except OSError as error:
            raise self._unusable(error) from error

    def _lock(self, descriptor: int, timeout: float) -> None:
        """Each owner has `timeout` seconds: where many take turns, all get theirs."""
        owner, since = _pid(descriptor), self._clock.monotonic()
        # One more try even without time: a look by `holder` shares the lock for a moment.
        while not _take(descriptor, fcntl.LOCK_EX):
            if (now_owner := _pid(descriptor)) != owner:
                owner, since = now_owner, self._clock.monotonic()
            late = self._clock.monotonic() >= since + timeout
            self._pause(RETRY)
            if late and not _take(descriptor, fcntl.LOCK_EX):
                raise self._busy(_pid(descriptor))
            if late:
                return

    def _busy(self, pid: int) -> EngineBusy:
        owner = f"process {pid}" if pid else "another process"
        return EngineBusy(
            f"{self.path}: in use by {owner}",
            hint="wait for it, stop it with abi stop, or choose another --data-dir",
            pid=pid,
        )

    def _unusable(self, error: OSError) -> DataDirectoryError:
        return DataDirectoryError(
            f"data directory {self.path}: {error.strerror or error}",
            hint="make room and make it writable for this user, or choose another with --data-dir",
        )


def _take(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid(descriptor: int) -> int:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else 0
