"""What the data plane is given for its side towards upstreams, in one piece."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from abi_engine.features.gateway.checks import Checks
from abi_engine.features.gateway.tls_contexts import TlsContexts

LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""Gives the addresses of a name; raises OSError or UnicodeError where it has none."""


class Outward:
    """The same for every proxy of a gateway, whether it is started once or again.

    Args:
        checks: the health checks that routes ask for; None where somebody else runs them.
        contexts: for TLS.
        look_up: asks for the addresses of names, in the loop; None asks the system.
    """

    __slots__ = ("checks", "contexts", "look_up")

    def __init__(
        self,
        *,
        checks: Checks | None = None,
        contexts: TlsContexts | None = None,
        look_up: LookUp | None = None,
    ) -> None:
        self.checks = checks
        self.contexts = contexts or TlsContexts()
        self.look_up = look_up
