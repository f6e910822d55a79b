"""Plugins that are installed: entry points of the group `abi.plugins`. Refuses to import one.

Enabling plugins is planned and not built: every plugin found here is listed, and none runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import Distribution, distributions

import msgspec

GROUP = "abi.plugins"


class Plugin(msgspec.Struct, frozen=True):
    """A plugin as its distribution describes it; every word of it is text from outside.

    Attributes:
        name: of the entry point.
        distribution, version, summary: of the Python distribution that brings it.
        entry_point: what enabling would import, `package.module:attribute`.
        enabled: whether it runs; nothing can enable one yet.
    """

    name: str
    distribution: str
    version: str
    summary: str
    entry_point: str
    enabled: bool = False


def installed(
    find: Callable[[], Iterable[Distribution]] = distributions,
) -> tuple[Plugin, ...]:
    """The installed plugins, by name.

    Args:
        find: gives the distributions to look through; by default all that Python sees.
    """
    found = [plugin for distribution in find() for plugin in _plugins(distribution)]
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.distribution)))


def _plugins(distribution: Distribution) -> Iterable[Plugin]:
    for entry in distribution.entry_points.select(group=GROUP):
        facts = distribution.metadata.json
        yield Plugin(
            name=entry.name,
            distribution=str(facts.get("name", "")),
            version=str(facts.get("version", "")),
            summary=str(facts.get("summary", "")),
            entry_point=entry.value,
        )
