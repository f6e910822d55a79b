"""Brings reports from the engine in a thread of its own, so that a busy engine freezes no screen.

Refuses to poll: it reads one stream, and none at all while the dashboard is paused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from abi_engine.core.errors import AbiError, ConnectionLost, InternalError, NotFound
from abi_engine.core.stream import Stream
from abi_engine.features.gateway.api import GatewayReport
from abi_engine.system import Report
from abi_tui.dashboard.history import Point
from abi_tui.dashboard.tail import Logged, Tail
from abi_tui.views import overview

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi

RETRY_S = 1.0
GAP_S = 2.5
FILL_S = 240.0
CHUNK = 30

Query = Callable[["EngineApi"], object]
Open = Callable[[], AbstractContextManager["EngineApi"]]


class Arrived(NamedTuple):
    """A report, and what the page in sight asked for along with it."""

    report: Report
    answer: object = None


class Remembered(NamedTuple):
    """Points of the past; `anew` where they take the place of those that were known."""

    points: tuple[Point, ...]
    anew: bool = False


class Lost(NamedTuple):
    """No engine, and why; it is tried again."""

    error: AbiError


class Answered(NamedTuple):
    """What a call came to; `then` is to be called with it."""

    then: Callable[[Any], None]
    value: object


class Failed(NamedTuple):
    """A call that did not succeed."""

    error: AbiError


class Unrecorded(NamedTuple):
    """A report could not be recorded, and why; no more of them will be."""

    error: AbiError


class Played(NamedTuple):
    """A report out of a recording, and how it is played.

    Attributes:
        report: of the moment.
        speed: how many seconds of it pass in one; 0 where it stands still.
    """

    report: Report
    speed: float


News = Arrived | Remembered | Lost | Answered | Failed | Logged | Unrecorded | Played
Record = Callable[["EngineApi", Report], None]


class Feed:
    """Reads an engine's reports and hands them on.

    Args:
        open_engine: reaches the engine; called anew after each loss.
        interval: seconds between reports.
        retry: seconds between attempts to reach the engine.
        record: keeps each report.
    """

    def __init__(
        self,
        open_engine: Open,
        *,
        interval: float = 1.0,
        retry: float = RETRY_S,
        record: Record | None = None,
    ) -> None:
        self._open = open_engine
        self._sink: Callable[[News], None] = lambda _: None
        self._interval = interval
        self._retry = retry
        self._record = record
        self._tail = Tail(lambda news: self._sink(news))
        self._tailing = False
        self._query: Query | None = None
        self._changed = Condition()
        self._paused = False
        self._closed = False
        self._engine: EngineApi | None = None
        self._stream: Stream[Report] | None = None
        self._known_until = 0.0
        self._thread = Thread(target=self._run, name="abi-feed", daemon=True)

    def start(self, sink: Callable[[News], None]) -> None:
        """Begin; `sink` takes the news, in the threads of the feed."""
        self._sink = sink
        self._thread.start()

    def close(self, deadline: float = 2.0) -> None:
        """End; the engine is left as it is."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._tail.stop()
        self._end_stream()
        if self._thread.ident is not None:  # it was started
            self._thread.join(deadline)

    def pause(self) -> None:
        """Close the stream: from now on nothing is sent and nothing computed."""
        with self._changed:
            self._paused = True
        self._tail.stop()
        self._end_stream()

    def resume(self) -> None:
        """Open it again; the traces get what was missed."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def set_interval(self, seconds: float) -> None:
        """Another number of seconds between reports."""
        if seconds != self._interval:
            self._interval = seconds
            self._end_stream()

    def set_query(self, query: Query | None) -> None:
        """What to ask the engine along with each report."""
        self._query = query

    def tail(self, wanted: bool) -> None:
        """Whether somebody looks at the log: its lines are told while there is one."""
        if wanted == self._tailing:
            return
        self._tailing = wanted
        engine = self._engine
        if not wanted:
            self._tail.stop(forget=True)
        elif engine is not None and not self._paused:
            self._tail.follow(engine)

    def ask(self, call: Query, then: Callable[[Any], None]) -> None:
        """Call the engine in a thread of its own; `then` gets the answer through the sink."""
        Thread(target=self._answer, args=(call, then), name="abi-call", daemon=True).start()

    def run(self, call: Callable[[], object], then: Callable[[Any], None]) -> None:
        """The same for a call that needs no engine."""
        Thread(target=self._try, args=(call, then), name="abi-call", daemon=True).start()

    def _answer(self, call: Query, then: Callable[[Any], None]) -> None:
        def asked() -> object:
            engine = self._engine
            if engine is None:
                raise ConnectionLost("no engine to ask", hint="it is being looked for")
            return call(engine)

        self._try(asked, then)

    def _try(self, call: Callable[[], object], then: Callable[[Any], None]) -> None:
        try:
            answer = call()
        except AbiError as error:
            self._sink(Failed(error))
        except Exception as error:  # noqa: BLE001 - a defect is said, rather than lost in a thread
            self._sink(Failed(defect(error)))
        else:
            self._sink(Answered(then, answer))

    def _run(self) -> None:
        while not self._closed:
            try:
                with self._open() as engine:
                    self._engine = engine
                    self._follow(engine)
            except AbiError as error:
                self._lose(error)
            except Exception as error:  # noqa: BLE001 - a defect is said, rather than ending the feed
                self._lose(defect(error))
        self._engine = None

    def _lose(self, error: AbiError) -> None:
        self._engine = None
        self._tail.stop()
        if not self._closed:
            self._sink(Lost(error))
            self._rest()

    def _rest(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, timeout=self._retry)

    def _follow(self, engine: EngineApi) -> None:
        while self._wait_until_wanted():
            interval = self._interval
            with engine.system.watch(interval=interval) as stream:
                self._stream = stream
                for report in stream:
                    if not self._live(interval):
                        break
                    self._hand_on(engine, report)
            self._stream = None
            if self._live(interval):
                raise ConnectionLost("the engine ended the stream of reports")

    def _wait_until_wanted(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._paused)
        return not self._closed

    def _live(self, interval: float) -> bool:
        return not self._closed and not self._paused and interval == self._interval

    def _hand_on(self, engine: EngineApi, report: Report) -> None:
        query = self._query
        answer = None
        if query is not None:
            with suppress(AbiError):  # what is asked about may be gone; the report tells
                answer = query(engine)
        if not self._paused:
            self._follow_log(engine)
            self._sink(Arrived(report, answer))
        self._keep(engine, report)
        until = report.at.timestamp()
        if until - self._known_until > GAP_S:
            for points in past(engine, max(self._known_until, until - FILL_S), until):
                if self._closed:
                    return
                self._sink(Remembered(points))
        self._known_until = until

    def _follow_log(self, engine: EngineApi) -> None:
        if self._tailing:
            self._tail.follow(engine)
            self._tail.flush()

    def _keep(self, engine: EngineApi, report: Report) -> None:
        if self._record is not None:
            try:
                self._record(engine, report)
            except AbiError as error:
                self._sink(Unrecorded(error))

    def _end_stream(self) -> None:
        stream = self._stream
        if stream is not None:
            stream.close()


def defect(error: Exception) -> AbiError:
    """What is not an error of the family, as one that can be said."""
    return InternalError(f"{type(error).__name__}: {error}", hint="this is a defect of abi")


def past(engine: EngineApi, since: float, until: float) -> Iterator[tuple[Point, ...]]:
    """The points from `since` to `until`, oldest first, a few at a time."""
    points: list[Point] = []
    with engine.system.reports(since=number_before(engine, since)) as stream:
        for report in stream:
            points.append(point(report))
            if points[-1].at >= until:
                break
            if len(points) == CHUNK:
                yield tuple(points)
                points = []
    if points:
        yield tuple(points)


def first_after(engine: EngineApi, at: float) -> Report | None:
    """The first kept report that is not older than a moment; None where none is."""
    with engine.system.reports(since=number_before(engine, at), limit=1) as stream:
        return next(stream, None)


def number_before(engine: EngineApi, at: float) -> int:
    """The number of the last report before a moment; 0 where none so old is kept."""
    try:
        return engine.system.report(at=at).number
    except NotFound:
        return 0


def point(report: Report) -> Point:
    """What the traces keep of a report."""
    tiles = overview.tiles(report.of("gateway", GatewayReport))
    return Point(report.at.timestamp(), overview.values(tiles))
