"""What the distribution `abi` asks for, read from its installed metadata, and whether it is there.

Refuses to import what it finds: names and versions come from metadata alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import metadata
from operator import eq, ge, gt, le, lt, ne
from typing import NamedTuple

DISTRIBUTION = "abi"

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)\s*(\[[^]]*\])?\s*\(?(?P<bounds>[^;)]*)\)?\s*(;(?P<marker>.*))?"
)
_EXTRA = re.compile(r"extra\s*==\s*['\"](?P<extra>[^'\"]+)['\"]")
_BOUND = re.compile(r"(?P<sign>>=|<=|==|!=|>|<)\s*(?P<version>[0-9][0-9.]*)")
_SIGNS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": ge,
    "<=": le,
    "==": eq,
    "!=": ne,
    ">": gt,
    "<": lt,
}


class Requirement(NamedTuple):
    """A distribution that `abi` asks for.

    Attributes:
        name: of the distribution.
        bounds: the versions that will do, such as `>=8.4,<8.5`; empty means any.
        extra: which extra of `abi` asks for it; empty means that all of ABI does.
    """

    name: str
    bounds: str
    extra: str = ""


def requirements() -> tuple[Requirement, ...]:
    """What the installed `abi` asks for; empty where its metadata is not installed."""
    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return ()
    return tuple(parse(line) for line in lines)


def parse(line: str) -> Requirement:
    """One requirement as metadata has it: `name>=1,<2; extra == "web"`.

    Raises:
        ValueError: it has another form.
    """
    found = _REQUIREMENT.fullmatch(line.strip())
    if found is None:
        message = f"not a requirement: {line!r}"
        raise ValueError(message)
    extra = _EXTRA.search(found["marker"] or "")
    bounds = ",".join(sorted(found["bounds"].replace(" ", "").split(","), reverse=True))
    return Requirement(found["name"], bounds, extra["extra"] if extra else "")


def installed_version(name: str) -> str:
    """The version of an installed distribution; empty where there is none."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def satisfies(version: str, bounds: str) -> bool:
    """Whether a version is within `bounds`; only the release counts, as in `8.4.2rc1` → 8.4.2."""
    release = _release(version)
    for bound in _BOUND.finditer(bounds):
        wanted = _release(bound["version"])
        width = max(len(release), len(wanted))
        if not _SIGNS[bound["sign"]](_padded(release, width), _padded(wanted, width)):
            return False
    return True


def _release(version: str) -> tuple[int, ...]:
    digits = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return tuple(map(int, digits[0].split("."))) if digits else ()


def _padded(release: tuple[int, ...], width: int) -> tuple[int, ...]:
    return release + (0,) * (width - len(release))
