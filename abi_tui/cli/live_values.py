"""Names that only `abi` knows, for completion. Refuses to start an engine for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from abi_tui.cli import session
from abi_tui.cli.invocation import Invocation

WAIT = 1.0
MOST = 1000


def find(invocation: Invocation, kind: str, of: str = "") -> list[str]:
    """The values of a kind that can be typed: those with letters that a terminal shows as they are.

    Args:
        invocation: says which engine.
        kind: of the names.
        of: what they belong to: for `choices` the key of a setting.

    Raises:
        EngineNotRunning: no engine runs to be asked.
    """
    if kind in _OF_THE_ENGINE:
        return sorted({value for value in _asked(invocation, kind) if value.isprintable()})
    known: Callable[[Invocation, str], list[str]] = _KNOWN[kind]
    return [value for value in known(invocation, of) if value.isprintable()]


def _asked(invocation: Invocation, kind: str) -> Iterator[str]:
    if invocation.timeout is None:
        invocation.timeout = WAIT
    with session.running(invocation) as engine:
        if kind == "routes":
            yield from (route.path for route in engine.gateway.routes(limit=MOST))
        elif kind == "keys":
            yield from (key.name for key in engine.gateway.api_keys()[:MOST])
        else:
            yield from (row.upstream for row in engine.gateway.breakers()[:MOST])


def _features(_: Invocation, __: str) -> list[str]:
    from abi_engine.catalogue import BUILT_IN

    return [row.name for row in BUILT_IN if row.built]


def _sources(invocation: Invocation, of: str) -> list[str]:
    return ["engine", *_features(invocation, of)]


def _settings(invocation: Invocation, _: str) -> list[str]:
    from abi_tui.cli.settings import all_settings

    return [row.key for row in all_settings(session.configuration(invocation))]


def _choices(_: Invocation, key: str) -> list[str]:
    from abi_tui.cli.setting_types import choices

    return list(choices(key))


def _assignments(invocation: Invocation, _: str) -> list[str]:
    """`KEY=`, or `KEY=VALUE` for each value where there are few."""
    return [
        f"{key}={value}"
        for key in _settings(invocation, "")
        for value in (_choices(invocation, key) or [""])
    ]


def _themes(_: Invocation, __: str) -> list[str]:
    return [palette.name for palette in import_module("abi_tui.dashboard.themes").PALETTES]


_OF_THE_ENGINE = ("routes", "upstreams", "keys")
_KNOWN = {
    "features": _features,
    "sources": _sources,
    "settings": _settings,
    "choices": _choices,
    "assignments": _assignments,
    "themes": _themes,
}
