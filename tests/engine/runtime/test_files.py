"""Whole files: the old content or the new, whatever happens in between."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from abi_engine.core.errors import DataDirectoryError
from abi_engine.runtime.files import sync_directory, write_atomically


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_atomically(file, b"one")
    write_atomically(file, b"two, and longer")
    write_atomically(file, b"")
    assert file.read_bytes() == b""
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_file_is_for_this_user_alone_unless_told_otherwise(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "own", b"x")
        write_atomically(tmp_path / "shared", b"x", mode=0o644)
    finally:
        os.umask(before)
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o644


def test_a_new_file_may_belong_to_another_group(tmp_path: Path) -> None:
    group = 12_345 if os.geteuid() == 0 else os.getgroups()[-1]
    write_atomically(tmp_path / "a", b"x", mode=0o640, owner=(os.geteuid(), group))
    found = (tmp_path / "a").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (os.geteuid(), group, 0o640)


def test_the_content_is_synced_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, Path.replace

    def traced_fsync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append("directory" if target == tmp_path else "file")
        fsync(descriptor)

    def traced_rename(self: Path, target: Any) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", traced_fsync)
    monkeypatch.setattr(Path, "replace", traced_rename)
    write_atomically(tmp_path / "a", b"x")
    assert steps == ["file", "rename", "directory"]


@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_a_failure_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write_atomically(tmp_path / "a", b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(DataDirectoryError, match="No space left") as caught:
        write_atomically(tmp_path / "a", b"new")
    assert str(tmp_path) in caught.value.hint
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_is_replaced_and_what_it_led_to_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "victim").write_bytes(b"keep")
    (tmp_path / "a").symlink_to(tmp_path / "victim")
    write_atomically(tmp_path / "a", b"new")
    assert (tmp_path / "victim").read_bytes() == b"keep"
    assert (tmp_path / "a").read_bytes() == b"new"
    assert not (tmp_path / "a").is_symlink()


def test_a_directory_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataDirectoryError, match="No such file"):
        write_atomically(tmp_path / "missing" / "a", b"x")
    with pytest.raises(OSError, match="No such file"):
        sync_directory(tmp_path / "missing")
