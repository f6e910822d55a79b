"""A recording is played at any speed, and goes anywhere in its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from queue import Queue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.errors import Unavailable
from abi_tui.dashboard.app import Dashboard
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.feed import Answered, Arrived, Failed, News, Played, Query, Remembered
from abi_tui.dashboard.keeper import Keeper
from abi_tui.dashboard.player import FRAME_S, GAP_S, SPEEDS, Player, step
from abi_tui.recordings.reader import Recording
from abi_tui.recordings.writer import RecordingWriter
from tests.tui.dashboard.canned import NOW, CannedEngine, past
from tests.tui.dashboard.still import Still
from tests.tui.dashboard.test_feed import Reader, following

pytestmark = pytest.mark.slow

COUNT = 400
FIRST = NOW.timestamp() - COUNT + 1


@contextmanager
def playing(path: Path, *, at: float | None = None) -> Iterator[tuple[Player, Reader]]:
    """A recording that has begun to play."""
    player, reader = Player(Recording(path), at=at), Reader()
    player.start(reader.news.put)
    try:
        yield player, reader
    finally:
        player.close()
    assert not player._thread.is_alive()


@given(
    gaps=st.lists(st.floats(0.01, 30), min_size=1, max_size=40),
    speed=st.sampled_from(SPEEDS),
)
def test_playing_reaches_the_end_in_order_and_in_the_time_it_takes(
    gaps: list[float], speed: float
) -> None:
    moments = [0.0]
    for gap in gaps:
        moments.append(moments[-1] + gap)
    index, took = 0, 0.0
    while (found := step(moments, index, speed)) is not None:
        assert found.place > index
        assert FRAME_S <= found.wait <= GAP_S
        index, took = found.place, took + found.wait
    assert index == len(moments) - 1
    assert took <= moments[-1] / speed + FRAME_S * len(gaps)


def test_it_begins_at_its_beginning_and_plays(recorded: Path) -> None:
    with playing(recorded) as (player, reader):
        first = reader.next(Played)
        assert (first.report.at.timestamp(), first.speed) == (FIRST, 1.0)
        player.change_speed(99)
        later = reader.next(Played)
        while later.report.number < 10:
            later = reader.next(Played)
        assert later.speed == SPEEDS[-1]


def test_it_begins_where_it_was_asked_to(recorded: Path) -> None:
    with playing(recorded, at=-10.0) as (_, reader):
        assert reader.next(Played).report.number == COUNT - 10


def test_it_stands_still_at_its_end_and_goes_on_from_its_beginning(recorded: Path) -> None:
    with playing(recorded, at=-0.5) as (player, reader):
        found = reader.next(Played)
        while found.speed:
            found = reader.next(Played)
        assert found.report.number == COUNT
        assert not player.playing
        player.resume()
        found = reader.next(Played)
        assert (found.report.number, found.speed) == (1, 1.0)


def test_a_neighbour_is_shown_standing_still_and_a_minute_is_jumped(recorded: Path) -> None:
    with playing(recorded, at=FIRST + 100) as (player, reader):
        player.pause()
        while reader.next(Played).speed:
            pass
        player.move(1)
        assert reader.next(Played).report.number == 102
        player.move(-1)
        assert reader.next(Played).report.number == 101
        player.move(-60)
        assert reader.next(Played).report.number == 41
        player.move(-60)
        assert reader.next(Played).report.number == 1
        player.seek(FIRST + 300)
        assert reader.next(Played).report.number == 301


def test_the_traces_get_what_came_before_a_moment(recorded: Path) -> None:
    with playing(recorded, at=FIRST + 300) as (player, reader):
        player.pause()
        found = reader.next(Remembered)
        assert found.anew
        times = [point.at for point in found.points]
        assert times[0] <= FIRST + 60
        assert times[-1] == FIRST + 300
        player.seek(FIRST + 10)
        while reader.next(Played).report.number != 11:
            pass
    assert not any(isinstance(news, Remembered) for news in reader.news.queue), "known already"


def test_what_is_asked_of_the_past_is_answered_and_of_an_engine_refused(recorded: Path) -> None:
    with playing(recorded) as (player, reader):
        answers: Queue[int] = Queue()
        ask: Query = lambda engine: engine.system.report(at=FIRST + 7).number  # noqa: E731 - a call
        player.ask(ask, answers.put)
        answered = reader.next(Answered)
        assert answered.value == 8
        player.ask(lambda engine: engine.gateway.breakers(), answers.put)
        assert isinstance(reader.next(Failed).error, Unavailable)


def test_a_damaged_report_is_said_and_playing_goes_on(recorded: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.rec"
    data = bytearray(recorded.read_bytes())
    with Recording(recorded) as whole:
        data[whole._spots[1].start + 9] ^= 0xFF
    path.write_bytes(data)
    with playing(path) as (player, reader):
        player.pause()
        while reader.next(Played).speed:
            pass
        player.move(1)
        assert "is damaged" in reader.next(Failed).error.message
        player.move(1)
        assert reader.next(Played).report.number == 3


def test_reports_are_recorded_as_they_arrive(tmp_path: Path) -> None:
    path = tmp_path / "live.rec"
    writer = RecordingWriter(path, name="engine", interval=1.0, size=1 << 20)
    kept = past(30)
    engine = CannedEngine(kept[0], kept)
    with following(engine, record=Keeper(writer).take) as (_, reader):
        reader.next(Arrived)
        for index in (1, 20, 21):  # what was missed meanwhile the engine remembers
            engine.send(kept[index])
            reader.next(Arrived)
    writer.close()
    with Recording(path) as found:
        assert [one.at for one in found.reports()] == [one.at for one in kept[:22]]


class StillPlayer(Player):
    """A player without a thread: what is to be shown is shown at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(Recording(path))
        self.engine = CannedEngine()

    def start(self, sink: Callable[[News], None]) -> None:
        self._sink, self._playing = sink, True
        self._now()

    def _set(
        self, *, playing: bool | None = None, speed: int | None = None, index: int | None = None
    ) -> None:
        super()._set(playing=playing, speed=speed, index=index)
        self._now()

    def _now(self) -> None:
        self._show(self._index, SPEEDS[self._speed] if self._playing else 0.0)
        self._remember(self._index)

    def run(self, call: Callable[[], object], then: Callable[[object], None]) -> None:
        self._try(call, then)


