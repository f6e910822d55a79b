from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import uvloop

from abi_engine.core.errors import EngineStateError, TimedOut
from abi_engine.runtime.loops import LoopThread
from tests.scale import scaled


@pytest.fixture
def loop() -> Iterator[LoopThread]:
    loop = LoopThread("abi-test")
    loop.start()
    yield loop
    loop.stop()
    gc.collect()  # a task or transport that was left behind warns now


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


async def forever() -> None:
    await asyncio.Event().wait()


async def give(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


def test_it_runs_a_coroutine_on_uvloop_in_a_thread_of_that_name(loop: LoopThread) -> None:
    async def where() -> tuple[str, bool, bool]:
        thread = threading.current_thread()
        return thread.name, thread.daemon, isinstance(asyncio.get_running_loop(), uvloop.Loop)

    assert loop.run(where()) == ("abi-test", True, True)


def test_what_a_coroutine_raises_is_raised_here(loop: LoopThread) -> None:
    async def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        loop.run(fail())


def test_a_coroutine_may_raise_a_timeout_of_its_own(loop: LoopThread) -> None:
    async def fail() -> None:
        raise TimeoutError("mine")

    with pytest.raises(TimeoutError, match="mine"):
        loop.run(fail(), timeout=10.0)


def test_what_takes_too_long_is_cancelled(loop: LoopThread) -> None:
    ended = threading.Event()

    async def slow() -> None:
        try:
            await forever()
        finally:
            ended.set()

    with pytest.raises(TimedOut, match=r"abi-test.*0\.01 s"):
        loop.run(slow(), timeout=0.01)
    assert ended.wait(10)
    assert loop.run(give(1)) == 1


def test_a_posted_call_is_made_in_the_loop(loop: LoopThread) -> None:
    made: list[str] = []
    done = threading.Event()

    def call() -> None:
        made.append(threading.current_thread().name)
        done.set()

    loop.post(call)
    assert done.wait(10)
    assert made == ["abi-test"]


def test_start_and_stop_may_be_called_twice() -> None:
    loop = LoopThread("abi-twice")
    loop.stop()
    loop.start()
    loop.start()
    assert threads().count("abi-twice") == 1
    loop.stop()
    loop.stop()
    assert "abi-twice" not in threads()


def test_it_can_be_started_again() -> None:
    loop = LoopThread("abi-again")
    for number in range(scaled(5, 200)):
        loop.start()
        assert loop.run(give(number)) == number
        loop.stop()


def test_a_loop_that_does_not_run_says_so_and_drops_what_is_posted() -> None:
    loop = LoopThread("abi-idle")
    with pytest.raises(EngineStateError, match="not running"):
        loop.run(give(1))
    loop.post(lambda: pytest.fail("nobody should call this"))
    loop.start()
    loop.stop()
    with pytest.raises(EngineStateError, match="not running"):
        loop.run(give(1))
    gc.collect()  # the coroutine is closed: no warning that it was never awaited


def test_its_own_thread_can_neither_wait_for_it_nor_stop_it(loop: LoopThread) -> None:
    async def inside() -> tuple[str, str]:
        with pytest.raises(EngineStateError) as waiting:
            loop.run(give(1))
        with pytest.raises(EngineStateError) as stopping:
            loop.stop()
        return waiting.value.message, stopping.value.message

    first, second = loop.run(inside())
    assert first == second == "loop abi-test: its own thread cannot wait for it"


def test_stop_cancels_what_runs_and_lets_it_end() -> None:
    loop = LoopThread("abi-cancel")
    loop.start()
    story: list[str] = []

    async def worker() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            story.append("cleaned up")
            raise

    async def begin() -> asyncio.Task[None]:
        task = asyncio.ensure_future(worker())
        await asyncio.sleep(0)
        return task

    task = loop.run(begin())
    loop.stop()
    assert story == ["cleaned up"]
    assert task.cancelled()


def test_stop_closes_asynchronous_generators() -> None:
    loop = LoopThread("abi-generators")
    loop.start()
    closed = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            closed.set()

    kept = numbers()

    async def first() -> int:
        return await anext(kept)

    assert loop.run(first()) == 1
    loop.stop()
    assert closed.is_set()


def test_stop_wakes_whoever_waits_for_a_result() -> None:
    loop = LoopThread("abi-wake")
    loop.start()
    begun = threading.Event()

    async def wait() -> None:
        begun.set()
        await forever()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(loop.run, wait())
        assert begun.wait(10)
        loop.stop()
        with pytest.raises(EngineStateError, match="cancelled"):
            waiting.result(10)


def test_nothing_submitted_while_it_stops_is_left_waiting() -> None:
    async def sleep() -> None:
        await asyncio.sleep(0)

    for _ in range(scaled(20, 500)):
        loop = LoopThread("abi-race")
        loop.start()
        together = threading.Barrier(9)

        def submit(loop: LoopThread, together: threading.Barrier) -> None:
            together.wait(10)
            with suppress(EngineStateError):
                for _ in range(50):
                    loop.run(sleep(), timeout=30.0)

        with ThreadPoolExecutor(8) as pool:
            done = [pool.submit(submit, loop, together) for _ in range(8)]
            together.wait(10)
            loop.stop()
            for one in done:
                one.result(10)


def test_a_task_that_refuses_to_end_is_reported_within_the_deadline() -> None:
    loop = LoopThread("abi-stubborn")
    loop.start()
    give_in, begun = threading.Event(), threading.Event()

    async def stubborn() -> None:
        while not give_in.is_set():
            with suppress(asyncio.CancelledError):
                begun.set()
                await asyncio.sleep(0.001)

    async def begin() -> asyncio.Task[None]:
        return asyncio.ensure_future(stubborn())

    task = loop.run(begin())
    assert begun.wait(10)
    with pytest.raises(TimedOut, match="abi-stubborn"):
        loop.stop(deadline=0.05)
    with pytest.raises(EngineStateError, match="still stopping"):
        loop.start()
    with pytest.raises(EngineStateError, match="not running"):
        loop.run(give(1))
    give_in.set()
    loop.stop()
    assert task.done()
    assert "abi-stubborn" not in threads()


def test_a_blocked_loop_is_reported_within_the_deadline() -> None:
    loop = LoopThread("abi-blocked")
    loop.start()
    free = threading.Event()

    def block() -> None:
        free.wait(30)

    loop.post(block)
    with pytest.raises(TimedOut):
        loop.stop(deadline=0.05)
    free.set()
    loop.stop()
    assert "abi-blocked" not in threads()


def test_two_may_stop_it_at_once() -> None:
    loop = LoopThread("abi-two")
    loop.start()
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(loop.stop) for _ in range(4)]:
            done.result(10)
    assert "abi-two" not in threads()


def test_many_threads_run_coroutines_at_once(loop: LoopThread) -> None:
    def work(number: int) -> list[int]:
        return [loop.run(give(number * 1_000 + turn), timeout=30.0) for turn in range(50)]

    with ThreadPoolExecutor(32) as pool:
        results = list(pool.map(work, range(32)))
    assert results == [[n * 1_000 + turn for turn in range(50)] for n in range(32)]


def test_an_interrupted_wait_cancels_the_call(
    loop: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    async def wait() -> None:
        try:
            await forever()
        finally:
            ended.set()

    submit = LoopThread._submit

    def interrupted(self: LoopThread, coroutine: Any) -> Any:
        future = submit(self, coroutine)

        def result(timeout: float | None = None) -> None:
            raise KeyboardInterrupt

        future.result = result  # type: ignore[method-assign]
        return future

    monkeypatch.setattr(LoopThread, "_submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        loop.run(wait())
    assert ended.wait(10)
