"""Settings of the gateway, under `[gateway]`. Times are seconds, sizes bytes."""

from __future__ import annotations

from typing import Annotated

import msgspec

from abi_engine.features.gateway.api import Route, Seconds
from abi_engine.runtime.breaker import BreakerSettings

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Size = Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client may send. Beyond it the request is refused and the connection closed.

    Attributes:
        header_size: the request line and all headers.
        header_count: fields.
        url_size: the request target.
        header_timeout: from the first byte until the head is complete.
        body_rate: bytes a second that a body must reach, on average, after `body_grace` seconds.
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
        access_log: a file for one line a request; empty means none. Relative to the data directory.
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
    access_log: str = "access.log"
    drain_timeout: Seconds = 30.0
    linger: Seconds = 2.0
    server_name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "abi"
