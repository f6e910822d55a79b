from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from abi_engine.core.broadcast import Broadcast
from abi_engine.core.stream import Stream
from tests.engine.threads import switching_often
from tests.scale import scaled


def test_everyone_who_watches_gets_every_item_from_then_on() -> None:
    broadcast: Broadcast[int] = Broadcast()
    broadcast.send(0)
    with broadcast.watch() as first:
        broadcast.send(1)
        with broadcast.watch() as second:
            broadcast.send(2)
            assert [next(first), next(first)] == [1, 2]
            assert next(second) == 2


def test_a_slow_reader_loses_the_oldest_and_is_told_how_many() -> None:
    broadcast: Broadcast[int] = Broadcast(queue_size=3)
    with broadcast.watch() as slow, broadcast.watch() as quick:
        for number in range(10):
            broadcast.send(number)
            assert next(quick) == number
        assert (slow.lagged, quick.lagged) == (7, 0)
        assert [next(slow) for _ in range(3)] == [7, 8, 9]


def test_closing_wakes_a_waiting_reader() -> None:
    broadcast: Broadcast[int] = Broadcast()
    with ThreadPoolExecutor(2) as pool:
        streams = [broadcast.watch(), broadcast.watch()]
        waiting = [pool.submit(list, stream) for stream in streams]
        streams[0].close()
        assert waiting[0].result(10) == []
        broadcast.close()
        assert waiting[1].result(10) == []


def test_a_stream_may_be_closed_any_number_of_times_from_any_thread() -> None:
    broadcast: Broadcast[int] = Broadcast()
    stream = broadcast.watch()
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(stream.close) for _ in range(64)]:
            done.result(10)
    assert list(stream) == []


def test_a_closed_broadcast_takes_new_readers() -> None:
    broadcast: Broadcast[int] = Broadcast()
    broadcast.close()
    with broadcast.watch() as stream:
        broadcast.send(1)
        assert next(stream) == 1


def test_a_forgotten_stream_is_fed_no_more() -> None:
    broadcast: Broadcast[int] = Broadcast()
    stream = broadcast.watch()
    assert len(broadcast._readers) == 1
    del stream
    gc.collect()
    assert not broadcast._readers


def test_a_stream_collected_while_an_item_is_handed_over_does_no_harm() -> None:
    broadcast: Broadcast[int] = Broadcast()
    forgotten, kept = broadcast.watch(), broadcast.watch()

    class Collecting(frozenset[Any]):
        """Readers among whom the collector finds a forgotten stream, just as they are asked."""

        def __iter__(self) -> Iterator[Any]:
            for reader in super().__iter__():
                forgotten.close()
                yield reader

    broadcast._readers = Collecting(broadcast._readers)
    broadcast.send(1)
    broadcast.send(2)
    with kept:
        assert [next(kept), next(kept)] == [1, 2]
    assert not broadcast._readers


def test_readers_come_and_go_among_many_threads_and_those_who_stay_lose_nothing() -> None:
    items = scaled(2_000, 100_000)
    broadcast: Broadcast[int] = Broadcast(queue_size=items)
    together = Barrier(10)

    def come_and_go() -> None:
        together.wait(10)
        for _ in range(200):
            broadcast.watch().close()

    def read(stream: Stream[int]) -> list[int]:
        return [next(stream) for _ in range(items)]

    with (
        switching_often(),
        ThreadPoolExecutor(11) as pool,
        broadcast.watch() as first,
        broadcast.watch() as second,
    ):
        staying = [pool.submit(read, stream) for stream in (first, second)]
        moving = [pool.submit(come_and_go) for _ in range(9)]
        together.wait(10)
        for number in range(items):
            broadcast.send(number)
        for done in moving:
            done.result(60)
        assert [done.result(60) for done in staying] == [list(range(items))] * 2
    assert not broadcast._readers
