"""The control socket: operations of an engine, called by other processes of the same user.

A thread a connection, so that no call waits for another. Refuses other users, and more clients
than it has places for.
"""

from __future__ import annotations

import logging
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from threading import Condition, Event, Thread
from typing import TYPE_CHECKING

from abi_engine.core.clock import Clock, SystemClock
from abi_engine.core.errors import (
    AbiError,
    AddressInUse,
    DataDirectoryError,
    PermissionRefused,
    Unavailable,
)
from abi_engine.service import frames
from abi_engine.service.connection import FRAME_TIMEOUT, Connection
from abi_engine.service.frames import Hello
from abi_engine.service.peers import is_friend, peer_uid
from abi_engine.service.session import Session, refuse
from abi_engine.service.targets import Targets
from abi_engine.version import VERSION

if TYPE_CHECKING:
    from abi_engine.engine import Engine

MAX_CLIENTS = 256
BACKLOG = 128
ANSWERS_S = 0.5  # how long streams may still send when the socket stops
RETRY_S = 0.05

logger = logging.getLogger("abi_engine.service")


class Server:
    """Serves `engine` on a Unix socket between `start` and `stop`.

    Args:
        engine: whose operations.
        path: of the socket; its directory must be this user's own.
        replace: a socket that is there already is a dead engine's, because the caller holds the
            lock of the data directory: put this one in its place.
        max_clients: how many connections at once; one more is refused in words.
        frame_timeout: see `Connection`.
        clock: time.
    """

    def __init__(
        self,
        engine: Engine,
        path: Path,
        *,
        replace: bool = False,
        max_clients: int = MAX_CLIENTS,
        frame_timeout: float = FRAME_TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        self.path = path
        self._targets = Targets(engine)
        self._replace = replace
        self._max_clients = max_clients
        self._frame_timeout = frame_timeout
        self._clock = clock or SystemClock()
        self._hello = Hello(frames.PROTOCOL, VERSION, os.getpid())
        self._sessions: dict[Session, Thread] = {}
        self._changed = Condition()
        self._stopping = Event()
        self._listener: socket.socket | None = None
        self._accepting: Thread | None = None
        self._inode = 0

    @property
    def clients(self) -> int:
        """How many connections there are."""
        return len(self._sessions)

    def start(self) -> None:
        """Listen; clients may connect when it returns.

        Raises:
            AddressInUse: something is at the path already.
            DataDirectoryError: the socket cannot be made there.
        """
        if self._listener is not None:
            return
        self._listener = self._listen()
        self._accepting = Thread(
            target=self._accept, args=(self._listener,), name="abi-accept", daemon=True
        )
        self._accepting.start()

    def stop(self, deadline: float) -> None:
        """Refuse new clients, end every connection as if its client had left, and wait for calls
        and streams to end. What has not ended within `deadline` seconds is left behind and said in
        the log.
        """
        if self._listener is None or self._accepting is None:
            return
        end = self._clock.monotonic() + deadline
        self._stopping.set()
        self._unlink()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(deadline)
        self._listener.close()
        threads = self._ask_to_leave()
        self._wait_for_end(streams=True, deadline=min(ANSWERS_S, deadline / 2))
        for session in self._snapshot():
            if session.streaming:  # its reader takes nothing
                session.connection.end()
        self._wait_for_end(streams=False, deadline=end - self._clock.monotonic())
        self._abandon()
        for thread in threads:
            thread.join(max(end - self._clock.monotonic(), 0.0))
        self._listener = self._accepting = None

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._clear()
            os.fchmod(listener.fileno(), 0o600)  # the file is made with this mode
            listener.bind(str(self.path))
            self.path.chmod(0o600)
            self._inode = self.path.stat().st_ino
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            raise DataDirectoryError(
                f"control socket {self.path}: {error.strerror or error}",
                hint="set XDG_RUNTIME_DIR to a directory of your own with a short name",
            ) from error
        except BaseException:
            listener.close()
            raise
        return listener

    def _clear(self) -> None:
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return
        if not (self._replace and stat.S_ISSOCK(found.st_mode)):
            raise AddressInUse(
                f"control socket {self.path}: something is there already",
                hint="if no engine uses it, remove the file",
            )
        self.path.unlink()

    def _unlink(self) -> None:
        with suppress(OSError):  # somebody else cleaned up
            if self.path.lstat().st_ino == self._inode:
                self.path.unlink()

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connected, _ = listener.accept()
            except OSError as error:
                if not self._stopping.is_set():  # out of descriptors, most likely
                    logger.warning("control socket: cannot accept: %s", error)
                    self._stopping.wait(RETRY_S)
                continue
            try:
                self._admit(connected)
            except Exception:  # one client's trouble is not the others'
                logger.exception("control socket: a connection could not be served")
                connected.close()

    def _admit(self, connected: socket.socket) -> None:
        connection = Connection(connected, frame_timeout=self._frame_timeout, clock=self._clock)
        trouble = self._objection(connected)
        if trouble is not None:
            logger.warning("control socket: refused a client: %s", trouble)
            refuse(connection, trouble)
            connection.dispose()
            return
        session = Session(connection, self._targets, self._hello)
        thread = Thread(target=self._serve, args=(session,), name="abi-client", daemon=True)
        with self._changed:
            self._sessions[session] = thread
        try:
            thread.start()
        except RuntimeError:  # no more threads
            self._forget(session)
            raise

    def _objection(self, connected: socket.socket) -> AbiError | None:
        uid = peer_uid(connected)
        if not is_friend(uid, os.geteuid()):
            return PermissionRefused(
                f"user {uid} may not use an engine of user {os.geteuid()}",
                hint="run the command as the engine's user",
            )
        if len(self._sessions) >= self._max_clients:
            busy = Unavailable(
                f"the engine has {self._max_clients} clients, and takes no more",
                hint="close some, then try again",
            )
            busy.retryable = True
            return busy
        return None

    def _serve(self, session: Session) -> None:
        try:
            session.serve()
        except Exception:
            logger.exception("control socket: a session failed")
        finally:
            session.connection.dispose()
            self._forget(session)

    def _forget(self, session: Session) -> None:
        with self._changed:
            self._sessions.pop(session, None)
            self._changed.notify_all()

    def _snapshot(self) -> tuple[Session, ...]:
        with self._changed:
            return tuple(self._sessions)

    def _ask_to_leave(self) -> tuple[Thread, ...]:
        with self._changed:
            for session in self._sessions:
                session.leave()
            return tuple(self._sessions.values())

    def _wait_for_end(self, *, streams: bool, deadline: float) -> None:
        """Wait until all sessions, or only those that stream, have ended."""
        with self._changed:
            self._changed.wait_for(
                lambda: not any(s.streaming or not streams for s in self._sessions),
                max(deadline, 0.0),
            )

    def _abandon(self) -> None:
        for session in self._snapshot():
            logger.error("control socket: a call did not end in time and was left behind")
            session.connection.end()
