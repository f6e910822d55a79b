"""Names that only a running engine knows, for completion. Refuses to start one for them."""

from __future__ import annotations

from collections.abc import Iterator

from abi_tui.cli import session
from abi_tui.cli.invocation import Invocation

WAIT = 1.0
MOST = 1000


def find(invocation: Invocation, kind: str) -> list[str]:
    """The values of a kind that can be typed: those with letters that a terminal shows as they are.

    Raises:
        EngineNotRunning: no engine runs to be asked.
    """
    if kind == "features":
        from abi_engine.catalogue import BUILT_IN

        return [row.name for row in BUILT_IN if row.built]
    if kind == "settings":
        from abi_tui.cli.settings import all_settings

        return [row.key for row in all_settings(session.configuration(invocation))]
    return sorted({value for value in _asked(invocation, kind) if value.isprintable()})


def _asked(invocation: Invocation, kind: str) -> Iterator[str]:
    if invocation.timeout is None:
        invocation.timeout = WAIT
    with session.running(invocation) as engine:
        if kind == "routes":
            yield from (route.path for route in engine.gateway.routes(limit=MOST))
        else:
            yield from (row.upstream for row in engine.gateway.breakers()[:MOST])