def on_recording(path: Path, test: Callable[[Still], object], **facts: object) -> None:
    """Runs a coroutine with a dashboard on a recording."""

    async def inside() -> None:
        settings = Settings(recording=str(path), name=lambda: f"recording {path.name}", **facts)  # type: ignore[arg-type]
        player = StillPlayer(path)
        app = Dashboard(player, settings)
        async with app.run_test(size=(120, 40)) as pilot:
            shown = Still(app, pilot, player)  # type: ignore[arg-type]
            await shown.settle()
            await test(shown)  # type: ignore[misc]

    asyncio.run(inside())


def test_the_top_bar_says_of_when_and_how_fast(recorded: Path) -> None:
    async def test(shown: Still) -> None:
        begin = NOW - timedelta(seconds=COUNT - 1)
        assert f"REPLAY {begin:%Y-%m-%d %H:%M:%S} 1×" in shown.top
        await shown.press("greater_than_sign")
        assert "2×" in shown.top
        assert "2 seconds of the recording in one" in shown.foot
        await shown.press("space")
        assert "still" in shown.top
        await shown.press("right_curly_bracket", "full_stop")
        assert f"REPLAY {begin + timedelta(seconds=61):%Y-%m-%d %H:%M:%S} still" in shown.top
        await shown.press("space", "less_than_sign", "less_than_sign")
        assert "0.5×" in shown.top

    on_recording(recorded, test)


def test_of_a_recording_nothing_is_changed_and_nobody_is_asked(recorded: Path) -> None:
    async def test(shown: Still) -> None:
        await shown.press("d")
        assert "this is a recording: nothing can be done to it" in shown.foot
        await shown.press("enter")
        assert "same as:  abi gateway routes show" in shown.text
        await shown.press("escape", "L")
        assert "a recording has no now" in shown.foot
        await shown.press("escape")
        assert "q quits" in shown.foot

    on_recording(recorded, test)


def test_enter_on_an_event_goes_to_its_moment(recorded: Path) -> None:
    async def test(shown: Still) -> None:
        await shown.press("right_curly_bracket", "right_curly_bracket", "g", "e", "enter")
        assert f"{NOW - timedelta(seconds=COUNT - 1 - 120 + 2):%H:%M:%S}" in shown.top

    on_recording(recorded, test)


@pytest.mark.parametrize(
    ("screen", "words"),
    [
        ("logs", "a recording has reports, and no log"),
        ("config", "nothing of config is kept of the past"),
        ("limits", "nothing of limits is kept of the past"),
    ],
)
def test_what_was_not_recorded_says_so(recorded: Path, screen: str, words: str) -> None:
    async def test(shown: Still) -> None:
        assert words in shown.text

    on_recording(recorded, test, screen=screen)


def test_help_has_the_keys_of_a_recording(recorded: Path) -> None:
    async def test(shown: Still) -> None:
        await shown.press("question_mark", "pagedown")
        assert "of a recording" in shown.text
        assert "play the recording faster" in shown.text

    on_recording(recorded, test)
