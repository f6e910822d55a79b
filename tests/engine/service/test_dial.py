"""Reaching an engine: who is at the other end, what he speaks, and how long one waits for him."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from abi_engine.core.errors import (
    ConnectionLost,
    EngineNotRunning,
    PermissionRefused,
    ProtocolMismatch,
    TimedOut,
)
from abi_engine.service import dial as dialing
from abi_engine.service import frames
from abi_engine.service.client import Client
from abi_engine.service.connection import Connection
from abi_engine.service.dial import dial
from abi_engine.service.frames import PROTOCOL, End, Hello
from abi_engine.service.server import Server
from tests.engine.service.conftest import CATALOGUE, read_frame, until

Talk = Callable[[socket.socket], None]


@pytest.fixture
def strange(place: Path) -> Iterator[Callable[[Talk], Path]]:
    """Serves one client on a socket, in any way that a test likes."""
    listener = socket.socket(socket.AF_UNIX)
    listener.settimeout(10)
    listener.bind(str(place / "s"))
    listener.listen(1)

    def serve(talk: Talk) -> Path:
        def run() -> None:
            with suppress(OSError):
                connected, _ = listener.accept()
                with connected:
                    connected.settimeout(10)
                    talk(connected)

        threading.Thread(target=run, daemon=True).start()
        return place / "s"

    yield serve
    listener.close()


def test_another_protocol_is_told_with_both_versions(strange: Any) -> None:
    path = strange(lambda c: c.sendall(frames.pack(Hello(PROTOCOL + 1, "9.9.9", 1))))
    with pytest.raises(
        ProtocolMismatch, match=rf"protocol {PROTOCOL + 1} of abi 9\.9\.9"
    ) as caught:
        dial(path, 5.0)
    assert f"protocol {PROTOCOL}" in caught.value.message
    assert "abi stop" in caught.value.hint


def test_a_frame_that_is_no_greeting_is_a_mismatch(strange: Any) -> None:
    with pytest.raises(ProtocolMismatch, match="a end where a greeting belongs"):
        dial(strange(lambda c: c.sendall(frames.pack(End()))), 5.0)


def test_what_is_no_frame_is_a_mismatch(strange: Any) -> None:
    with pytest.raises(ProtocolMismatch):
        dial(strange(lambda c: c.sendall(b"\x00\x00\x00\x04SSH-")), 5.0)


def test_one_that_closes_at_once_is_a_lost_connection(strange: Any) -> None:
    with pytest.raises(ConnectionLost):
        dial(strange(lambda c: None), 5.0)


def test_one_that_says_nothing_is_not_waited_for_longer_than_allowed(strange: Any) -> None:
    with pytest.raises(TimedOut, match=r"0\.2 s"):
        dial(strange(lambda c: c.recv(1)), 0.2)


def test_one_that_accepts_nobody_is_not_waited_for_longer_than_allowed(place: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place / "s"))
        listener.listen(0)
        waiting = []
        with pytest.raises(TimedOut):
            for _ in range(5):  # its queue is full before the last
                waiting.append(socket.socket(socket.AF_UNIX))
                waiting[-1].setblocking(False)
                with suppress(BlockingIOError):
                    waiting[-1].connect(str(place / "s"))
            dial(place / "s", 0.2)
        for connected in waiting:
            connected.close()


def test_nobody_is_no_engine(place: Path) -> None:
    (place / "file").write_text("x")
    for name in ("missing", "file"):
        with pytest.raises(EngineNotRunning, match=name) as caught:
            dial(place / name, 1.0)
        assert caught.value.hint == "abi serve"


def test_an_engine_of_another_user_is_refused_unless_one_is_root(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "peer_uid", lambda _: 12345)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(PermissionRefused, match="user 12345"):
        dial(server.path, 5.0)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    connection, hello = dial(server.path, 5.0)
    connection.dispose()
    assert hello.protocol == PROTOCOL


def test_every_failure_gives_its_descriptor_back(strange: Any, place: Path) -> None:
    path = strange(lambda c: c.sendall(frames.pack(End())))
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(ProtocolMismatch):
        dial(path, 5.0)
    for _ in range(5):
        with pytest.raises(EngineNotRunning):
            dial(place / "missing", 1.0)
    # The other side, a thread of this process, closes its own when it gets to it.
    until(lambda: len(list(Path("/dev/fd").iterdir())) <= before)


def test_an_answer_of_the_wrong_kind_or_type_is_a_mismatch(strange: Any) -> None:
    def talk(answer: bytearray) -> Talk:
        def run(connected: socket.socket) -> None:
            connected.sendall(frames.pack(Hello(PROTOCOL, "x", 1)))
            read_frame(connected)
            connected.sendall(answer)

        return run

    for answer in (frames.pack(End()), frames.pack_item("no number")):
        with (
            Client(strange(talk(answer)), timeout=5.0, catalogue=CATALOGUE) as client,
            pytest.raises(ProtocolMismatch),
        ):
            client.ticker.count()  # type: ignore[attr-defined]


def test_an_engine_that_takes_nothing_in_time_is_late(strange: Any) -> None:
    done = threading.Event()

    def talk(connected: socket.socket) -> None:
        connected.sendall(frames.pack(Hello(PROTOCOL, "x", 1)))
        done.wait(10)

    with (
        Client(strange(talk), timeout=0.2, catalogue=CATALOGUE) as client,
        pytest.raises(TimedOut),
    ):
        client.ticker.write(bytes(1 << 20) for _ in range(50))  # type: ignore[attr-defined]
    done.set()


def test_a_call_on_an_idle_connection_that_dies_under_it_is_sent_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(server.path, timeout=10.0, catalogue=CATALOGUE) as client:
        assert client.ticker.count() == 1  # type: ignore[attr-defined]
        client._idle[0].end()
        monkeypatch.setattr(Connection, "quiet", lambda _: True)  # it dies after the look
        assert client.ticker.count() == 2  # type: ignore[attr-defined]
