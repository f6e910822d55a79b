"""The report on the machine says what the machine says."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import pytest

from abi_engine.toolchain import system_info as module
from abi_engine.toolchain.system_info import system_info
from abi_engine.version import VERSION


def test_it_names_this_package_and_this_interpreter() -> None:
    info = system_info(os.environ)
    assert info.abi_version == VERSION
    assert (Path(info.abi_path) / "version.py").is_file()
    assert info.python_path == sys.executable
    assert 1 <= info.usable <= info.processors


def test_places_follow_the_environment(tmp_path: Path) -> None:
    config = tmp_path / "my.toml"
    info = system_info({"ABI_DATA_DIR": "/data", "ABI_CONFIG": str(config)})
    assert info.data_dir == "/data"
    assert (info.config_file, info.config_found) == (str(config), False)
    config.touch()
    assert system_info({"ABI_CONFIG": str(config)}).config_found


def test_limits_are_those_of_the_process() -> None:
    info = system_info(os.environ)
    assert (info.open_files, info.open_files_max) == resource.getrlimit(resource.RLIMIT_NOFILE)


def test_the_terminal_is_described_by_its_variables() -> None:
    terminal = system_info({"TERM": "vt100", "LANG": "de_DE.UTF-8", "NO_COLOR": "1"}).terminal
    assert (terminal.kind, terminal.locale, terminal.no_color) == ("vt100", "de_DE.UTF-8", True)


def test_memory_and_processor_are_read_from_proc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal:  2048 kB\nMemAvailable:  1024 kB\nHugePages_Total:  0\n")
    processor = tmp_path / "cpuinfo"
    processor.write_text("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t: a b\n")
    monkeypatch.setattr(module, "MEMORY_FILE", memory)
    monkeypatch.setattr(module, "PROCESSOR_FILE", processor)
    info = system_info(os.environ)
    assert (info.memory_bytes, info.memory_available_bytes) == (2 << 20, 1 << 20)
    assert info.processor == "Some CPU @ 2 GHz"


def test_a_system_without_proc_leaves_memory_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MEMORY_FILE", tmp_path / "absent")
    monkeypatch.setattr(module, "PROCESSOR_FILE", tmp_path / "absent")
    info = system_info(os.environ)
    assert (info.memory_bytes, info.memory_available_bytes) == (None, None)
    assert info.processor
