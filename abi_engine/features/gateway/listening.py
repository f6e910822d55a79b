"""Whether the gateway listens, where, and why not if it does not."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from abi_engine.core.errors import AddressInUse, Severity, Unavailable
from abi_engine.core.feature import Context
from abi_engine.features.gateway.admission import Admitter
from abi_engine.features.gateway.api import GatewayNotListening
from abi_engine.features.gateway.config import ClientCertificates, GatewayConfig
from abi_engine.features.gateway.outward import Outward
from abi_engine.features.gateway.reports import WorkerStats
from abi_engine.features.gateway.traces import Trace

if TYPE_CHECKING:
    from abi_engine.features.gateway.workers.library import Library
    from abi_engine.features.gateway.workers.pack import Pack

Address = tuple[str, int]


class Serving(Protocol):
    """What serves clients: the proxy in this process, or workers in others.

    `start`, `stop` and `reload` are called one at a time, the properties by any thread.
    """

    @property
    def address(self) -> Address | None:
        """Host and port it listens on; None while it does not."""
        ...

    @property
    def log_lost(self) -> int:
        """How many lines of the access log were lost since the start."""
        ...

    def connections(self, upstream: str) -> tuple[int, int]:
        """How many connections to an upstream are idle, and how many busy."""
        ...

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of an upstream's host, as far as they are known."""
        ...

    def start(self) -> None:
        """Listen; returns when clients are served. Does nothing while it does.

        Raises:
            AddressInUse: somebody else listens there.
            PermissionRefused: this user may not listen there.
            InvalidConfig: the address, or a file that the settings name, cannot be used.
        """
        ...

    def reload(self, config: GatewayConfig) -> Callable[[], None]:
        """Read the files that a configuration names, and see that they can be used.

        Args:
            config: where `host`, `port`, `workers` and `reuse_port` are as before.

        Returns:
            What applies it: to new connections, and to the next request of those that are open.
            It does not fail.

        Raises:
            InvalidConfig: a file cannot be used; nothing has changed.
        """
        ...

    def stop(self, deadline: float) -> None:
        """Listen no more, let what is under way end, then close everything, in `deadline` s."""
        ...


_CONNECT_TIMEOUT: Final = 1.0
_HERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens everywhere


class Listening:
    """The proxy of a gateway, where there is one.

    Args:
        config: of the gateway.
        admitter: what the proxy runs requests through.
        context: tells whether to listen at all, and how strict to be about it.
        outward: what the side towards upstreams needs.
        library: what workers have in common; None where there are never any.
    """

    def __init__(
        self,
        config: GatewayConfig,
        admitter: Admitter,
        context: Context,
        outward: Outward | None = None,
        library: Library | None = None,
    ) -> None:
        self._config = config
        self._admitter = admitter
        self._context = context
        self._outward = outward
        self._library = library
        self._proxy: Serving | None = None
        self._pack: Pack | None = None
        self.trouble = ""
        """What keeps it from listening, though it should."""

    @property
    def address(self) -> Address | None:
        """Host and port it listens on; None while it does not."""
        proxy = self._proxy
        return proxy.address if proxy is not None else None

    @property
    def is_secure(self) -> bool:
        """Whether it speaks TLS."""
        return bool(self._config.tls.certificates)

    @property
    def url(self) -> str:
        """Where it listens, as people write it; empty while it does not."""
        address = self.address
        return "" if address is None else url(address, secure=self.is_secure)

    def connections(self, upstream: str) -> tuple[int, int]:
        """How many connections to an upstream are idle, and how many busy."""
        proxy = self._proxy
        return proxy.connections(upstream) if proxy is not None else (0, 0)

    @property
    def log_lost(self) -> int:
        """How many lines of the access log were lost since the listener opened."""
        proxy = self._proxy
        return proxy.log_lost if proxy is not None else 0

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of an upstream's host, as far as they are known."""
        proxy = self._proxy
        return proxy.addresses(host) if proxy is not None else ()

    def start(self) -> None:
        """Listen, if this gateway is to.

        Raises:
            AddressInUse: the address is taken, and the engine is strict; if not, an event says so.
        """
        self.trouble = ""
        if not (self._context.listening and self._config.listen):
            return
        proxy = self._made()
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

    def workers(self) -> tuple[WorkerStats, ...]:
        """The processes that serve clients; none where this one does."""
        return self._pack.workers() if self._pack is not None else ()

    def sync(self) -> None:
        """Returns when the next request finds every change of routes, keys and breakers."""
        if self._pack is not None:
            self._pack.sync()

    @contextmanager
    def following(self, request_id: str, trace: Trace) -> Iterator[None]:
        """Meanwhile, a trace learns of its request wherever that is served."""
        pack = self._pack
        if pack is not None:
            pack.follow(request_id, trace)
        try:
            yield
        finally:
            if pack is not None:
                pack.forget(request_id)

    def reload(self, config: GatewayConfig) -> Callable[[], None]:
        """See `Serving`."""
        proxy = self._proxy
        reloaded = proxy.reload(config) if proxy is not None else None

        def apply() -> None:
            self._config = config
            if reloaded is not None:
                reloaded()

        return apply

    def stop(self, deadline: float) -> None:
        """Let what is under way end, and listen no more, within `deadline` seconds."""
        proxy = self._proxy
        if proxy is not None:
            try:
                proxy.stop(deadline)
            finally:
                self._proxy = self._pack = None

    def _made(self) -> Serving:
        """What is to serve; embedded engines import neither."""
        if self._config.workers > 1 and self._library is not None and self._outward is not None:
            from abi_engine.features.gateway.workers.pack import Pack

            pack = Pack(self._config, self._library, self._context, self._outward)
            self._pack = pack
            return pack
        from abi_engine.features.gateway.proxy.proxy import Proxy

        return Proxy(self._config, self._admitter, self._context, outward=self._outward)

    def why_not(self) -> str:
        """Why it does not listen; empty where it does."""
        if self.trouble or self.address is not None:
            return self.trouble
        if not self._context.listening:
            return "an embedded engine opens no listener"
        return "" if self._config.listen else "listen = false in [gateway]"

    def own_address(self, otherwise: str) -> Address:
        """Where this process can send itself a request.

        Args:
            otherwise: why it does not listen, where nothing else is known.

        Raises:
            GatewayNotListening: nowhere.
            Unavailable: it cannot, for want of a certificate.
        """
        address = self.address
        if address is None:
            raise GatewayNotListening(
                f"no request can be sent: {self.why_not() or otherwise}",
                hint="abi serve, or Engine(control=True)",
            )
        if self._config.tls.client_certificates == ClientCertificates.REQUIRED:
            raise Unavailable(
                "no request can be sent: clients must show a certificate, and the engine has none",
                hint=f"curl --cert FILE --key FILE {self.url}PATH",
            )
        return address

    def probe(self) -> tuple[bool, str]:
        """Try to connect to it."""
        address = self.address
        if self.trouble or address is None:
            return not self.trouble, self.trouble or f"well, but {self.why_not()}"
        try:
            socket.create_connection(reachable(address), _CONNECT_TIMEOUT).close()
        except OSError as error:
            return False, f"{self.url} accepts no connection: {error.strerror or error}"
        return True, f"{self.url} accepts connections"


def reachable(address: Address) -> Address:
    """Where to connect to a listener that may listen everywhere."""
    host, port = address
    return _HERE.get(host, host), port


def url(address: Address, *, secure: bool = False) -> str:
    """An address as people write it."""
    host, port = address
    scheme = "https" if secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
