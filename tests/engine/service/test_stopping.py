"""Stopping the control socket: what is under way is answered, and nothing is left."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abi_engine.core.errors import ConnectionLost, EngineNotRunning
from abi_engine.service import frames
from abi_engine.service.client import Client
from abi_engine.service.frames import Item
from abi_engine.service.server import Server
from tests.engine.service.conftest import InThread, packed_call, read_frame, refusal, until

Raw = Callable[[], socket.socket]


def test_stopping_lets_a_call_under_way_be_answered(
    server: Server, client: Any, ticker: Any
) -> None:
    slow = InThread(lambda: client.ticker.wait("slow"))
    ticker.await_waiting("slow")
    stopping = InThread(lambda: server.stop(10.0))
    until(lambda: not server.path.exists())
    with pytest.raises(EngineNotRunning):
        Client(server.path).check()
    ticker.release("slow")
    assert slow.result() == "slow"
    stopping.result()
    assert server.clients == 0


def test_stopping_takes_no_further_call_even_if_it_is_there_already(
    server: Server, raw: Raw, ticker: Any
) -> None:
    connected = raw()
    connected.sendall(
        packed_call("ticker", "wait", name="slow") + packed_call("ticker", "count") * 3
    )
    ticker.await_waiting("slow")
    stopping = InThread(lambda: server.stop(10.0))
    until(lambda: not server.path.exists())
    until(lambda: all(session._leaving for session in server._sessions))
    ticker.release("slow")
    stopping.result()
    assert isinstance(read_frame(connected), Item)
    assert ticker.calls == 0


def test_a_call_that_outlives_the_deadline_is_left_behind_and_said(
    server: Server, client: Any, ticker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    slow = InThread(lambda: client.ticker.wait("slow"))
    ticker.await_waiting("slow")
    server.stop(0.1)
    with pytest.raises(ConnectionLost):
        slow.result()
    assert "left behind" in caplog.text
    ticker.release("slow")


def test_stopping_ends_a_client_in_the_middle_of_streaming_in(
    server: Server, raw: Raw, ticker: Any
) -> None:
    connected = raw()
    connected.sendall(packed_call("ticker", "write", chunks=None))
    connected.sendall(frames.pack_item(b"some"))
    ticker.await_waiting("write")
    server.stop(10.0)
    assert ticker.interrupted == ["connection_lost"]
    assert refusal(connected) == "connection_lost"


def test_a_server_may_be_stopped_twice_and_before_it_started(engine: Any, place: Path) -> None:
    server = Server(engine, place / "s")
    server.stop(1)
    server.start()
    server.start()
    server.stop(1)
    server.stop(1)
    assert not server.path.exists()
