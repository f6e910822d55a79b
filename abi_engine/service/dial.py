"""Reaches an engine over its control socket. Refuses another user's, and another protocol."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from abi_engine.core.errors import (
    AbiError,
    ConnectionLost,
    EngineNotRunning,
    PermissionRefused,
    ProtocolMismatch,
    TimedOut,
)
from abi_engine.service import frames
from abi_engine.service.connection import Closed, Connection
from abi_engine.service.frames import Failure, Frame, Hello
from abi_engine.service.peers import ROOT, is_friend, peer_uid
from abi_engine.version import VERSION

CONNECT_TIMEOUT = 10.0
LOST = "the engine closed the connection before it answered"
IS_IT_RUNNING = "is it still running? abi status"


def dial(path: Path, timeout: float | None) -> tuple[Connection, Hello]:
    """A new connection to the engine that listens on `path`, and who it says it is.

    Args:
        path: of the socket.
        timeout: seconds for all of it; None means ten.

    Raises:
        EngineNotRunning: nobody listens there.
        PermissionRefused: the engine is another user's.
        ProtocolMismatch: it speaks differently.
        TimedOut: it does not answer.
        ConnectionLost: it closed the connection at once.
    """
    seconds = CONNECT_TIMEOUT if timeout is None else timeout
    connection = Connection(_open(path, seconds))
    try:
        return connection, _greeting(path, connection, seconds)
    except BaseException:
        connection.dispose()
        raise


def late(path: Path, seconds: float) -> TimedOut:
    """What to raise when the engine did not answer in time."""
    return TimedOut(f"{path}: no answer within {seconds:g} s", hint="give it more with --timeout")


def _open(path: Path, seconds: float) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(seconds)
        connected.connect(str(path))
        _check_owner(path, peer_uid(connected))
    except OSError as error:
        connected.close()
        raise _unreachable(path, error, seconds) from error
    except BaseException:
        connected.close()
        raise
    return connected


def _check_owner(path: Path, uid: int) -> None:
    own = os.geteuid()
    if not is_friend(uid, own) and own != ROOT:
        raise PermissionRefused(
            f"{path}: an engine of user {uid}, not of user {own}",
            hint="run the command as that user",
        )


def _unreachable(path: Path, error: OSError, seconds: float) -> AbiError:
    if isinstance(error, TimeoutError | BlockingIOError):  # its queue of clients is full
        return late(path, seconds)
    if isinstance(error, PermissionError):
        return PermissionRefused(
            f"{path}: {error.strerror}", hint="run the command as the engine's user"
        )
    return EngineNotRunning(
        f"no engine answers on {path}: {error.strerror or error}", hint="abi serve"
    )


def _greeting(path: Path, connection: Connection, seconds: float) -> Hello:
    try:
        frame = connection.receive(seconds)
    except Closed as error:
        raise ConnectionLost(LOST, hint=IS_IT_RUNNING) from error
    except TimedOut as error:
        raise late(path, seconds) from error
    if isinstance(frame, Failure):
        raise AbiError.from_wire(frame.error)
    if not isinstance(frame, Hello) or frame.protocol != frames.PROTOCOL:
        raise _mismatch(path, frame)
    return frame


def _mismatch(path: Path, frame: Frame) -> ProtocolMismatch:
    if isinstance(frame, Hello):
        theirs = f"protocol {frame.protocol} of abi {frame.version}"
    else:
        theirs = f"a {type(frame).__name__.lower()} where a greeting belongs"
    return ProtocolMismatch(
        f"{path}: the engine speaks {theirs}, this is protocol {frames.PROTOCOL} of abi {VERSION}",
        hint="run both from one version: abi stop, then abi serve",
    )
