"""`abi dashboard` without a screen: what each screen shows, now, then, or as it was recorded."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from abi_engine.engine import Engine
from abi_tui.cli.commands.dashboard import SCREENS
from abi_tui.cli.exits import Exit
from abi_tui.cli.glance import COMMANDS, REPORTED
from abi_tui.recordings.writer import RecordingWriter
from tests.tui.cli.conftest import Call
from tests.tui.dashboard.canned import NOW, past


@pytest.fixture
def recorded(tmp_path: Path) -> str:
    path = tmp_path / "night.rec"
    writer = RecordingWriter(path, name="engine", interval=1.0, size=1 << 30)
    for report in past(60):
        writer.add(report)
    writer.close()
    return str(path)


@pytest.mark.parametrize("screen", SCREENS)
def test_every_screen_is_printed_for_people_and_for_programs(
    abi: Call, engine: Engine, screen: str
) -> None:
    engine.gateway.stats()
    plain = abi("dashboard", "--once", "--screen", screen, "--plain")
    assert plain.code == 0
    assert (plain.out or plain.err).strip()
    found = abi("dashboard", "--once", "--screen", screen, "--json")
    assert found.code == 0
    assert json.loads(found.out)["schema"].startswith("abi.")


@pytest.mark.parametrize("screen", REPORTED)
def test_a_recording_is_printed_without_an_engine(abi: Call, recorded: str, screen: str) -> None:
    said = abi("dashboard", "--once", "--replay", recorded, "--screen", screen, "--plain")
    assert said.code == 0
    assert "▲ 1 breaker open" in said.out
    found = abi("dashboard", "--once", "--replay", recorded, "--screen", screen, "--json")
    assert json.loads(found.out)["at"] == f"{NOW:%Y-%m-%dT%H:%M:%S.000Z}"


def test_a_recording_is_printed_as_it_was_then(abi: Call, recorded: str) -> None:
    then = NOW - timedelta(seconds=20)
    for at in ("-20s", f"{then:%Y-%m-%dT%H:%M:%SZ}"):
        said = abi("dashboard", "--once", "--replay", recorded, "--at", at, "--json")
        assert json.loads(said.out)["at"] == f"{then:%Y-%m-%dT%H:%M:%S.000Z}"
    said = abi("dashboard", "--once", "--replay", recorded, "--at", "-5m")
    assert (said.code, said.out) == (Exit.NOT_FOUND, "")
    assert "the recording begins later" in said.err


@pytest.mark.parametrize("screen", COMMANDS)
def test_of_the_past_only_reports_are_kept(abi: Call, recorded: str, screen: str) -> None:
    said = abi("dashboard", "--once", "--screen", screen, "--replay", recorded)
    assert said.code == Exit.USAGE
    assert f"of the past no {screen} is kept" in said.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--record", "x", "--once"), "--record and --once exclude each other"),
        (("--record", "x", "--replay", "y"), "--record and --replay exclude each other"),
        (("--at", "-5m"), "--at needs --once or --replay"),
    ],
)
def test_flags_that_cannot_both_be_meant_are_refused(
    abi: Call, flags: tuple[str, ...], words: str
) -> None:
    said = abi("dashboard", *flags)
    assert said.code == Exit.USAGE
    assert words in said.err


def test_a_recording_that_is_not_there_is_one_clear_line(abi: Call, tmp_path: Path) -> None:
    said = abi("dashboard", "--once", "--replay", str(tmp_path / "gone.rec"))
    assert said.code == Exit.NOT_FOUND
    assert "no file" in said.err
    other = tmp_path / "letter.txt"
    other.write_text("dear mother, " * 9)
    said = abi("dashboard", "--once", "--replay", str(other))
    assert said.code == Exit.USAGE
    assert "no recording" in said.err
