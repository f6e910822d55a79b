"""A client of a running engine: the same calls, over its control socket.

Refuses to import an implementation, or an event loop: any thread may call, and simply waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import msgspec

from abi_engine.catalogue import BUILT_IN, Catalogue
from abi_engine.core.errors import (
    AbiError,
    ConnectionLost,
    InvalidArguments,
    ProtocolMismatch,
    TimedOut,
)
from abi_engine.core.operation import Operation, stand_in
from abi_engine.core.stream import Stream
from abi_engine.service import frames
from abi_engine.service.connection import Closed, Connection
from abi_engine.service.dial import IS_IT_RUNNING, LOST, dial, late
from abi_engine.service.frames import Call, End, Failure, Frame, Hello, Item, Lagged, Opened
from abi_engine.system import SystemApi

if TYPE_CHECKING:
    from abi_engine.features.gateway.api import GatewayApi

MAX_IDLE = 8


class Client:
    """An engine in another process. Thread-safe.

    A call has a connection to itself while it lasts; connections are kept for the next calls. A
    stream has one of its own. An idle connection that died, because the engine was started anew,
    is replaced without a word, but a call that may have reached the engine is never sent twice.

    Args:
        path: of the control socket. Nothing is opened before the first call, or `check`.
        timeout: how many seconds a call may take; None waits for ever. Of a stream it bounds the
            beginning, and how long the engine may take to accept an item.
        catalogue: the features that the engine is known to have.
    """

    if TYPE_CHECKING:
        system: SystemApi
        gateway: GatewayApi

    def __init__(
        self, path: Path | str, *, timeout: float | None = None, catalogue: Catalogue = BUILT_IN
    ) -> None:
        self.path = Path(path)
        self.timeout = timeout
        self._rows = {row.name: row for row in catalogue if row.built}
        self._idle: list[Connection] = []
        self._lock = Lock()
        self._closed = False

    if not TYPE_CHECKING:  # seen by a checker, it would make every misspelling pass

        def __getattr__(self, name: str) -> Any:
            row = vars(self).get("_rows", {}).get(name)
            if row is None and name != "system":
                message = f"the engine has no feature {name!r}"
                raise AttributeError(message)
            api = SystemApi if row is None else row.api
            return vars(self).setdefault(name, stand_in(api, partial(self._perform, name)))

    def check(self) -> Hello:
        """Connect anew, and tell who answers.

        Raises:
            EngineNotRunning: nobody does.
            PermissionRefused: the engine is another user's.
            ProtocolMismatch: it speaks differently.
        """
        connection, hello = dial(self.path, self.timeout)
        self._give_back(connection)
        return hello

    def close(self) -> None:
        """Close every idle connection; a stream is closed by whoever has it."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _perform(self, feature: str, op: Operation, arguments: msgspec.Struct) -> object:
        if op.streams_out:
            return self._stream(_packed_call(feature, op, arguments), op)
        if op.streams_in is not None:
            chunks: Iterable[bytes] = getattr(arguments, op.streams_in)
            arguments = msgspec.structs.replace(arguments, **{op.streams_in: None})
            return self._upload(_packed_call(feature, op, arguments), op, chunks)
        return self._call(_packed_call(feature, op, arguments), op)

    def _call(self, packed: bytearray, op: Operation) -> object:
        kept = self._idle_connection()
        if kept is not None:
            try:
                return self._exchange(kept, packed, op)
            except ConnectionLost as error:
                if error.details.get("sent", True):
                    raise  # else it died while it was idle
        connection, _ = dial(self.path, self.timeout)
        return self._exchange(connection, packed, op)

    def _exchange(self, connection: Connection, packed: bytearray, op: Operation) -> object:
        try:
            frame = self._answer(connection, packed)
        except BaseException:
            connection.dispose()  # its answer may still come, and must not meet the next call
            raise
        self._give_back(connection)
        return _value(op, frame)

    def _answer(
        self, connection: Connection, packed: bytearray, chunks: Iterable[bytes] | None = None
    ) -> Frame:
        sent = False
        try:
            sent = self._send(connection, packed, chunks)
            return connection.receive(self.timeout)
        except Closed as error:
            raise ConnectionLost(LOST, hint=IS_IT_RUNNING, sent=sent) from error
        except TimedOut as error:
            raise late(self.path, self.timeout or 0.0) from error

    def _send(
        self, connection: Connection, packed: bytearray, chunks: Iterable[bytes] | None
    ) -> bool:
        """Send a call and what streams in, and tell whether all of it is out; if not, the engine
        has closed, and may have said why: its answer is still to be read.
        """
        try:
            connection.send(packed, self.timeout)
            if chunks is not None:
                for chunk in chunks:
                    connection.send(frames.pack_item(chunk), self.timeout)
                connection.send(frames.pack(End()), self.timeout)
        except Closed:
            return False
        return True

    def _upload(self, packed: bytearray, op: Operation, chunks: Iterable[bytes]) -> object:
        connection, _ = dial(self.path, self.timeout)
        try:
            return _value(op, self._answer(connection, packed, chunks))
        finally:
            connection.dispose()

    def _stream(self, packed: bytearray, op: Operation) -> Stream[Any]:
        connection, _ = dial(self.path, self.timeout)
        try:
            _check_opened(self._answer(connection, packed))
        except BaseException:
            connection.dispose()
            raise
        reader = _Reader(connection, op)
        return Stream(reader.items(), reader.close, lambda: reader.lagged)

    def _idle_connection(self) -> Connection | None:
        """A kept connection that is still good; those that are not are thrown away."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if connection.quiet():
                return connection
            connection.dispose()

    def _give_back(self, connection: Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < MAX_IDLE:
                self._idle.append(connection)
                return
        connection.dispose()


class _Reader:
    """The reading end of a stream."""

    def __init__(self, connection: Connection, op: Operation) -> None:
        self._connection = connection
        self._op = op
        self._closed = False
        self.lagged = 0

    def items(self) -> Iterator[Any]:
        try:
            while not isinstance(frame := self._next(), End):
                if isinstance(frame, Lagged):
                    self.lagged = frame.lagged
                else:
                    yield _value(self._op, frame)
        finally:
            self._connection.dispose()

    def close(self) -> None:
        self._closed = True
        self._connection.end()

    def _next(self) -> Frame:
        try:
            return self._connection.receive()
        except Closed as error:
            if self._closed:
                return End()
            raise ConnectionLost(LOST, hint=IS_IT_RUNNING) from error


def _packed_call(feature: str, op: Operation, arguments: msgspec.Struct) -> bytearray:
    try:
        encoded = msgspec.msgpack.encode(arguments)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidArguments(f"{feature}.{op.name}: {error}") from error
    return frames.pack(Call(feature, op.name, msgspec.Raw(encoded)))


def _check_opened(frame: Frame) -> None:
    if isinstance(frame, Failure):
        raise AbiError.from_wire(frame.error)
    if not isinstance(frame, Opened):
        raise _unexpected(frame)


def _value(op: Operation, frame: Frame) -> object:
    if isinstance(frame, Failure):
        raise AbiError.from_wire(frame.error)
    if not isinstance(frame, Item):
        raise _unexpected(frame)
    try:
        return msgspec.msgpack.decode(frame.value, type=op.returns)
    except msgspec.MsgspecError as error:
        raise ProtocolMismatch(
            f"the answer of {op.name} is not what this version expects: {error}",
            hint="run engine and client from one version",
        ) from error


def _unexpected(frame: Frame) -> ProtocolMismatch:
    return ProtocolMismatch(f"unexpected {type(frame).__name__.lower()} from the engine")
