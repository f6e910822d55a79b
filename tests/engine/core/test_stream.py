from __future__ import annotations

import gc
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from abi_engine.core.stream import Stream


def counted(closes: list[int]) -> Stream[int]:
    return Stream(iter([1, 2, 3]), lambda: closes.append(1))


def test_it_gives_the_items_and_ends() -> None:
    with counted([]) as stream:
        assert list(stream) == [1, 2, 3]
        with pytest.raises(StopIteration):
            next(stream)


def test_leaving_its_with_closes_it() -> None:
    closes: list[int] = []
    stream = counted(closes)
    with pytest.raises(ValueError, match="x"), stream:
        raise ValueError("x")
    assert closes == [1]


def test_forgetting_it_closes_it() -> None:
    closes: list[int] = []
    stream = counted(closes)
    next(stream)
    del stream
    gc.collect()
    assert closes == [1]


def test_a_stream_that_could_not_be_built_is_forgotten_in_silence() -> None:
    with pytest.raises(TypeError):
        Stream()  # type: ignore[call-arg]
    gc.collect()


def test_it_does_not_read_ahead() -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for number in range(3):
            asked.append(number)
            yield number

    with Stream(items(), lambda: None) as stream:
        assert asked == []
        assert next(stream) == 0
        assert asked == [0]


def test_it_has_lost_nothing_unless_it_says_so() -> None:
    queue: SimpleQueue[int] = SimpleQueue()
    assert Stream(iter(()), lambda: None).lagged == 0
    lossy: Stream[int] = Stream(iter(queue.get, None), lambda: None, lambda: 7)
    assert lossy.lagged == 7
