"""What ABI runs on: each piece, its version, and for what is missing the command that brings it.

Refuses to judge whether a piece works: it reads versions, and asks the Vulkan loader for names.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec

from abi_engine.toolchain.requirements import (
    DISTRIBUTION,
    Requirement,
    installed_version,
    requirements,
    satisfies,
)
from abi_engine.toolchain.vulkan import Vulkan, drivers, look

PYTHON_BOUNDS = ">=3.11"
TIMEOUT = 10.0

# What each distribution is there for.
ENABLES = {
    "cffi": "calls into native libraries",
    "click": "the command line",
    "httptools": "parsing HTTP in the gateway",
    "msgspec": "structs, configuration and the control socket",
    "numpy": "arrays",
    "platformdirs": "the places of configuration and data",
    "textual": "the dashboard",
    "tomlkit": "abi config set",
    "uvloop": "the event loop of the gateway",
    "vulkan": "the Vulkan binding (planned)",
}
EXTRAS = {
    "bench": "rivals for abi bench",
    "web": "the dashboard in a browser",
    "pyvulkan": "the other Vulkan binding (planned)",
}


class Status(StrEnum):
    """How a piece stands: `optional` is missing, and ABI runs without it."""

    OK = "ok"
    MISSING = "missing"
    OLD = "old"
    OPTIONAL = "optional"


class Tool(msgspec.Struct, frozen=True):
    """A piece that ABI runs on.

    Attributes:
        name: what it is.
        version: what is there; empty where nothing is. May be text from outside.
        needed: the versions that will do; empty means any.
        status: how it stands.
        enables: what it is there for.
        remedy: the command that brings it; empty where it is there.
    """

    name: str
    version: str
    needed: str
    status: Status
    enables: str
    remedy: str = ""


def status(environ: Mapping[str, str] = os.environ) -> tuple[Tool, ...]:
    """Every piece, what ABI needs first. Takes up to a second or two: it starts a few processes."""
    return (*_python(), *_packages(), *_vulkan(environ), *_shader_tools())


def _python() -> Iterator[Tool]:
    version = platform.python_version()
    yield _tool("Python", version, PYTHON_BOUNDS, "everything", "apt-get install python3.11")
    yield _tool("SQLite", sqlite3.sqlite_version, "", "durable state", "")
    yield _blas()


def _blas() -> Tool:
    if not installed_version("numpy"):
        return _tool("BLAS of numpy", "", "", "matrix products", "pip install numpy")
    import numpy as np  # here and not above: it is heavy, and whoever imports this may not ask

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    words = f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()
    return Tool("BLAS of numpy", words, "", Status.OK, "matrix products")


def _packages() -> Iterator[Tool]:
    wanted = requirements()
    if not wanted:
        yield _tool(DISTRIBUTION, "", "", "abi's own metadata", "pip install .")
    for need in wanted:
        if not need.extra:
            yield _package(need, ENABLES.get(need.name, "abi"))
        elif need.extra in EXTRAS:
            yield _package(need, EXTRAS[need.extra], optional=True)


def _package(need: Requirement, enables: str, *, optional: bool = False) -> Tool:
    version = installed_version(need.name)
    remedy = f"pip install '{need.name}{need.bounds}'"
    return _tool(need.name, version, need.bounds, enables, remedy, optional=optional)


def _vulkan(environ: Mapping[str, str]) -> Iterator[Tool]:
    found = look(environ)
    use = "computing on a GPU (planned)"
    loader = "apt-get install libvulkan1"
    driver = "the driver of your GPU; apt-get install mesa-vulkan-drivers for AMD and Intel"
    yield _tool("Vulkan loader", found.loader, "", use, loader, optional=True)
    files = drivers(environ)
    names = ", ".join(file.name for file in files)
    yield _tool("Vulkan drivers", names, "", use, driver, optional=True)
    yield from _devices(found, driver if found.loader else loader)


def _devices(found: Vulkan, remedy: str) -> Iterator[Tool]:
    for device in found.devices:
        name = f"Vulkan device {device.name}"
        yield Tool(
            name, device.api, "", Status.OK, f"computing on a {device.kind} device (planned)"
        )
    if not found.devices:
        yield Tool("Vulkan device", "", "", Status.OPTIONAL, found.trouble, remedy)


def _shader_tools() -> Iterator[Tool]:
    for command, package in (("glslc", "glslc"), ("spirv-val", "spirv-tools")):
        version = _version_of(command)
        remedy = f"apt-get install {package}"
        yield _tool(
            command, version, "", "compiling and checking shaders (planned)", remedy, optional=True
        )


def _version_of(command: str) -> str:
    path = shutil.which(command)
    if path is None:
        return ""
    try:
        child = subprocess.run(  # noqa: S603  a path that the shell would find, no arguments of others
            [path, "--version"], capture_output=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        return "does not answer"
    words = re.search(r"v?(\d[\w.]*)", child.stdout.decode(errors="replace"))
    return words[1] if words else "unknown"


def _tool(
    name: str, version: str, needed: str, enables: str, remedy: str, *, optional: bool = False
) -> Tool:
    if not version:
        standing = Status.OPTIONAL if optional else Status.MISSING
    elif satisfies(version, needed):
        standing, remedy = Status.OK, ""
    else:
        standing = Status.OLD
    return Tool(name, version, needed, standing, enables, remedy)
