from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.proxy import log_file
from abi_engine.features.gateway.proxy.log_file import LogFile, RotationFailed
from tests.engine.threads import together


def texts(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_full_file_is_put_aside_and_the_oldest_is_forgotten(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", size=10, keep=2)
    for number in range(5):
        file.append(b"line %d!!\n" % number)
    assert texts(tmp_path) == {
        "log": b"line 4!!\n",
        "log.1": b"line 3!!\n",
        "log.2": b"line 2!!\n",
    }


def test_a_file_holds_as_much_as_it_may_and_a_batch_stays_whole(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "log", size=10, keep=9)
    for text in (b"12345", b"67890", b"1", b"a batch beyond the size", b"2"):
        file.append(text)
    assert texts(tmp_path) == {
        "log": b"2",
        "log.1": b"a batch beyond the size",
        "log.2": b"1",
        "log.3": b"1234567890",
    }


def test_without_a_size_it_grows_and_without_old_files_it_begins_anew(tmp_path: Path) -> None:
    grows, anew = LogFile(tmp_path / "grows", 0, 5), LogFile(tmp_path / "anew", 5, 0)
    for _ in range(3):
        grows.append(b"12345")
        anew.append(b"12345")
    assert texts(tmp_path) == {"grows": b"12345" * 3, "anew": b"12345"}


def test_it_begins_anew_when_it_is_told_to_but_not_without_a_line_to_put_aside(
    tmp_path: Path,
) -> None:
    file = LogFile(tmp_path / "log", size=0, keep=5)
    file.append(b"first", rotate=True)
    file.append(b"second", rotate=True)
    assert texts(tmp_path) == {"log": b"second", "log.1": b"first"}


def test_when_fewer_are_kept_than_before_the_others_go(tmp_path: Path) -> None:
    for number in range(5):
        LogFile(tmp_path / "log", 1, 4).append(b"%d" % number)
    (tmp_path / "log.20261122").write_bytes(b"somebody else's")
    LogFile(tmp_path / "log", 1, 2).append(b"5")
    assert texts(tmp_path) == {
        "log": b"5",
        "log.1": b"4",
        "log.2": b"3",
        "log.20261122": b"somebody else's",
    }


@given(
    kept=st.sets(st.integers(1, 5)),
    stop_at=st.integers(0, 6),
)
def test_an_interruption_between_two_renames_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, kept: set[int], stop_at: int
) -> None:
    directory = tmp_path_factory.mktemp("logs")
    for number in kept:
        (directory / f"log.{number}").write_bytes(b"old %d" % number)
    file = LogFile(directory / "log", size=1, keep=8)
    file.append(b"current")
    before = sorted(texts(directory).values())
    left = [stop_at]
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return replace(self, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        try:
            file.append(b"next")
        except KeyboardInterrupt:
            assert sorted(texts(directory).values()) == before
    file.append(b"last")
    after = texts(directory)
    assert after.pop("log") == b"last"
    assert set(before) <= set(after.values())
    assert len(after) <= 8


def test_a_file_that_cannot_be_put_aside_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = LogFile(tmp_path / "log", size=1, keep=1)
    file.append(b"first ")

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(RotationFailed, match="Permission denied"):
        file.append(b"second")
    assert texts(tmp_path) == {"log": b"first second"}


def test_what_is_reached_by_a_link_is_never_put_aside(tmp_path: Path) -> None:
    (tmp_path / "stdout").symlink_to(tmp_path / "there")
    file = LogFile(tmp_path / "stdout", size=1, keep=1)
    file.append(b"first ")
    file.append(b"second", rotate=True)
    assert (tmp_path / "there").read_bytes() == b"first second"


def test_many_writers_lose_nothing_and_put_each_file_aside_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        file = LogFile(tmp_path / "log", size=50, keep=1000)
        for line in range(20):
            file.append(b"%02d %02d 890\n" % (number, line))

    together(8, write)
    found = texts(tmp_path)
    assert len(found) == 8 * 20 / 5
    assert {len(text) for text in found.values()} == {50}
    assert len({line for text in found.values() for line in text.splitlines()}) == 160


def test_a_file_that_is_moved_away_while_it_is_opened_gets_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    lock = log_file.fcntl.flock
    moves = iter([path.with_name("moved"), None])

    def moved(descriptor: int, operation: int) -> None:
        target = next(moves)
        if target is not None:
            path.rename(target)
        lock(descriptor, operation)

    monkeypatch.setattr(log_file.fcntl, "flock", moved)
    LogFile(path, 0, 0).append(b"line")
    assert texts(tmp_path) == {"moved": b"", "log": b"line"}


def test_a_line_that_a_full_disk_tore_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "access.log"
    file = LogFile(path, 0, 0)
    whole = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 10:
            return whole(descriptor, bytes(data[:10]))
        raise OSError(28, "No space left on device")

    file.append(b"first\n")
    with monkeypatch.context() as patch:
        patch.setattr(log_file.os, "write", full)
        with pytest.raises(OSError, match="No space"):
            file.append(b"0123456789abcdef\n")
    file.append(b"second\n")
    assert path.read_bytes() == b"first\nsecond\n"
    assert path.stat().st_mode & 0o777 == 0o600
