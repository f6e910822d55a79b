"""The requests of one connection, as they go on to upstreams.

A client says the same about itself in every request of a connection, so what is made of that is
remembered, and made anew where anything differs that it was made of.
"""

from __future__ import annotations

from typing import Final

from abi_engine.features.gateway.api import HeaderRules
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.proxy.head import RequestHead
from abi_engine.features.gateway.proxy.headers import forwarding, request_fields, request_line

_REMEMBERED: Final = 3 << 10
"""The largest block of fields that is kept, since idle connections are many."""


class Onward:
    """Writes heads of requests for upstreams.

    Args:
        address: of the client.
        secure: it speaks TLS.
        pseudonym: this gateway's name in `Via`.
    """

    __slots__ = (
        "_block",
        "_config",
        "_host",
        "_lines",
        "_pseudonym",
        "_rules",
        "_secure",
        "address",
    )

    def __init__(self, address: str, *, secure: bool, pseudonym: bytes) -> None:
        self.address = address
        self._secure = secure
        self._pseudonym = pseudonym
        self._lines: list[bytes] | None = None  # those that the block was made of
        self._host = b""
        self._rules: HeaderRules | None = None
        self._config: GatewayConfig | None = None
        self._block = b""

    def head(
        self,
        head: RequestHead,
        target: str,
        host: bytes,
        rules: HeaderRules,
        config: GatewayConfig,
        id_line: bytes,
        *,
        trace: tuple[bytes, ...] = (),
        protocol: bytes = b"",
    ) -> bytes:
        """The head of a request.

        Args:
            head: as the client sent it.
            target: what the upstream is asked for.
            host: for `Host`.
            rules: of the route.
            config: of the gateway.
            id_line: the line for the request's id, which no rule touches.
            trace: lines of its trace.
            protocol: that the connection may change to; empty for none.
        """
        if trace or protocol:
            block = self._made(head, host, rules, config, trace, protocol)
        elif (
            head.lines is self._lines
            and rules is self._rules
            and config is self._config
            and host == self._host
        ):
            block = self._block
        else:
            block = self._made(head, host, rules, config)
            if len(block) <= _REMEMBERED:
                self._lines, self._rules, self._config = head.lines, rules, config
                self._host, self._block = host, block
        return b"\r\n".join((request_line(head, target), block, id_line, b"\r\n"))

    def _made(
        self,
        head: RequestHead,
        host: bytes,
        rules: HeaderRules,
        config: GatewayConfig,
        trace: tuple[bytes, ...] = (),
        protocol: bytes = b"",
    ) -> bytes:
        trusted = config.trust_forwarded
        lines = forwarding(head, self.address, trusted=trusted, secure=self._secure)
        added = (lines, *trace)
        return request_fields(
            head, host=host, added=added, via=self._pseudonym, rules=rules, protocol=protocol
        )
