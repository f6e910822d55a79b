from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import click
import pytest

from abi_engine.core.events import Event
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer
from abi_tui.cli.watching import HOME_AND_CLEAR, each, every_second, show_or_watch
from abi_tui.views.events import event_row, events_table

AT = datetime(2026, 11, 22, 12, 4, 11, tzinfo=UTC)


class _Enough(Exception):
    pass


def _event(number: int) -> Event:
    return Event(number, AT, "gateway", "breaker_opened", f"event {number}")


def _answers() -> Callable[[], Answer]:
    numbers = iter(range(1, 100))

    def answer() -> Answer:
        events = (_event(next(numbers)),)
        return Answer("engine.events/1", events, events_table(events), AT)

    return answer


def _pause(times: int) -> Callable[[float], None]:
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        assert seconds == 1.0
        if len(waited) == times:
            raise _Enough

    return pause


def _watched(wanted: Format, times: int = 2) -> None:
    invocation = Invocation()
    invocation.format = wanted
    with pytest.raises(_Enough):
        every_second(invocation, _answers(), pause=_pause(times))


@pytest.mark.parametrize("wanted", [Format.JSON, Format.JSONL])
def test_json_is_one_document_a_line_and_a_second(
    capsys: pytest.CaptureFixture[str], wanted: Format
) -> None:
    _watched(wanted)
    documents = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [one["schema"] for one in documents] == ["abi.engine.events/1"] * 2
    assert [one["data"][0]["id"] for one in documents] == [1, 2]


def test_in_a_pipe_each_table_follows_the_one_before(capsys: pytest.CaptureFixture[str]) -> None:
    _watched(Format.TABLE)
    out = capsys.readouterr().out
    assert out.count("time UTC") == 2
    assert "\x1b" not in out


def test_on_a_terminal_the_table_is_drawn_again_and_never_longer_than_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("LINES", "3")
    monkeypatch.setenv("COLUMNS", "80")
    rows = tuple(map(_event, range(1, 50)))
    answer = Answer("engine.events/1", rows, events_table(rows), AT)
    with pytest.raises(_Enough):
        every_second(Invocation(), lambda: answer, pause=_pause(2))
    frames = terminal.getvalue().split(HOME_AND_CLEAR)[1:]
    assert len(frames) == 2
    assert {frame.count("\n") for frame in frames} == {2}


def test_csv_cannot_go_on() -> None:
    invocation = Invocation()
    invocation.format = Format.CSV
    with pytest.raises(click.UsageError, match="--jsonl has"):
        every_second(invocation, _answers())


def test_the_past_does_not_go_on() -> None:
    with pytest.raises(click.UsageError, match="exclude each other"):
        show_or_watch(Invocation(), _answers(), watch=True, at=-5.0)


def _each(wanted: Format, lagged: Callable[[], int] = lambda: 0) -> None:
    invocation = Invocation()
    invocation.format = wanted
    each(invocation, map(_event, (1, 2)), event_row, (8, 8, 0), lagged)


def test_events_that_come_are_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    _each(Format.TABLE)
    assert capsys.readouterr().out.splitlines() == [
        "12:04:11  gateway   event 1",
        "12:04:11  gateway   event 2",
    ]


def test_events_that_come_are_an_object_a_line_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    _each(Format.JSONL)
    assert [json.loads(text)["id"] for text in capsys.readouterr().out.splitlines()] == [1, 2]


def test_events_that_come_have_one_header_in_csv(capsys: pytest.CaptureFixture[str]) -> None:
    _each(Format.CSV)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("id,at,source,kind,message")


def test_events_that_were_lost_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    lost = iter((3, 3, 3, 3, 3, 3))
    _each(Format.TABLE, lambda: next(lost))
    assert capsys.readouterr().err == "abi: warning: 3 were lost: this end was too slow\n"
