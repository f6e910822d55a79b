"""An engine with a ticker, served on a socket of the test's own."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from abi_engine.catalogue import Row
from abi_engine.engine import Engine
from abi_engine.service import frames
from abi_engine.service.client import Client
from abi_engine.service.connection import Connection
from abi_engine.service.frames import Call, Failure
from abi_engine.service.server import Server

TICKER = Row("ticker", "for tests", built=True, package="tests.engine.service.ticker")
PLANNED = Row("later", "not yet")
CATALOGUE = (TICKER, PLANNED)
WAIT = 10.0


@pytest.fixture
def engine() -> Iterator[Any]:
    with Engine(catalogue=CATALOGUE) as engine:
        engine.ticker.start()
        yield engine


@pytest.fixture
def ticker(engine: Any) -> Any:
    return engine.ticker


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name, as a socket needs."""
    with tempfile.TemporaryDirectory(prefix="abi-") as directory:
        yield Path(directory)


@pytest.fixture
def server(engine: Any, place: Path) -> Iterator[Server]:
    server = Server(engine, place / "s")
    server.start()
    yield server
    server.stop(WAIT)


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with Client(server.path, timeout=30.0, catalogue=CATALOGUE) as client:
        yield client


@pytest.fixture
def raw(server: Server) -> Iterator[Callable[[], socket.socket]]:
    """Opens sockets that speak whatever a test likes; the greeting has been read."""
    opened: list[socket.socket] = []

    def connect() -> socket.socket:
        connected = socket.socket(socket.AF_UNIX)
        opened.append(connected)
        connected.settimeout(WAIT)
        connected.connect(str(server.path))
        assert isinstance(read_frame(connected), frames.Hello)
        return connected

    yield connect
    for connected in opened:
        connected.close()


def read_frame(connected: socket.socket) -> frames.Frame:
    """The next frame; `EOFError` where the other end has closed."""
    (size,) = frames.LENGTH.unpack(read_exactly(connected, frames.LENGTH.size))
    return frames.unpack(read_exactly(connected, size))


def read_exactly(connected: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        chunk = connected.recv(size - len(found))
        if not chunk:
            raise EOFError(found)
        found += chunk
    return found


def packed_call(feature: str, operation: str, **arguments: Any) -> bytes:
    encoded = frames.msgspec.Raw(frames.msgspec.msgpack.encode(arguments))
    return bytes(frames.pack(Call(feature, operation, encoded)))


def refusal(connected: socket.socket) -> str:
    frame = read_frame(connected)
    assert isinstance(frame, Failure), frame
    return frame.error.code


def at_end(connected: socket.socket) -> bool:
    """Whether the other end has closed, and nothing more comes."""
    try:
        return connected.recv(1) == b""
    except ConnectionResetError:  # it closed with bytes of ours unread
        return True


class InThread:
    """A call in a thread of its own, and what came of it."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - raised again by `result`
            self._error = error

    def result(self, timeout: float = WAIT) -> Any:
        self._thread.join(timeout)
        assert not self._thread.is_alive(), "the call has not returned"
        if self._error is not None:
            raise self._error
        return self._result


def descriptors() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def pair() -> tuple[Connection, socket.socket]:
    """A connection, and the bare socket at its other end."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(WAIT)
    return Connection(ours, frame_timeout=0.2), theirs


def until(true: Callable[[], bool]) -> None:
    """Wait for what no condition variable tells."""
    for _ in range(1000):
        if true():
            return
        Event().wait(0.01)
    raise AssertionError("never")
