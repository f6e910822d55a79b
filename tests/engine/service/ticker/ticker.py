"""The ticker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from threading import Condition, Event

from abi_engine.core.errors import ConnectionLost, InvalidArguments
from abi_engine.core.feature import Context, Feature
from abi_engine.core.stream import Stream
from tests.engine.service.ticker.api import Tick, TickerApi, TickerTaken
from tests.engine.service.ticker.config import TickerConfig


class Ticker(Feature, TickerApi):
    """Implements `TickerApi`; `released` and `waiting` are for tests."""

    def __init__(self, config: TickerConfig, context: Context) -> None:
        super().__init__(context)
        self.config = config
        self.changed = Condition()
        self.released: set[str] = set()
        self.waiting: set[str] = set()
        self.interrupted: list[str] = []
        self.calls = 0
        self.ticks = 0
        self._closers: set[Event] = set()

    def echo(self, text: str, *, times: int = 1) -> str:
        if not 1 <= times <= 1000:
            raise InvalidArguments(f"times = {times}: from 1 to 1000")
        return text * times

    def blob(self, size: int) -> bytes:
        return bytes(size)

    def wait(self, name: str) -> str:
        with self.changed:
            self.waiting.add(name)
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: name in self.released, 30)
            self.waiting.discard(name)
        return name

    def release(self, name: str) -> None:
        with self.changed:
            self.released.add(name)
            self.changed.notify_all()

    def await_waiting(self, *names: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.waiting >= set(names), 10), self.waiting

    def fail(self, kind: str) -> None:
        if kind == "ours":
            raise TickerTaken("seat 3 is taken", hint="take another", seat=3, row="b", price=1.5)
        if kind == "unsendable":
            raise TickerTaken("\ud800")
        raise ZeroDivisionError(kind)

    def count(self) -> int:
        self.calls += 1
        return self.calls

    def watch(self, *, first: int = 0, last: int | None = None) -> Stream[Tick]:
        numbers = count(first) if last is None else range(first, last + 1)
        closed = self._opened()
        return Stream(self._ticks(iter(numbers), closed), lambda: self._finish(closed))

    def silence(self) -> Stream[Tick]:
        closed = self._opened()

        def nothing() -> Iterator[Tick]:
            closed.wait()
            yield from ()

        return Stream(nothing(), lambda: self._finish(closed))

    def gaps(self) -> Stream[Tick]:
        lost = 0

        def ticks() -> Iterator[Tick]:
            nonlocal lost
            for number, more in enumerate((0, 2, 5)):
                lost += more
                yield Tick(number)

        return Stream(ticks(), lambda: None, lambda: lost)

    def broken(self, after: int) -> Stream[Tick]:
        def ticks() -> Iterator[Tick]:
            yield from map(Tick, range(after))
            raise TickerTaken("no more")

        return Stream(ticks(), lambda: None)

    def write(self, chunks: Iterable[bytes]) -> int:
        with self.changed:
            self.waiting.add("write")
            self.changed.notify_all()
        try:
            return sum(len(chunk) for chunk in chunks)
        except ConnectionLost as error:
            with self.changed:
                self.interrupted.append(error.code)
                self.changed.notify_all()
            raise

    def refuse(self, chunks: Iterable[bytes]) -> int:
        raise TickerTaken("no room for anything")

    def open_streams(self) -> int:
        return len(self._closers)

    def await_streams(self, number: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self._closers) == number, 10), self._closers

    def _opened(self) -> Event:
        closed = Event()
        with self.changed:
            self._closers.add(closed)
            self.changed.notify_all()
        return closed

    def _finish(self, closed: Event) -> None:
        closed.set()
        with self.changed:
            self._closers.discard(closed)
            self.changed.notify_all()

    def _ticks(self, numbers: Iterator[int], closed: Event) -> Iterator[Tick]:
        for number in numbers:
            if closed.is_set():
                return
            self.ticks += 1
            yield Tick(number)

    def _close(self, deadline: float) -> None:
        for closed in tuple(self._closers):
            self._finish(closed)
