"""Each piece that ABI runs on has a standing, and what is missing a way to get it."""

from __future__ import annotations

import os
import platform
import sqlite3
from pathlib import Path

import pytest

from abi_engine.toolchain import status as module
from abi_engine.toolchain.requirements import Requirement, requirements
from abi_engine.toolchain.status import ENABLES, EXTRAS, Status, Tool, status
from abi_engine.toolchain.vulkan import Device, Vulkan


@pytest.fixture
def found() -> dict[str, Tool]:
    return {tool.name: tool for tool in status(os.environ)}


def test_versions_are_those_that_run(found: dict[str, Tool]) -> None:
    assert found["Python"].version == platform.python_version()
    assert found["SQLite"].version == sqlite3.sqlite_version
    assert found["BLAS of numpy"].version not in ("", "unknown")


def test_everything_that_abi_needs_is_here(found: dict[str, Tool]) -> None:
    for need in requirements():
        if not need.extra:
            assert found[need.name].status is Status.OK
            assert found[need.name].needed == need.bounds


def test_every_dependency_has_words_for_what_it_is_there_for() -> None:
    asked = requirements()
    assert {need.name for need in asked if not need.extra} == set(ENABLES)
    assert {need.extra for need in asked} - {"", "dev"} == set(EXTRAS)


def test_what_is_not_here_says_how_to_get_it(found: dict[str, Tool]) -> None:
    absent = [tool for tool in found.values() if tool.status is not Status.OK]
    assert all(tool.remedy for tool in absent)


def test_a_missing_and_an_old_package_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = (
        Requirement("no-such-distribution-anywhere", ">=1"),
        Requirement("no-such-extra-anywhere", ">=1", "web"),
        Requirement("click", ">=1000"),
    )
    monkeypatch.setattr(module, "requirements", lambda: wanted)
    found = {tool.name: tool for tool in status(os.environ)}
    assert found["no-such-distribution-anywhere"].status is Status.MISSING
    assert found["no-such-extra-anywhere"].status is Status.OPTIONAL
    assert found["click"].status is Status.OLD
    assert found["click"].remedy == "pip install 'click>=1000'"


def test_devices_are_listed_with_their_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = (Device("Big GPU", "discrete", "1.3.0"),)
    monkeypatch.setattr(module, "look", lambda environ: Vulkan("1.3.9", devices))
    found = {tool.name: tool for tool in status(os.environ)}
    assert found["Vulkan loader"].version == "1.3.9"
    assert found["Vulkan device Big GPU"].status is Status.OK
    assert "discrete" in found["Vulkan device Big GPU"].enables


def test_a_tool_on_the_path_shows_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "glslc"
    tool.write_text("#!/bin/sh\necho 'shaderc v2023.2 v2023.1-2'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    found = {tool.name: tool for tool in status(os.environ)}
    assert found["glslc"].version == "2023.2"
    assert found["glslc"].remedy == ""
