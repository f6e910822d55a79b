"""Streams through the control socket: what ends them, what they lose, what they leave."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from abi_engine.core.errors import AbiError, ConnectionLost, FeatureDisabled, InvalidArguments
from abi_engine.service.server import Server
from tests.engine.service.conftest import InThread, descriptors, until
from tests.engine.service.ticker.api import Tick, TickerTaken


def test_a_stream_gives_its_items_in_order_and_ends(client: Any) -> None:
    assert list(client.ticker.watch(first=3, last=6)) == [Tick(3), Tick(4), Tick(5), Tick(6)]


def test_a_stream_has_a_connection_of_its_own_that_is_not_used_again(
    client: Any, server: Server
) -> None:
    client.ticker.count()
    with client.ticker.silence():
        client.ticker.count()
        assert server.clients == 2
    assert list(client.ticker.watch(last=0)) == [Tick(0)]
    assert len(client._idle) == 1


def test_closing_a_stream_wakes_its_reader_and_ends_it_in_the_engine(
    client: Any, ticker: Any
) -> None:
    stream = client.ticker.silence()
    reader = InThread(lambda: list(stream))
    ticker.await_streams(1)
    stream.close()
    stream.close()
    assert reader.result() == []
    ticker.await_streams(0)


def test_forgetting_a_stream_ends_it_in_the_engine(client: Any, ticker: Any) -> None:
    stream = client.ticker.watch()
    assert next(stream) == Tick(0)
    ticker.await_streams(1)
    del stream
    gc.collect()
    ticker.await_streams(0)


def test_a_stream_that_was_never_read_is_ended_by_forgetting_it(client: Any, ticker: Any) -> None:
    stream = client.ticker.silence()
    ticker.await_streams(1)
    del stream
    gc.collect()
    ticker.await_streams(0)


def test_leaving_the_with_of_a_stream_ends_it(client: Any, ticker: Any) -> None:
    with client.ticker.watch() as stream:
        assert list(islice(stream, 100))[-1] == Tick(99)
    ticker.await_streams(0)


def test_a_reader_that_reads_nothing_holds_the_writer_back_and_can_still_leave(
    client: Any, ticker: Any
) -> None:
    stream = client.ticker.watch()  # without end, far more than a socket holds
    ticker.await_streams(1)
    assert next(stream) == Tick(0)
    stream.close()
    ticker.await_streams(0)


def test_a_lossy_stream_says_how_many_items_it_has_lost(client: Any) -> None:
    stream = client.ticker.gaps()
    seen = [(tick.number, stream.lagged) for tick in stream]
    assert seen == [(0, 0), (1, 2), (2, 7)]


def test_an_error_in_the_middle_comes_after_the_items_before_it(client: Any) -> None:
    stream = client.ticker.broken(2)
    assert [next(stream), next(stream)] == [Tick(0), Tick(1)]
    with pytest.raises(TickerTaken):
        next(stream)


def test_a_refused_stream_raises_at_the_call(client: Any, server: Server) -> None:
    with pytest.raises(InvalidArguments, match="first"):
        client.ticker.watch(first="one")
    until(lambda: server.clients == 0)


def test_a_stream_holds_what_happens_from_the_call_on(client: Any) -> None:
    for _ in range(20):
        with client.system.watch_events() as events:
            client.system.set_feature("ticker", True)
            assert next(events).kind == "feature_enabled"


def test_a_stream_of_a_disabled_feature_names_the_flag(client: Any) -> None:
    client.system.set_feature("ticker", False)
    with pytest.raises(FeatureDisabled):
        client.ticker.watch()


def test_stopping_the_server_ends_a_stream_and_its_reader(
    client: Any, server: Server, ticker: Any
) -> None:
    stream = client.ticker.silence()
    reader = InThread(lambda: list(stream))
    ticker.await_streams(1)
    server.stop(10.0)
    assert reader.result() == []
    ticker.await_streams(0)


def test_stopping_the_server_ends_a_stream_that_nobody_reads(
    client: Any, server: Server, ticker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stream = client.ticker.watch()
    until(lambda: _stalled(ticker))  # the socket is full
    server.stop(10.0)
    assert "left behind" not in caplog.text
    ticker.await_streams(0)
    assert server.clients == 0
    with suppress(ConnectionLost):  # cut where it was blocked; in order where it was not yet
        list(stream)


def test_a_client_that_is_killed_in_the_middle_leaves_nothing(server: Server, ticker: Any) -> None:
    code = (
        "import sys\n"
        "from abi_engine.service.client import Client\n"
        "from tests.engine.service.conftest import CATALOGUE\n"
        "client = Client(sys.argv[1], catalogue=CATALOGUE)\n"
        "stream, silent = client.ticker.watch(), client.ticker.silence()\n"
        "print(next(stream).number, flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(server.path)]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"0\n"
        ticker.await_streams(2)
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    ticker.await_streams(0)
    until(lambda: server.clients == 0)


def test_bytes_stream_in_and_are_all_taken(client: Any) -> None:
    assert client.ticker.write(bytes(1 << 20) for _ in range(64)) == 64 << 20
    assert client.ticker.write([]) == 0


def test_a_refusal_reaches_a_client_that_is_still_sending(client: Any) -> None:
    sent = []

    def chunks() -> Iterator[bytes]:
        for number in range(1000):
            sent.append(number)
            yield bytes(1 << 20)

    with pytest.raises(TickerTaken, match="no room"):
        client.ticker.refuse(chunks())
    assert len(sent) < 1000
    assert client.ticker.echo("good") == "good"


def test_a_source_that_fails_is_raised_to_its_owner_and_seen_as_a_lost_client(
    client: Any, ticker: Any
) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"ab"
        raise KeyError("source")

    with pytest.raises(KeyError):
        client.ticker.write(chunks())
    with ticker.changed:  # the engine must not take half for the whole
        assert ticker.changed.wait_for(lambda: ticker.interrupted == ["connection_lost"], 10)


def test_a_chunk_that_is_not_bytes_is_refused(client: Any) -> None:
    with pytest.raises(AbiError, match="bytes"):
        client.ticker.write([b"a", 3])


def test_streams_leave_no_thread_and_no_descriptor(client: Any, ticker: Any) -> None:
    list(client.ticker.watch(last=3))
    gc.collect()
    until(lambda: _stream_threads() == 0)
    before = descriptors()
    for _ in range(20):
        with client.ticker.watch() as stream:
            next(stream)
        list(client.ticker.watch(last=3))
    stream = None
    ticker.await_streams(0)
    until(lambda: _stream_threads() == 0)
    until(lambda: descriptors() <= before)


def _stalled(ticker: Any) -> bool:
    before = ticker.ticks
    threading.Event().wait(0.1)
    return bool(before and ticker.ticks == before)


def _stream_threads() -> int:
    return sum(thread.name == "abi-watch" for thread in threading.enumerate())
