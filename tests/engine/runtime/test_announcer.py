from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest

from abi_engine.runtime.announcer import Announcer
from tests.engine.threads import together
from tests.scale import scaled


def test_items_arrive_in_the_order_in_which_they_were_put() -> None:
    told: list[int] = []
    announcer = Announcer(told.append)
    for number in range(5):
        announcer.put(number)
    assert told == []
    announcer.announce()
    assert told == [0, 1, 2, 3, 4]


def test_an_item_put_while_another_is_told_comes_after_it() -> None:
    told: list[str] = []

    def receive(item: str) -> None:
        told.append(f"begin {item}")
        if item == "first":
            announcer.put("second")
            announcer.announce()
        told.append(f"end {item}")

    announcer = Announcer(receive)
    announcer.put("first")
    announcer.announce()
    assert told == ["begin first", "end first", "begin second", "end second"]


def test_no_thread_waits_for_another_ones_call() -> None:
    entered, leave = Event(), Event()
    told: list[int] = []

    def receive(item: int) -> None:
        if item == 1:
            entered.set()
            assert leave.wait(10)
        told.append(item)

    announcer = Announcer(receive)
    announcer.put(1)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(announcer.announce)
        assert entered.wait(10)
        announcer.put(2)
        announcer.announce()  # returns at once and leaves the item to the other
        assert told == []
        leave.set()
        slow.result(10)
    assert told == [1, 2]


def test_an_item_put_just_before_the_turn_is_given_up_is_not_left_behind() -> None:
    told: list[int] = []
    announcer = Announcer(told.append)

    class Turn:
        """A lock in whose last moment somebody comes, and finds it taken."""

        def __init__(self) -> None:
            self._lock = Lock()
            self._visited = False

        def acquire(self, *, blocking: bool) -> bool:
            return self._lock.acquire(blocking=blocking)

        def release(self) -> None:
            if not self._visited:
                self._visited = True
                announcer.put(2)
                announcer.announce()
                assert told == [1]
            self._lock.release()

    announcer._turn = Turn()  # type: ignore[assignment]
    announcer.put(1)
    announcer.announce()
    assert told == [1, 2]


def test_what_the_receiver_raises_comes_out_and_loses_only_that_item() -> None:
    told: list[int] = []

    def receive(item: int) -> None:
        if item == 1:
            raise ValueError(item)
        told.append(item)

    announcer = Announcer(receive)
    for number in range(3):
        announcer.put(number)
    with pytest.raises(ValueError, match="1"):
        announcer.announce()
    announcer.announce()
    assert told == [0, 2]


def test_among_many_threads_every_item_arrives_once_in_order_and_one_at_a_time() -> None:
    told: list[int] = []
    deciding, busy = Lock(), Lock()
    count = 0

    def receive(item: int) -> None:
        assert busy.acquire(blocking=False)
        told.append(item)
        busy.release()

    announcer = Announcer(receive)

    def work(_: int) -> None:
        nonlocal count
        for _ in range(scaled(200, 20_000)):
            with deciding:
                announcer.put(count)
                count += 1
            announcer.announce()

    together(16, work)
    assert told == list(range(count))
    assert count == 16 * scaled(200, 20_000)
