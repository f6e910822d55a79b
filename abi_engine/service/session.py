"""One client on the control socket: its calls, one after another, in a thread of its own.

Refuses to let a client's mistakes reach the engine: garbage is answered, then the connection ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from threading import Thread
from typing import Any

import msgspec

from abi_engine.core.errors import AbiError, ConnectionLost, InternalError, ProtocolMismatch
from abi_engine.core.stream import Stream
from abi_engine.service import frames
from abi_engine.service.connection import Closed, Connection
from abi_engine.service.frames import (
    Call,
    End,
    Failure,
    FrameTooLarge,
    Hello,
    Item,
    Lagged,
    Opened,
)
from abi_engine.service.targets import Target, Targets

logger = logging.getLogger("abi_engine.service")


class Session:
    """Serves one connection until its client leaves or it is ended.

    Args:
        connection: to the client.
        targets: what may be called.
        hello: the first frame.
    """

    def __init__(self, connection: Connection, targets: Targets, hello: Hello) -> None:
        self.connection = connection
        self.streaming = False
        self._targets = targets
        self._hello = hello
        self._leaving = False

    def serve(self) -> None:
        """Answer calls until there are no more."""
        try:
            self.connection.send(frames.pack(self._hello))
            while not self._leaving and self._answer(self.connection.receive()):
                pass
        except Closed:
            pass  # the client has left
        except AbiError as error:  # what it sent is no frame: say so, then end
            refuse(self.connection, error)

    def leave(self) -> None:
        """Take no more calls; one that runs ends by itself and is answered, a stream is closed."""
        self._leaving = True
        self.connection.stop_reading()

    def _answer(self, call: frames.Frame) -> bool:
        """Serve one call; tell whether the connection is good for another."""
        if not isinstance(call, Call):
            raise ProtocolMismatch(f"expected a call, got {type(call).__name__.lower()}")
        streaming = False
        try:
            target = self._targets.find(call.feature, call.operation)
            streaming = self.streaming = target.op.streams_out or bool(target.op.streams_in)
            self._perform(target, target.arguments(call.arguments))
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            self.connection.send(failure(error, f"{call.feature}.{call.operation}"))
        return not streaming

    def _perform(self, target: Target, arguments: dict[str, Any]) -> None:
        if target.op.streams_in is not None:
            arguments[target.op.streams_in] = self._incoming()
        result = self._targets.perform(target, arguments)
        if target.op.streams_out:
            self._stream(result, target)
        else:
            self.connection.send(result_of(target, result))

    def _incoming(self) -> Iterator[bytes]:
        while not isinstance(frame := self._next_chunk(), End):
            if not isinstance(frame, Item):
                raise ProtocolMismatch(f"expected an item, got {type(frame).__name__.lower()}")
            try:
                yield msgspec.msgpack.decode(frame.value, type=bytes)
            except msgspec.MsgspecError as error:
                raise ProtocolMismatch(f"expected bytes: {error}") from error

    def _next_chunk(self) -> frames.Frame:
        try:
            return self.connection.receive()
        except Closed as error:  # the operation must not take a part for the whole
            raise ConnectionLost("what streams in broke off before its end") from error

    def _stream(self, stream: Stream[Any], target: Target) -> None:
        watcher = Thread(target=self._close_when_left, args=(stream,), name="abi-watch")
        watcher.daemon = True
        watcher.start()
        try:
            self.connection.send(frames.pack(Opened()))
            told = 0
            for value in stream:
                if (lagged := stream.lagged) != told:
                    self.connection.send(frames.pack(Lagged(lagged)))
                    told = lagged
                self.connection.send(result_of(target, value))
            self.connection.send(frames.pack(End()))
        except Closed:
            raise
        except Exception as error:  # noqa: BLE001 - the reader is told, whatever it is
            self.connection.send(failure(error, target.name))
        finally:
            stream.close()
            self.connection.end()  # a stream's connection is never used again; this wakes
            watcher.join()

    def _close_when_left(self, stream: Stream[Any]) -> None:
        self.connection.wait_until_left()
        stream.close()


def refuse(connection: Connection, error: AbiError) -> None:
    """Send a failure to a client that is told nothing else, if it still listens."""
    try:
        connection.send(frames.pack(Failure(error.to_wire())), timeout=1.0)
    except (AbiError, Closed) as gone:
        logger.debug("a client left before it was told %s: %s", error.code, gone)


def result_of(target: Target, value: object) -> bytearray:
    """A result as a packed item.

    Raises:
        FrameTooLarge: it does not fit into one frame.
    """
    try:
        return frames.pack_item(value)
    except FrameTooLarge as error:
        raise FrameTooLarge(
            f"{target.name}: the answer takes {error.message}",
            hint="ask for less at once (limit, offset), or for a stream",
            **error.details,
        ) from error


def failure(error: Exception, name: str) -> bytearray:
    """A packed failure; what is not of the family is a defect, which the log has whole."""
    if not isinstance(error, AbiError):
        logger.error("%s raised what no operation may raise", name, exc_info=error)
        error = InternalError(
            f"{name}: {type(error).__name__}: {error}", hint="a defect: the engine's log has it"
        )
    try:
        return frames.pack(Failure(error.to_wire()))
    except (TypeError, ValueError, FrameTooLarge) as unsendable:
        reason = str(unsendable)  # without the traceback, which would have the error's own text
        logger.error("%s: its error %s cannot be sent: %s", name, error.code, reason)  # noqa: TRY400 - as said above
        message = f"{name}: {error.code}, with a message that cannot be sent"
        return frames.pack(Failure(InternalError(message).to_wire()))
