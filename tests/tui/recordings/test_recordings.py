"""A recording is written as reports arrive, and read as the past of an engine."""

from __future__ import annotations

import os
import random
import stat
import zlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.core.errors import (
    AlreadyExists,
    EngineBusy,
    InvalidArguments,
    NotFound,
    Unavailable,
)
from abi_engine.system import Report
from abi_engine.version import VERSION
from abi_tui.recordings import writer as writing
from abi_tui.recordings.frames import MAGIC, Header, frame
from abi_tui.recordings.reader import RecordedEngine, Recording
from abi_tui.recordings.writer import LEAST_SIZE, RecordingWriter
from tests.tui.dashboard.canned import NOW, gateway_report, report

FIRST = NOW.timestamp()


def made(count: int, *, start: int = 0) -> list[Report]:
    """Reports a second apart, each another one."""
    moments = [(number, NOW + timedelta(seconds=number)) for number in range(start, start + count)]
    return [report(n, at, gateway=gateway_report(at, routes=3, wave=n)) for n, at in moments]


def record(path: Path, reports: list[Report], *, size: int = 1 << 30) -> None:
    writer = RecordingWriter(path, name="engine", interval=1.0, size=size)
    for one in reports:
        writer.add(one)
    writer.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "night.rec"


def test_what_was_recorded_is_read(path: Path) -> None:
    record(path, made(5))
    with Recording(path) as found:
        assert [one.at for one in found.reports()] == [one.at for one in made(5)]
        assert [one.number for one in found.reports()] == [1, 2, 3, 4, 5]
        assert found.report().engine == made(5)[-1].engine
        assert found.report().features == made(5)[-1].features
        assert found.report().events == made(5)[-1].events
        assert (found.header.version, found.header.interval_s) == (VERSION, 1.0)


def test_a_moment_is_that_of_the_report_nearest_before_it(path: Path) -> None:
    record(path, made(5))
    with Recording(path) as found:
        assert found.report(at=FIRST + 2.7).number == 3
        assert found.report(at=FIRST + 99).number == 5
        assert found.report(at=-2.0).number == 3
        with pytest.raises(NotFound, match="begins later, at 2026-11-22T12:04:41"):
            found.report(at=FIRST - 1)
        assert [one.number for one in found.reports(since=3, limit=9)] == [4, 5]
        assert found.place(FIRST + 2) == 2
        assert found.place(FIRST + 2.1) == 3
        assert found.place(FIRST + 99) == 4


def test_a_recording_is_continued_and_nothing_is_told_twice(path: Path) -> None:
    record(path, made(5))
    record(path, made(6, start=2))
    with Recording(path) as found:
        assert [one.at for one in found.reports()] == [one.at for one in made(8)]


@pytest.mark.parametrize("lost", [1, 7, 300])
def test_a_file_that_lost_its_end_has_lost_only_that(path: Path, lost: int) -> None:
    record(path, made(5))
    os.truncate(path, path.stat().st_size - lost)
    with Recording(path) as found:
        assert [one.number for one in found.reports()] == [1, 2, 3, 4]
    record(path, made(2, start=5))
    with Recording(path) as found:
        assert [one.at for one in found.reports()] == [
            one.at for one in (*made(4), *made(2, start=5))
        ]


def test_a_damaged_report_is_said_and_the_others_are_read(path: Path) -> None:
    record(path, made(5))
    data = bytearray(path.read_bytes())
    with Recording(path) as found:
        middle = found._spots[2]
    data[middle.start + 20] ^= 0xFF
    path.write_bytes(data)
    with Recording(path) as found:
        assert [one.number for one in found.reports()] == [1, 2, 4, 5]
        with pytest.raises(Unavailable, match=r"12:04:43.*is damaged"):
            found.read(2)


def test_a_report_of_another_form_is_said(path: Path) -> None:
    record(path, made(1))
    strange = msgspec.structs.replace(
        made(2)[1], features={"gateway": msgspec.Raw(msgspec.msgpack.encode({"listening": 7}))}
    )
    with path.open("ab") as file:
        file.write(frame(strange.at.timestamp(), strange))
    with Recording(path) as found:
        assert found.read(0).number == 1
        with pytest.raises(Unavailable, match="of another form"):
            found.read(1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no recording"),
        (b"GIF89a and so on, for long enough", "no recording"),
        (b"abi-recording/9\nwhatever", "form 9; this version reads form 1"),
        (MAGIC, "header is damaged"),
        (MAGIC + b"\xff" * 64, "header is damaged"),
    ],
)
def test_what_is_no_recording_is_one_clear_line(path: Path, data: bytes, words: str) -> None:
    path.write_bytes(data)
    with pytest.raises(InvalidArguments, match=words):
        Recording(path)


