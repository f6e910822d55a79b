"""What Vulkan offers is asked in a child, whatever becomes of the child."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from abi_engine.toolchain import vulkan
from abi_engine.toolchain.vulkan import Device, Vulkan, drivers, look


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_the_answer_of_the_child_is_taken() -> None:
    answer = '{"loader":"1.3.0","devices":[{"name":"A","kind":"cpu","api":"1.2.3"}]}'
    found = look(os.environ, command=child(f"print({answer!r})"))
    assert found == Vulkan("1.3.0", (Device("A", "cpu", "1.2.3"),))


def test_a_driver_that_crashes_is_said() -> None:
    found = look(os.environ, command=child("import os; os.kill(os.getpid(), 11)"))
    assert found == Vulkan(trouble="a driver ended the process that asked (signal 11)")


def test_a_driver_that_hangs_is_given_up() -> None:
    found = look(os.environ, command=child("import time; time.sleep(60)"), timeout=0.1)
    assert found == Vulkan(trouble="a driver did not answer within 0.1 s")


def test_a_child_that_fails_is_said_in_its_own_words() -> None:
    found = look(os.environ, command=child("raise OSError('no memory')"))
    assert found == Vulkan(trouble="asking the loader failed: OSError: no memory")


def test_the_probe_names_a_loader_and_devices_or_says_what_is_missing() -> None:
    found = look(os.environ)
    assert found.devices or found.trouble
    assert found.loader or found.trouble.startswith("no Vulkan loader")
    assert all(device.name and device.kind for device in found.devices)


def test_drivers_that_the_environment_lists_are_the_only_ones() -> None:
    environ = {"VK_ICD_FILENAMES": "/a/one.json:/b/two.json", "HOME": "/nowhere"}
    assert drivers(environ) == (Path("/a/one.json"), Path("/b/two.json"))


def test_drivers_are_found_in_the_users_folder_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    own = tmp_path / "own" / "vulkan" / "icd.d"
    for folder, name in ((shared, "b.json"), (shared, "a.json"), (own, "z.json")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    monkeypatch.setattr(vulkan, "DRIVER_FOLDERS", (shared,))
    found = drivers({"XDG_DATA_HOME": str(tmp_path / "own")})
    assert [file.name for file in found] == ["z.json", "a.json", "b.json"]
