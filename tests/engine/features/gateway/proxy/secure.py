"""Certificates in files, and a client that speaks TLS, for tests of the side towards clients."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import trustme

from abi_engine.features.gateway.config import Certificate, Tls
from tests.engine.features.gateway.proxy.client import Client

Tune = Callable[[ssl.SSLContext], object]


class Authority:
    """One that clients trust, and the certificates it gave out."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.folder = folder
        self.file = folder / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.file))

    def issue(self, *names: str, as_: str = "", **options: object) -> Certificate:
        """A certificate for names, with its key, in files called after the first."""
        made = self.authority.issue_cert(*names, **options)  # type: ignore[arg-type]
        stem = as_ or names[0].replace("*", "any")
        chain, key = self.folder / f"{stem}.pem", self.folder / f"{stem}.key"
        chain.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        return Certificate(str(chain), str(key))

    def trusted(self, own: Certificate | None = None) -> ssl.SSLContext:
        """What a client that trusts it uses; `own` is shown by the client."""
        context = ssl.create_default_context(cafile=str(self.file))
        if own is not None:
            context.load_cert_chain(own.certificate, own.key)
        return context


def tls(*certificates: Certificate, **settings: object) -> Tls:
    return Tls(certificates=certificates, **settings)  # type: ignore[arg-type]


def secured(client: Client, context: ssl.SSLContext, name: str | None) -> Client:
    """The same client, inside TLS from here on; `name` is the server's."""
    client.socket = context.wrap_socket(client.socket, server_hostname=name)
    return client