def test_a_recording_without_a_report_says_so(path: Path) -> None:
    record(path, [])
    with pytest.raises(InvalidArguments, match="holds no report"):
        Recording(path)


def test_a_file_that_is_not_there_or_is_a_directory_is_one_clear_line(path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        Recording(path)
    path.mkdir()
    with pytest.raises(Unavailable, match="cannot read"):
        Recording(path)
    with pytest.raises(Unavailable, match="cannot record to"):
        record(path, [])


def test_a_file_of_somebody_else_is_not_written_to(path: Path) -> None:
    path.write_text("a letter to my mother, which nobody may overwrite")
    with pytest.raises(AlreadyExists, match="is no recording"):
        record(path, made(1))
    assert path.read_text().startswith("a letter")


def test_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable):
        record(path, made(1))
    assert not (tmp_path / "elsewhere").exists()


def test_two_do_not_write_to_one_file(path: Path) -> None:
    writer = RecordingWriter(path, name="engine", interval=1.0, size=1 << 20)
    with pytest.raises(EngineBusy, match="by somebody else"):
        record(path, made(1))
    writer.close()
    record(path, made(1))


def test_only_its_owner_may_read_it(path: Path) -> None:
    record(path, made(1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_does_not_grow_without_end_and_keeps_the_newest(path: Path) -> None:
    whole = made(400)
    record(path, whole, size=LEAST_SIZE)
    assert path.stat().st_size <= LEAST_SIZE + 10_000
    with Recording(path) as found:
        kept = [one.at for one in found.reports()]
    assert 10 < len(kept) < 400
    assert kept == [one.at for one in whole][-len(kept) :]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_it_can_be_read_while_it_is_written(path: Path) -> None:
    writer = RecordingWriter(path, name="engine", interval=1.0, size=1 << 20)
    for count, one in enumerate(made(4), 1):
        writer.add(one)
        with Recording(path) as found:
            assert len(found.moments) == count
    writer.close()


def test_a_full_disk_leaves_no_half_of_a_report(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = RecordingWriter(path, name="engine", interval=1.0, size=1 << 20)
    writer.add(made(1)[0])
    write = os.write
    monkeypatch.setattr(writing.os, "write", lambda file, data: write(file, data[:100]))
    with pytest.raises(Unavailable, match="No space left"):
        writer.add(made(2)[1])
    monkeypatch.undo()
    writer.add(made(3)[2])
    writer.close()
    with Recording(path) as found:
        assert [one.at for one in found.reports()] == [made(1)[0].at, made(3)[2].at]


def test_a_bomb_is_not_unpacked(path: Path) -> None:
    record(path, made(1))
    size = path.stat().st_size
    packed = zlib.compress(b"\0" * (65 << 20), 9)
    head = frame(FIRST + 1, made(2)[1])[:16]
    forged = (
        len(packed).to_bytes(4, "big") + zlib.crc32(packed).to_bytes(4, "big") + head[8:] + packed
    )
    with path.open("r+b") as file:
        file.seek(size)
        file.write(forged)
    with Recording(path) as found:
        assert [one.number for one in found.reports()] == [1]


@given(seed=st.integers(0, 2**32))
def test_no_bytes_whatever_end_the_reader(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """A recording with a few bytes changed is read, as far as it goes, or refused in words."""
    chance = random.Random(seed)
    path = tmp_path_factory.mktemp("bytes") / "x.rec"
    data = bytearray(_written())
    for _ in range(chance.randint(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    path.write_bytes(data[: chance.randint(0, len(data))])
    try:
        with Recording(path) as found:
            assert all(one.at in {known.at for known in made(3)} for one in found.reports())
            assert all(a <= b for a, b in pairwise(found.moments))
    except (InvalidArguments, NotFound):
        pass


def _written() -> bytes:
    parts = [frame(one.at.timestamp(), one) for one in made(3)]
    head = Header(VERSION, "3.11.7", datetime(2026, 11, 22, tzinfo=UTC), 1.0, "engine")
    return MAGIC + frame(FIRST, head) + b"".join(parts)


def test_a_recording_in_place_of_an_engine_can_be_changed_by_nobody(path: Path) -> None:
    record(path, made(1))
    with Recording(path) as found, pytest.raises(Unavailable, match="a recording is no engine"):
        _ = RecordedEngine(found).gateway
