"""Plays a recording: brings its reports as a feed brings those of an engine, at any speed.

Refuses to ask anybody: no engine is needed, and none is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from abi_engine.core.errors import AbiError
from abi_tui.dashboard.feed import (
    FILL_S,
    Answered,
    Failed,
    News,
    Played,
    Query,
    Remembered,
    defect,
    point,
)
from abi_tui.dashboard.history import KEPT_S
from abi_tui.recordings.reader import RecordedEngine, Recording

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
NORMAL = SPEEDS.index(1.0)
FRAME_S = 0.1
GAP_S = 2.0
PASSED_OVER = 1000


class Step(NamedTuple):
    """What comes next: which report, and after how many seconds."""

    place: int
    wait: float


def step(moments: Sequence[float], index: int, speed: float) -> Step | None:
    """The report after `index` when playing at a speed; None at the end.

    Where they would come faster than they can be looked at, some are passed over; a gap in the
    recording takes no longer than two seconds.
    """
    if index + 1 >= len(moments):
        return None
    wait = (moments[index + 1] - moments[index]) / speed
    if wait >= FRAME_S:
        return Step(index + 1, min(wait, GAP_S))
    until = moments[index] + FRAME_S * speed
    found = index + 1
    while found + 1 < len(moments) and moments[found + 1] <= until:
        found += 1
    return Step(found, FRAME_S)


class Player:
    """A feed of a recording; see `core.FeedApi`.

    Args:
        recording: what is played.
        at: where it begins: seconds since the epoch, or, negative, before its end; None means at
            its beginning.
    """

    def __init__(self, recording: Recording, *, at: float | None = None) -> None:
        self._recording = recording
        self._engine = cast("EngineApi", RecordedEngine(recording))
        self._sink: Callable[[News], None] = lambda _: None
        moments = recording.moments
        wanted = moments[0] if at is None else at if at >= 0 else moments[-1] + at
        self._index = recording.place(wanted)
        self._speed = NORMAL
        self._playing = False
        self._moved = False
        self._closed = False
        self._known = 0, -1 - PASSED_OVER
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="abi-player", daemon=True)

    def start(self, sink: Callable[[News], None]) -> None:
        """Begin; `sink` takes the news, in the threads of the player."""
        self._sink = sink
        self._playing = True
        self._thread.start()

    def close(self, deadline: float = 2.0) -> None:
        """End."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(deadline)
        self._recording.close()

    @property
    def playing(self) -> bool:
        """Whether it goes on by itself."""
        return self._playing

    def pause(self) -> None:
        """Stand still."""
        self._set(playing=False)

    def resume(self) -> None:
        """Go on; from its end, from the beginning."""
        at_end = self._index + 1 >= len(self._recording.moments)
        self._set(playing=True, index=0 if at_end else None)

    def change_speed(self, steps: int) -> float:
        """Play faster or more slowly; tell how fast."""
        speed = max(0, min(self._speed + steps, len(SPEEDS) - 1))
        self._set(speed=speed)
        return SPEEDS[speed]

    def seek(self, at: float) -> None:
        """Move to the first report that is not older than a moment."""
        self._set(index=self._recording.place(at))

    def move(self, seconds: int) -> None:
        """Move by seconds; by one means to the neighbouring report, standing still there."""
        moments = self._recording.moments
        if abs(seconds) == 1:
            self._set(playing=False, index=self._index + seconds)
        else:
            self._set(index=self._recording.place(moments[self._index] + seconds))

    def set_interval(self, seconds: float) -> None:
        """Nothing: a recording has its own."""

    def set_query(self, query: Query | None) -> None:
        """Nothing: nobody is there to be asked along with a report."""

    def tail(self, wanted: bool) -> None:
        """Nothing: there is no log."""

    def ask(self, call: Query, then: Callable[[Any], None]) -> None:
        """Ask the recording in place of an engine."""
        self.run(lambda: call(self._engine), then)

    def run(self, call: Callable[[], object], then: Callable[[Any], None]) -> None:
        """Call in a thread of its own; `then` gets the answer through the sink."""
        Thread(target=self._try, args=(call, then), name="abi-call", daemon=True).start()

    def _set(
        self, *, playing: bool | None = None, speed: int | None = None, index: int | None = None
    ) -> None:
        with self._changed:
            self._playing = self._playing if playing is None else playing
            self._speed = self._speed if speed is None else speed
            if index is not None:
                self._index = max(0, min(index, len(self._recording.moments) - 1))
            self._moved = True
            self._changed.notify_all()

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
            with self._changed:
                index, speed = self._index, SPEEDS[self._speed] if self._playing else 0.0
                self._moved = False
            self._show(index, speed)
            self._remember(index)
            with self._changed:
                self._await_next(index)

    def _await_next(self, index: int) -> None:
        """Wait until something else is to be shown, and go there; with the lock held."""
        found = step(self._recording.moments, index, SPEEDS[self._speed]) if self._playing else None
        if self._playing and found is None:  # the end: show that it stands still there
            self._playing = False
            return
        wait = found.wait if found is not None else None
        if not self._changed.wait_for(lambda: self._moved or self._closed, wait) and found:
            self._index = found.place

    def _show(self, index: int, speed: float) -> None:
        try:
            self._sink(Played(self._recording.read(index), speed))
        except AbiError as error:
            self._sink(Failed(error))

    def _remember(self, index: int) -> None:
        """Give the traces what comes before a moment, as far as they lack it."""
        moments, place = self._recording.moments, self._recording.place
        first, (known, until) = place(moments[index] - FILL_S), self._known
        anew = first < known or not known <= index <= until + PASSED_OVER
        begin = place(moments[index] - 2 * FILL_S) if anew else until + 1
        if begin < index:
            found = self._recording.reports(since=begin, limit=index - begin + 1)
            self._sink(Remembered(tuple(map(point, found)), anew))
        known, until = (begin, index) if anew else (known, max(until, index))
        self._known = max(known, place(moments[until] - KEPT_S)), until
