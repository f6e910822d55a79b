"""The control socket among hostile clients: refused or bounded, and the engine goes on."""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.errors import (
    AddressInUse,
    ConnectionLost,
    DataDirectoryError,
    EngineNotRunning,
    Unavailable,
)
from abi_engine.service import frames
from abi_engine.service.client import Client
from abi_engine.service.frames import MAX_FRAME, Call, End, Failure, Item
from abi_engine.service.server import Server
from tests.engine.service.conftest import (
    CATALOGUE,
    InThread,
    at_end,
    packed_call,
    read_frame,
    refusal,
    until,
)

Raw = Callable[[], socket.socket]


def test_the_socket_is_for_this_user_alone(server: Server) -> None:
    mode = server.path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"\xc1",
        b"GET / HTTP/1.1\r\n\r\n",
        Random(7).randbytes(64),
        b"\x93\xa4call\x01\x02",
    ],
)
def test_garbage_is_answered_and_ends_only_its_own_connection(
    raw: Raw, client: Any, body: bytes
) -> None:
    bad = raw()
    bad.sendall(struct.pack(">I", len(body)) + body)
    assert refusal(bad) == "protocol_mismatch"
    assert at_end(bad)
    assert client.ticker.echo("good") == "good"


@given(body=st.binary(min_size=1, max_size=100))
def test_whatever_the_arguments_hold_the_call_is_answered(raw: Raw, body: bytes) -> None:
    with raw() as connected:
        connected.sendall(frames.pack(Call("ticker", "echo", frames.msgspec.Raw(body))))
        frame = read_frame(connected)
    refused = ("invalid_arguments", "protocol_mismatch")
    assert isinstance(frame, Item) or (isinstance(frame, Failure) and frame.error.code in refused)


def test_a_frame_that_is_no_call_is_refused(raw: Raw) -> None:
    bad = raw()
    bad.sendall(frames.pack(End()))
    assert refusal(bad) == "protocol_mismatch"
    assert at_end(bad)


def test_an_oversize_frame_is_answered_before_the_connection_is_closed(
    raw: Raw, client: Any
) -> None:
    bad = raw()
    with suppress(BrokenPipeError):  # it may be refused before all of it is out
        bad.sendall(struct.pack(">I", MAX_FRAME + 1) + bytes(1 << 16))
    frame = read_frame(bad)
    assert isinstance(frame, Failure)
    assert frame.error.code == "frame_too_large"
    assert frame.error.details["limit_bytes"] == MAX_FRAME
    assert at_end(bad)
    assert client.ticker.echo("good") == "good"


def test_half_a_frame_is_refused_when_its_time_is_over(engine: Any, place: Path) -> None:
    server = Server(engine, place / "s", frame_timeout=0.1)
    server.start()
    with socket.socket(socket.AF_UNIX) as bad:
        bad.settimeout(10)
        bad.connect(str(server.path))
        read_frame(bad)
        bad.sendall(packed_call("ticker", "count")[:-1])
        assert refusal(bad) == "timed_out"
        assert at_end(bad)
    server.stop(10)


def test_a_connection_without_a_frame_may_idle(raw: Raw, engine: Any, place: Path) -> None:
    server = Server(engine, place / "idle", frame_timeout=0.01)
    server.start()
    with socket.socket(socket.AF_UNIX) as idle:
        idle.settimeout(10)
        idle.connect(str(server.path))
        read_frame(idle)
        for _ in range(3):
            idle.settimeout(0.05)
            with pytest.raises(TimeoutError):
                idle.recv(1)
        idle.settimeout(10)
        idle.sendall(packed_call("ticker", "count"))
        assert isinstance(read_frame(idle), Item)
    server.stop(10)


def test_calls_sent_without_waiting_are_answered_in_order(raw: Raw) -> None:
    connected = raw()
    connected.sendall(b"".join(packed_call("ticker", "echo", text=str(n)) for n in range(100)))
    answers = [read_frame(connected) for _ in range(100)]
    decoded = [frames.msgspec.msgpack.decode(a.value) for a in answers if isinstance(a, Item)]
    assert decoded == [str(n) for n in range(100)]


