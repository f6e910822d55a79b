"""Settings of the gateway, under `[gateway]`. Times are seconds, sizes bytes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from abi_engine.core.secret import SECRET
from abi_engine.features.gateway.api import Route, Seconds
from abi_engine.runtime.breaker import BreakerSettings

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Name = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[A-Za-z0-9._-]{1,64}$",
        description="1 to 64 letters, digits, dots, dashes and underscores",
    ),
]
Digest = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$", description="64 hexadecimal digits in lower case")
]
Size = Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client may send. Beyond it the request is refused and the connection closed.

    Attributes:
        header_size: the request line and all headers.
        header_count: fields.
        url_size: the request target.
        header_timeout: from the first byte until the head is complete.
        body_rate: bytes a second that a body must reach, on average.
        body_grace: seconds at the beginning of a body in which it need not.
        keepalive_timeout: how long a connection may idle between requests.
        connections: of clients, at once; further ones are answered 503 and closed.
        pipeline: requests that may wait on one connection.
    """

    header_size: Annotated[int, msgspec.Meta(ge=256, le=1 << 20)] = 16 << 10
    header_count: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    url_size: Annotated[int, msgspec.Meta(ge=16, le=1 << 20)] = 8 << 10
    header_timeout: Seconds = 10.0
    body_rate: Size = 1 << 10
    body_grace: Seconds = 5.0
    keepalive_timeout: Seconds = 15.0
    connections: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 20_000
    pipeline: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 32


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate the gateway shows; both are files in PEM, read again at a reload.

    A path that is not absolute begins where the engine was started.

    Attributes:
        certificate: the chain, the gateway's own first.
        key: its private key.
        names: server names it is shown for, `*.example.com` among them; empty means those in the
            certificate.
    """

    certificate: str
    key: str
    names: tuple[str, ...] = ()


class ClientCertificates(StrEnum):
    """Whether clients show a certificate of their own."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """TLS towards clients; without a certificate the gateway speaks plain HTTP.

    Attributes:
        certificates: the first is shown to clients that name no server, or one that is not known.
        minimum: the oldest version that is spoken.
        client_certificates: whether clients show one.
        client_ca: a file of the authorities in PEM that those must come from.
        handshake_timeout: how long a handshake may take.
    """

    certificates: tuple[Certificate, ...] = ()
    minimum: Literal["1.2", "1.3"] = "1.2"
    client_certificates: ClientCertificates = ClientCertificates.NONE
    client_ca: str = ""
    handshake_timeout: Seconds = 10.0


class ApiKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that the gateway knows, by its digest alone.

    Attributes:
        name: whose it is; shown, logged and counted by.
        sha256: of the key, in 64 hexadecimal digits.
        enabled: false refuses it.
    """

    name: Name
    sha256: Annotated[Digest, SECRET]
    enabled: bool = True


class LogFormat(StrEnum):
    """How a request is written down."""

    JSON = "json"
    COMMON = "common"
    COMBINED = "combined"


class GatewayConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The gateway.

    Attributes:
        listen: whether a served engine opens the listener.
        host, port: where; port 0 takes a free one.
        max_routes: how many routes there may be.
        routes: the routes, in TOML as `[[gateway.routes]]`.
        breaker: the settings of every upstream's breaker.
        limits: what a client may send.
        trust_forwarded: take the client's address from `X-Forwarded-For`; only behind a proxy.
        pool_size: idle connections kept to each upstream.
        pool_idle: how long one is kept.
        dns_refresh: how long the addresses of a named upstream are used before it is asked anew.
        tls: TLS towards clients.
        keys: API keys, in TOML as `[[gateway.keys]]`; those made at run time come on top.
        workers: processes that serve clients; 1 means this one alone.
        reuse_port: let another process listen on the same port, so that one can take over.
        trace_context: `pass` hands a valid `traceparent` on; `start` also makes one where there is
            none (W3C Trace Context).
        access_log: a file for one line a request; empty means none. Relative to the data directory.
        access_log_format: of a line.
        access_log_size: at this size a new file is begun; 0 means never.
        access_log_keep: how many old files are kept.
        drain_timeout: how long a stop waits for requests under way.
        linger: how long closed keep-alive connections may still be written to.
        server_name: the pseudonym in `Via`, by which loops are seen with an id of this engine.
    """

    listen: bool = True
    host: str = "127.0.0.1"
    port: Port = 8080
    max_routes: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10_000
    routes: tuple[Route, ...] = ()
    breaker: BreakerSettings = BreakerSettings()
    limits: Limits = Limits()
    trust_forwarded: bool = False
    pool_size: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 64
    pool_idle: Seconds = 30.0
    dns_refresh: Seconds = 30.0
    tls: Tls = Tls()
    keys: tuple[ApiKey, ...] = ()
    workers: Annotated[int, msgspec.Meta(ge=1, le=256)] = 1
    reuse_port: bool = False
    trace_context: Literal["pass", "start"] = "pass"
    access_log: str = "access.log"
    access_log_format: LogFormat = LogFormat.JSON
    access_log_size: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)] = 64 << 20
    access_log_keep: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 5
    drain_timeout: Seconds = 30.0
    linger: Seconds = 2.0
    server_name: Name = "abi"


def check_files(config: GatewayConfig) -> None:
    """See that a listener could use the files of `[gateway.tls]`. Reads them.

    Raises:
        InvalidConfig: one cannot be used, or the settings contradict each other.
    """
    if config.listen:
        from abi_engine.features.gateway.proxy.tls import server_tls

        server_tls(config.tls)
