"""Vulkan on this machine: the loader, the drivers it can find, and the devices they offer.

Refuses to load a driver into this process: a broken one would end it. A child looks instead.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

TIMEOUT = 20.0
DRIVER_FOLDERS = (
    Path("/etc/vulkan/icd.d"),
    Path("/usr/local/etc/vulkan/icd.d"),
    Path("/usr/local/share/vulkan/icd.d"),
    Path("/usr/share/vulkan/icd.d"),
)
PROBE = (sys.executable, "-m", f"{__package__}.vulkan_probe")
LIST_VARIABLES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")


class Device(msgspec.Struct, frozen=True):
    """A device that a driver offers.

    Attributes:
        name: as the driver calls it; text from outside.
        kind: discrete, integrated, virtual, cpu or other.
        api: the version of Vulkan that it speaks.
    """

    name: str
    kind: str
    api: str


class Vulkan(msgspec.Struct, frozen=True):
    """What the loader says.

    Attributes:
        loader: the version of Vulkan that it speaks; empty where there is none.
        devices: what the drivers offer.
        trouble: why there is no loader or no device, in words.
    """

    loader: str = ""
    devices: tuple[Device, ...] = ()
    trouble: str = ""


def drivers(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """The driver files that the loader would read."""
    for variable in LIST_VARIABLES:
        if listed := environ.get(variable):
            return tuple(Path(name) for name in listed.split(":") if name)
    found = (sorted(folder.glob("*.json")) for folder in _folders(environ))
    return tuple(file for files in found for file in files)


def _folders(environ: Mapping[str, str]) -> tuple[Path, ...]:
    home = Path(environ.get("HOME", "/"))
    own = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return (own / "vulkan" / "icd.d", *DRIVER_FOLDERS)


def look(
    environ: Mapping[str, str], *, command: Sequence[str] = PROBE, timeout: float = TIMEOUT
) -> Vulkan:
    """Ask the loader, in a child process.

    Args:
        environ: of the child.
        command: the child; it writes a `Vulkan` as JSON on stdout.
        timeout: seconds after which a driver that hangs is given up.
    """
    try:
        child = subprocess.run(  # noqa: S603  by default this interpreter and our own module
            command, capture_output=True, timeout=timeout, env=dict(environ), check=False
        )
    except subprocess.TimeoutExpired:
        return Vulkan(trouble=f"a driver did not answer within {timeout:g} s")
    if child.returncode < 0:
        return Vulkan(trouble=f"a driver ended the process that asked (signal {-child.returncode})")
    if child.returncode:
        last = child.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        return Vulkan(trouble=f"asking the loader failed: {last[0]}")
    return msgspec.json.decode(child.stdout, type=Vulkan)
