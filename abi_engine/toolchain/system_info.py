"""The machine, the interpreter and the places of ABI, for a report of what went wrong where.

Refuses to read secrets: of the environment it takes the few names below.
"""

from __future__ import annotations

import os
import platform
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

import abi_engine
from abi_engine.config import default_data_dir, default_file, find_file
from abi_engine.version import VERSION

MEMORY_FILE = Path("/proc/meminfo")
PROCESSOR_FILE = Path("/proc/cpuinfo")


class Terminal(msgspec.Struct, frozen=True):
    """Where the output goes.

    Attributes:
        kind: `TERM`; colours: `COLORTERM`; locale: what decides the encoding.
        columns, rows: its size; None where stdout is no terminal.
        no_color: whether `NO_COLOR` asks for none.
    """

    kind: str
    colours: str
    locale: str
    columns: int | None
    rows: int | None
    no_color: bool


class SystemInfo(msgspec.Struct, frozen=True):
    """What ABI runs on.

    Attributes:
        abi_version, abi_path: this package.
        python, python_path: the interpreter.
        system, machine: the operating system with its release, and the architecture.
        processor: its name; processors: how many there are; usable: how many this process may use.
        memory_bytes, memory_available_bytes: of the machine; None where it does not tell.
        config_file: what is read; config_found: whether it is there.
        data_dir: where an engine keeps what lasts.
        runtime_dir: `XDG_RUNTIME_DIR`; empty where it is not set.
        open_files, open_files_max: how many files a process may open: now, and at most.
        terminal: where the output goes.
    """

    abi_version: str
    abi_path: str
    python: str
    python_path: str
    system: str
    machine: str
    processor: str
    processors: int
    usable: int
    memory_bytes: int | None
    memory_available_bytes: int | None
    config_file: str
    config_found: bool
    data_dir: str
    runtime_dir: str
    open_files: int
    open_files_max: int
    terminal: Terminal


def system_info(environ: Mapping[str, str] = os.environ) -> SystemInfo:
    """Look around."""
    config = find_file(None, environ, Path.cwd())
    memory = _sizes(_read(MEMORY_FILE))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return SystemInfo(
        abi_version=VERSION,
        abi_path=str(Path(abi_engine.__file__).parent),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        python_path=sys.executable,
        system=f"{_distribution()} ({platform.system()} {platform.release()})",
        machine=platform.machine(),
        processor=_processor(_read(PROCESSOR_FILE)),
        processors=os.cpu_count() or 1,
        usable=_usable(),
        memory_bytes=memory.get("MemTotal"),
        memory_available_bytes=memory.get("MemAvailable"),
        config_file=str(config or default_file()),
        config_found=config is not None and config.is_file(),
        data_dir=str(default_data_dir(environ)),
        runtime_dir=environ.get("XDG_RUNTIME_DIR", ""),
        open_files=soft,
        open_files_max=hard,
        terminal=_terminal(environ),
    )


def _read(file: Path) -> str:
    return file.read_text(errors="replace") if file.is_file() else ""


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:  # it has no such file: macOS, and some containers
        return platform.platform(terse=True)


def _processor(text: str) -> str:
    names = (line.partition(":")[2] for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.processor()).strip() or "unknown"


def _sizes(text: str) -> dict[str, int]:
    """`MemTotal:  24 kB` → bytes by name."""
    rows = (line.split() for line in text.splitlines())
    return {row[0].rstrip(":"): int(row[1]) << 10 for row in rows if row[2:] == ["kB"]}


def _usable() -> int:
    """Not in every system's `os`."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _terminal(environ: Mapping[str, str]) -> Terminal:
    try:
        size = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except OSError:
        size = None
    locale = next(
        (environ[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if environ.get(name)), ""
    )
    return Terminal(
        kind=environ.get("TERM", ""),
        colours=environ.get("COLORTERM", ""),
        locale=locale,
        columns=size.columns if size else None,
        rows=size.lines if size else None,
        no_color=bool(environ.get("NO_COLOR")),
    )
