"""Whether the gateway listens, where, and why not if it does not."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from abi_engine.core.errors import AddressInUse, Severity
from abi_engine.core.feature import Context
from abi_engine.features.gateway.admission import Admitter
from abi_engine.features.gateway.config import GatewayConfig

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.proxy import Proxy

Address = tuple[str, int]

_CONNECT_TIMEOUT: Final = 1.0
_HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens everywhere


class Listening:
    """The proxy of a gateway, where there is one.

    Args:
        config: of the gateway.
        admitter: what the proxy runs requests through.
        context: tells whether to listen at all, and how strict to be about it.
    """

    def __init__(self, config: GatewayConfig, admitter: Admitter, context: Context) -> None:
        self._config = config
        self._admitter = admitter
        self._context = context
        self._proxy: Proxy | None = None
        self.trouble = ""
        """What keeps it from listening, though it should."""

    @property
    def address(self) -> Address | None:
        """Host and port it listens on; None while it does not."""
        proxy = self._proxy
        return proxy.address if proxy is not None else None

    def connections(self, upstream: str) -> tuple[int, int]:
        """How many connections to an upstream are idle, and how many busy."""
        proxy = self._proxy
        return proxy.connections(upstream) if proxy is not None else (0, 0)

    def start(self) -> None:
        """Listen, if this gateway is to.

        Raises:
            AddressInUse: the address is taken, and the engine is strict; if not, an event says so.
        """
        self.trouble = ""
        if not (self._context.listening and self._config.listen):
            return
        from abi_engine.features.gateway.proxy.proxy import Proxy  # embedded engines never need it

        proxy = Proxy(self._config, self._admitter, self._context)
        try:
            proxy.start()
        except AddressInUse as error:
            if self._context.strict:
                raise
            self.trouble = error.message
            self._context.events.add(
                "gateway", "address_in_use", error.message, severity=Severity.ERROR
            )
            return
        self._proxy = proxy

    def stop(self, deadline: float) -> None:
        """Let what is under way end, and listen no more, within `deadline` seconds."""
        proxy = self._proxy
        if proxy is not None:
            try:
                proxy.stop(deadline)
            finally:
                self._proxy = None

    def why_not(self) -> str:
        """Why it does not listen; empty where it does."""
        if self.trouble or self.address is not None:
            return self.trouble
        if not self._context.listening:
            return "an embedded engine opens no listener"
        return "" if self._config.listen else "listen = false in [gateway]"

    def probe(self) -> tuple[bool, str]:
        """Try to connect to it."""
        address = self.address
        if self.trouble or address is None:
            return not self.trouble, self.trouble or f"well, but {self.why_not()}"
        try:
            socket.create_connection(reachable(address), _CONNECT_TIMEOUT).close()
        except OSError as error:
            return False, f"{url(address)} accepts no connection: {error.strerror or error}"
        return True, f"{url(address)} accepts connections"


def reachable(address: Address) -> Address:
    """Where to connect to a listener that may listen everywhere."""
    host, port = address
    return _HERE.get(host, host), port


def url(address: Address) -> str:
    """An address as people write it."""
    host, port = address
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
