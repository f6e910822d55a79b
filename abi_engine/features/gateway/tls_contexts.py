"""What https upstreams are connected with: one context for each settings of TLS, made once.

Refuses to load OpenSSL before a route has an https upstream.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from abi_engine.core.errors import InvalidArguments
from abi_engine.core.text import safe
from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.api import InvalidRoute, Route, UpstreamTls

if TYPE_CHECKING:
    from ssl import SSLContext


class TlsContexts:
    """The contexts. Thread-safe; a file is read by whoever is the first to need it."""

    def __init__(self) -> None:
        self._made: dict[UpstreamTls, SSLContext] = {}
        self._renewed: dict[UpstreamTls, SSLContext] | None = None
        self._lock = Lock()

    def get(self, settings: UpstreamTls) -> SSLContext | None:
        """The context for these settings, if it was made already."""
        return self._made.get(settings)

    def of(self, settings: UpstreamTls) -> SSLContext:
        """The context for these settings; reads their files where it is new.

        Raises:
            InvalidArguments: a file is missing, unreadable or no PEM.
        """
        from abi_engine.features.gateway.upstream_tls import make_context  # loads OpenSSL

        with self._lock:
            known = self._made if self._renewed is None else self._renewed
            made = known.get(settings)
            if made is None:
                made = known[settings] = make_context(settings)
        return made

    def check(self, route: Route, addresses: Iterable[UpstreamAddress]) -> None:
        """See that the https upstreams of a route can be spoken to as it asks.

        Raises:
            InvalidRoute: they cannot, with what is wrong.
        """
        secured = [address for address in addresses if address.tls is not None]
        try:
            for address in secured:
                _check_name(server_name(address))
            if secured:
                self.of(route.upstream_tls)
        except InvalidArguments as error:
            raise _invalid(route, error.message, error.hint) from error
        if not secured and route.upstream_tls != UpstreamTls():
            raise _invalid(route, "upstream_tls is for https upstreams, and there is none")

    def keep(self, used: Iterable[UpstreamTls]) -> None:
        """Forget every context that none of these settings is for."""
        kept = set(used)
        with self._lock:
            self._made = {one: made for one, made in self._made.items() if one in kept}

    @contextmanager
    def renewal(self) -> Iterator[None]:
        """Read the files of all routes that are checked in it again, and forget every other.

        Connections use the new ones once it has ended well; if it fails, nothing has changed.
        """
        self._renewed = {}
        try:
            yield
        except BaseException:
            self._renewed = None
            raise
        with self._lock:
            self._made, self._renewed = self._renewed, None


def server_name(address: UpstreamAddress) -> str:
    """The name that the upstream's certificate must have.

    It is asked for in the handshake as well, unless it is an IP address (RFC 6066, section 3).
    """
    name = address.tls.server_name if address.tls is not None else ""
    return (name or address.host).rstrip(".")


def _invalid(route: Route, problem: str, hint: str = "") -> InvalidRoute:
    return InvalidRoute(f"route '{safe(route.path, limit=200)}': {problem}", hint=hint)


def _check_name(name: str) -> None:
    try:
        fits = name.isascii() and bool(name.encode("idna"))
    except UnicodeError:
        fits = False
    if not fits:
        raise InvalidArguments(f"'{safe(name, limit=100)}' is no name for a certificate")
