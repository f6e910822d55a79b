"""Where sockets are: short, stable, and in directories that nobody else could have made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from abi_engine.core.errors import PermissionRefused
from abi_engine.service import places
from abi_engine.service.places import MAX_PATH, secure, socket_name, socket_names, socket_to_listen


def test_the_socket_is_in_the_users_runtime_directory(place: Path, tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(place)}
    found = socket_to_listen(socket_name(tmp_path), environ)
    assert found.parent == place / "abi"
    assert found.parent.stat().st_mode & 0o777 == 0o700


def test_a_data_directory_has_one_name_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    same = [tmp_path / "data", tmp_path / "link", tmp_path / "x" / ".." / "data"]
    assert len({socket_name(path) for path in same}) == 1
    assert socket_name(tmp_path / "data") != socket_name(tmp_path / "data2")


def test_a_client_looks_wherever_an_engine_may_listen(place: Path, tmp_path: Path) -> None:
    environments = [{}, {"XDG_RUNTIME_DIR": str(place)}, {"XDG_RUNTIME_DIR": "relative"}]
    for environ in environments:
        listening = socket_to_listen(socket_name(tmp_path), environ)
        assert listening == socket_names(tmp_path, environ)[0]
    fallback = Path(f"/tmp/abi-{os.geteuid()}") / socket_name(tmp_path)
    assert all(socket_names(tmp_path, environ)[-1] == fallback for environ in environments)


def test_a_place_with_a_long_name_is_passed_over(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path / ("x" * 100))}
    for path in (*socket_names(tmp_path, environ), socket_to_listen("a.sock", environ)):
        assert len(os.fsencode(path)) <= MAX_PATH


def test_a_place_that_is_missing_is_passed_over(tmp_path: Path) -> None:
    environ = {"XDG_RUNTIME_DIR": "/nowhere"}
    assert socket_to_listen("a.sock", environ).parent.is_dir()


def test_a_directory_is_made_once(place: Path) -> None:
    secure(place / "own")
    secure(place / "own")


def test_a_link_is_refused_wherever_it_leads(place: Path) -> None:
    (place / "real").mkdir(mode=0o700)
    (place / "link").symlink_to("real")
    (place / "dangling").symlink_to("nowhere")
    for name in ("link", "dangling"):
        with pytest.raises(PermissionRefused, match=name):
            secure(place / name)


def test_a_directory_open_to_others_is_refused_with_its_mode(place: Path) -> None:
    (place / "open").mkdir()
    (place / "open").chmod(0o770)
    with pytest.raises(PermissionRefused, match="770"):
        secure(place / "open")


def test_a_file_in_the_place_of_the_directory_is_refused(place: Path) -> None:
    (place / "file").write_text("x")
    with pytest.raises(PermissionRefused):
        secure(place / "file")


def test_a_directory_of_another_user_is_refused(place: Path) -> None:
    (place / "theirs").mkdir(mode=0o700)
    with pytest.raises(PermissionRefused, match="belongs to user"):
        secure(place / "theirs", uid=os.geteuid() + 1)


def test_where_every_place_is_somebody_elses_the_refusal_says_the_way_out(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "abi").mkdir(mode=0o755)
    monkeypatch.setattr(places, "_places", lambda *_: [place / "abi"])
    with pytest.raises(PermissionRefused) as caught:
        socket_to_listen("a.sock", {})
    assert "XDG_RUNTIME_DIR" in caught.value.hint
