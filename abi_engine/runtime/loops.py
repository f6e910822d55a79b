"""An event loop in a thread of its own. Refuses to leave a task, a timer or a thread behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, TypeVar

import uvloop

from abi_engine.core.clock import Clock, SystemClock
from abi_engine.core.errors import EngineStateError, TimedOut

T = TypeVar("T")


class LoopThread:
    """A uvloop event loop in a daemon thread, between `start` and `stop`; both may be called twice.

    Any thread may call it. After `stop` it may be started again, with a new loop.

    Args:
        name: of the thread, `abi-data` or `abi-control`.
        clock: measures the deadline of `stop`.
    """

    def __init__(self, name: str, *, clock: Clock | None = None) -> None:
        self._name = name
        self._clock = clock or SystemClock()
        self._life = threading.Lock()  # one start or stop at a time
        self._gate = threading.Lock()  # what is submitted before it closes is run or cancelled
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None  # None: no more work is taken
        self._end = asyncio.Event()

    def start(self) -> None:
        """Returns when the loop runs.

        Raises:
            EngineStateError: an earlier `stop` has not succeeded.
        """
        with self._life:
            if self._loop is not None:
                return
            if self._thread is not None:
                raise EngineStateError(f"loop {self._name}: still stopping")
            runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
            loop = runner.get_loop()
            running, self._end = threading.Event(), asyncio.Event()
            live = partial(_live, runner, self._end, running)
            thread = threading.Thread(target=live, name=self._name, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads
                runner.close()
                raise
            running.wait()
            self._thread, self._loop = thread, loop

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run it in the loop and wait for its result; its exception is raised here.

        Raises:
            TimedOut: not done within `timeout` seconds; it is cancelled then.
            EngineStateError: the loop does not run, this is its own thread, or the call was
                cancelled because the loop stopped.
        """
        try:
            future = self._submit(coroutine)
        except EngineStateError:
            coroutine.close()
            raise
        try:
            return future.result(timeout)
        except TimeoutError:
            if not future.cancel():
                return future.result()  # done just now, or with a TimeoutError of its own
            raise TimedOut(f"loop {self._name}: no result within {timeout} s") from None
        except CancelledError:
            raise EngineStateError(f"loop {self._name}: the call was cancelled") from None
        finally:
            future.cancel()  # when waiting for it was interrupted; else it is done

    def post(self, call: Callable[[], None]) -> None:
        """Have the loop make a call soon; does nothing when the loop is not running."""
        with self._gate:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call)

    def stop(self, deadline: float = 10.0) -> None:
        """Cancel what still runs, let it end, stop the loop, join the thread within `deadline`
        seconds.

        Raises:
            TimedOut: something does not end. It may be stopped again later, and takes no work.
            EngineStateError: this is the loop's own thread.
        """
        self._refuse_own_thread()
        latest = self._clock.monotonic() + deadline
        if not self._life.acquire(timeout=max(deadline, 0)):
            raise self._late(deadline)
        try:
            self._close_gate()
            if self._thread is None:
                return
            self._thread.join(max(latest - self._clock.monotonic(), 0))
            if self._thread.is_alive():
                raise self._late(deadline)
            self._thread = None
        finally:
            self._life.release()

    def _submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        self._refuse_own_thread()
        with self._gate:
            if self._loop is None:
                raise EngineStateError(f"loop {self._name}: not running")
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _close_gate(self) -> None:
        with self._gate:
            loop, self._loop = self._loop, None
            if loop is not None:
                loop.call_soon_threadsafe(self._end.set)

    def _refuse_own_thread(self) -> None:
        if threading.current_thread() is self._thread:
            raise EngineStateError(f"loop {self._name}: its own thread cannot wait for it")

    def _late(self, deadline: float) -> TimedOut:
        return TimedOut(f"loop {self._name}: still busy {deadline:g} s after it was told to stop")


def _live(runner: asyncio.Runner, end: asyncio.Event, running: threading.Event) -> None:
    """The life of the thread: leaving the runner cancels tasks and closes generators and loop."""

    async def until_end() -> None:
        running.set()
        await end.wait()

    with runner:
        runner.run(until_end())