def test_a_client_that_leaves_before_the_answer_troubles_nobody(
    raw: Raw, client: Any, ticker: Any, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    gone = raw()
    gone.sendall(packed_call("ticker", "wait", name="gone"))
    ticker.await_waiting("gone")
    gone.close()
    ticker.release("gone")
    until(lambda: server.clients == 0)
    assert client.ticker.echo("good") == "good"
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


def test_a_client_more_than_there_are_places_is_told_so(engine: Any, place: Path) -> None:
    server = Server(engine, place / "s", max_clients=3)
    server.start()
    clients = [Client(server.path, catalogue=CATALOGUE) for _ in range(4)]
    for client in clients[:3]:
        client.check()
    with pytest.raises(Unavailable, match="3 clients") as caught:
        clients[3].check()
    assert caught.value.retryable
    clients[0].close()
    until(lambda: server.clients == 2)
    assert clients[3].check().pid == os.getpid()
    for client in clients:
        client.close()
    server.stop(10)


STRANGER = """
import os, socket, sys
from abi_engine.core.errors import AbiError
from abi_engine.service.client import Client
from tests.engine.service.conftest import at_end, read_frame
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
connected = socket.socket(socket.AF_UNIX)
connected.settimeout(10)
try:
    connected.connect(sys.argv[1])
    print(read_frame(connected).error.code, at_end(connected))
except PermissionError:
    print("no way in")
try:
    Client(sys.argv[1]).check()
except AbiError as error:
    print(error.code)
"""


def as_stranger(path: Path) -> list[str]:
    """What another user hears who connects, bare and by a client."""
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, str(path)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can play another user")
def test_another_user_is_refused_in_words_even_where_somebody_opened_the_door(
    server: Server, place: Path, client: Any
) -> None:
    place.chmod(0o755)
    server.path.chmod(0o666)
    assert as_stranger(server.path) == ["permission_refused True", "permission_refused"]
    assert server.clients == 0
    assert client.ticker.echo("good") == "good"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can play another user")
def test_another_user_has_no_way_to_the_socket_as_it_is_made(server: Server, place: Path) -> None:
    place.chmod(0o755)
    assert as_stranger(server.path) == ["no way in", "permission_refused"]


def test_a_dead_engines_socket_is_replaced_by_who_holds_the_lock(engine: Any, place: Path) -> None:
    path = place / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))  # closed without unlinking, as a killed process leaves it
    with pytest.raises(AddressInUse):
        Server(engine, path).start()
    server = Server(engine, path, replace=True)
    server.start()
    with Client(path, catalogue=CATALOGUE) as client:
        assert client.ticker.echo("new") == "new"
    server.stop(10)


def test_a_file_that_is_no_socket_is_never_replaced(engine: Any, place: Path) -> None:
    (place / "s").write_text("precious")
    with pytest.raises(AddressInUse):
        Server(engine, place / "s", replace=True).start()
    assert (place / "s").read_text() == "precious"


def test_a_socket_that_somebody_put_in_our_place_is_not_removed(engine: Any, place: Path) -> None:
    server = Server(engine, place / "s")
    server.start()
    server.path.rename(place / "old")
    other = Server(engine, place / "s")
    other.start()
    server.stop(10)
    with Client(place / "s", catalogue=CATALOGUE) as client:
        assert client.ticker.echo("other") == "other"
    other.stop(10)


def test_a_place_where_no_socket_can_be_made_is_said(engine: Any, place: Path) -> None:
    for path in (place / "missing" / "s", place / ("x" * 200)):
        with pytest.raises(DataDirectoryError, match="control socket"):
            Server(engine, path).start()


def test_the_restarted_engine_is_found_by_a_client_that_has_idle_connections(
    engine: Any, server: Server, client: Any
) -> None:
    assert client.ticker.count() == 1
    path = server.path
    server.stop(10)
    with pytest.raises(EngineNotRunning, match="no engine answers"):
        client.ticker.count()
    again = Server(engine, path)
    again.start()
    assert client.ticker.count() == 2
    again.stop(10)
    third = Server(engine, path)
    third.start()
    assert client.ticker.count() == 3  # the idle connection was to the second
    third.stop(10)


def test_an_engine_that_ends_in_the_middle_of_a_call_is_not_asked_twice(place: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place / "s"))
    listener.listen()
    calls = []

    def serve() -> None:
        for answers in ([], [1]):
            connected, _ = listener.accept()
            with connected:
                connected.sendall(frames.pack(frames.Hello(frames.PROTOCOL, "x", 1)))
                for answer in answers:
                    calls.append(read_frame(connected))
                    connected.sendall(frames.pack_item(answer))
                calls.append(read_frame(connected))

    serving = InThread(serve)
    with Client(place / "s", timeout=10.0, catalogue=CATALOGUE) as client:
        with pytest.raises(ConnectionLost):
            client.ticker.count()  # type: ignore[attr-defined]
        assert len(calls) == 1
        assert client.ticker.count() == 1  # type: ignore[attr-defined]
        with pytest.raises(ConnectionLost):
            client.ticker.count()  # type: ignore[attr-defined] # on the connection that was kept
    serving.result()
    assert len(calls) == 3
    listener.close()


def test_when_nobody_can_be_accepted_it_is_said_and_tried_again(
    engine: Any, place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    accept, troubles = socket.socket.accept, [OSError(errno.EMFILE, "Too many open files")]

    def failing(self: socket.socket) -> Any:
        if troubles:
            raise troubles.pop()
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", failing)
    server = Server(engine, place / "s")
    server.start()
    with Client(place / "s", timeout=10.0, catalogue=CATALOGUE) as client:
        assert client.ticker.echo("good") == "good"  # type: ignore[attr-defined]
    server.stop(10)
    assert caplog.text.count("Too many open files") == 1


def test_when_there_are_no_more_threads_the_client_is_let_go(
    server: Server, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, troubles = Thread.start, [RuntimeError("can't start new thread")]

    def failing(self: Thread) -> None:
        if self.name == "abi-client" and troubles:
            raise troubles.pop()
        start(self)

    monkeypatch.setattr(Thread, "start", failing)
    with pytest.raises(ConnectionLost):
        client.ticker.echo("lost")
    assert client.ticker.echo("good") == "good"
    assert server.clients == 1
