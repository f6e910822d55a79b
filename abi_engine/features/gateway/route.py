"""What a route is: where its requests go, and what is done to them on the way.

Refuses to know what became of any request; `reports.py` has that.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated

import msgspec

from abi_engine.core.secret import HIDDEN, Secret
from abi_engine.runtime.limiter import LimitSettings

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class Balance(StrEnum):
    """How an upstream is chosen among those whose breaker lets requests through."""

    ROUND_ROBIN = "round_robin"
    LEAST_IN_FLIGHT = "least_in_flight"
    WEIGHTED = "weighted"
    CONSISTENT_HASH = "consistent_hash"


class LimitBy(StrEnum):
    """Whose requests are counted together."""

    ADDRESS = "address"
    HEADER = "header"
    ROUTE = "route"
    KEY = "key"


class RouteLimit(LimitSettings, frozen=True, forbid_unknown_fields=True):
    """A limit of a route.

    Attributes:
        by: whose requests are counted together: one client address, one value of a header, one API
            key, all. A request without a key that is known counts by address.
        header: the header's name, where `by` is `header`; a request without it counts by address.
        enabled: false means no limit, which TOML cannot say with a missing value.
    """

    by: LimitBy = LimitBy.ADDRESS
    header: str = ""
    enabled: bool = True


class Timeouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """How long a request may take, in seconds.

    Attributes:
        connect: until the connection to the upstream stands.
        first_byte: from the end of the request until the response begins.
        idle: without a byte either way, once bodies flow.
        total: from the first byte of the request, or from its turn where it had to wait for one,
            to the last of the response.
    """

    connect: Seconds = 5.0
    first_byte: Seconds = 30.0
    idle: Seconds = 60.0
    total: Seconds = 300.0

    @cached_property
    def shortest(self) -> float:
        """The shortest of them."""
        return min(self.connect, self.first_byte, self.idle, self.total)


class HeaderRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is done to the headers of a message: first `remove`, then `set`, then `add`.

    To `remove` and `set`, names with `_` for `-` are the same: behind CGI or WSGI they would be.

    Attributes:
        set: fields that replace those of their name.
        add: fields that are added to those of their name.
        remove: names of fields that are taken off.
    """

    set: dict[str, Secret] = {}
    add: dict[str, Secret] = {}
    remove: tuple[str, ...] = ()

    def told(self) -> HeaderRules:
        """The rules as they are told: they may hold credentials, so values are `<hidden>`."""
        if not (self.set or self.add):
            return self
        names, added = dict.fromkeys(self.set, HIDDEN), dict.fromkeys(self.add, HIDDEN)
        return HeaderRules(names, added, self.remove)


class Retries(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a request is sent again, to another upstream.

    Only while no byte of an answer has gone out and the whole body sent so far is held. Where there
    was no connection, nothing had been sent, and any method is retried. Else only idempotent ones
    are, and never more than a fifth of the route's requests.

    Attributes:
        attempts: how many further upstreams are tried; 0 means none.
        statuses: answers of an upstream that are a reason, beside failures and time-outs.
        held_body: how many bytes of a request's body are kept for it.
    """

    attempts: Annotated[int, msgspec.Meta(ge=0, le=8)] = 1
    statuses: tuple[Annotated[int, msgspec.Meta(ge=500, le=599)], ...] = (502, 503, 504)
    held_body: Annotated[int, msgspec.Meta(ge=0, le=1 << 20)] = 64 << 10


class HealthCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the upstreams of a route are asked whether they are well; times are seconds.

    Attributes:
        path: asked for with GET, after the upstream's own prefix.
        interval: between two checks of one upstream, a tenth more or less.
        timeout: of one check.
        healthy, unhealthy: so many good or bad checks in a row change what is thought of it.
        statuses: good answers; empty means 200 to 399.
        host: sent as `Host`; empty means the upstream's own.
    """

    path: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^/[!-~]*$",
            description="a path that begins with /, in printable ASCII without spaces",
            max_length=2048,
        ),
    ] = "/"
    interval: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 10.0
    timeout: Annotated[float, msgspec.Meta(ge=0.01, le=300)] = 2.0
    healthy: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    unhealthy: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    statuses: tuple[Annotated[int, msgspec.Meta(ge=200, le=599)], ...] = ()
    host: str = ""


class UpstreamTls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How `https` upstreams of a route are spoken to.

    Attributes:
        verify: check the certificate and the name in it; only for tests may it be off.
        ca: a file of authorities in PEM; empty means the system's.
        certificate, key: files in PEM that the gateway shows of itself; empty means none.
        server_name: asked for, and checked, in place of the URL's host.
    """

    verify: bool = True
    ca: str = ""
    certificate: str = ""
    key: str = ""
    server_name: str = ""


class Concurrency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many requests of a route are worked on at once; further ones wait their turn.

    Attributes:
        limit: at once.
        queue: how many may wait; further ones are answered 503 at once.
        queue_timeout: how long one waits, in seconds, before it is answered 503.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    queue: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    queue_timeout: Seconds = 5.0


class AuthScheme(StrEnum):
    """Where a client puts its key: in a header of its own, or behind `Authorization: Bearer`."""

    API_KEY = "api_key"
    BEARER = "bearer"


class RouteAuth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may use a route: the holders of API keys.

    Attributes:
        accept: where the key may be; two different keys in one request are refused.
        header: the header for `api_key`.
        keys: names of keys that open it; empty means every key the gateway knows.
        forward: let the upstream see the key.
    """

    accept: tuple[AuthScheme, ...] = (AuthScheme.API_KEY, AuthScheme.BEARER)
    header: str = "X-API-Key"
    keys: tuple[str, ...] = ()
    forward: bool = False


class Cors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which pages of other origins may use a route from a browser (Fetch standard).

    Attributes:
        origins: such as `https://app.example`; `*` means any.
        methods: that may be used; empty means those of the route.
        headers: that a page may send; `*` means any it asks for.
        expose: headers of the answer that a page may read.
        credentials: whether cookies and keys may go with it; not with `*` as an origin.
        max_age: seconds for which a browser may keep the answer to its question.
    """

    origins: tuple[str, ...]
    methods: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    expose: tuple[str, ...] = ()
    credentials: bool = False
    max_age: Annotated[int, msgspec.Meta(ge=0, le=86_400)] = 600


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where requests go.

    Attributes:
        path: `/static`, `/users/{id}` or `/files/*`; `*` stands for the rest, and comes last.
        upstreams: `http://host:port[/prefix]` or `https://…`, from 1 to 64.
        methods: upper case; empty means any method. A route for GET answers HEAD too, unless HEAD
            has one of its own; one for a method wins over one for any on the same path.
        weights: one for each upstream, where `balance` is `weighted`.
        balance: how an upstream is chosen.
        hash_header: what `consistent_hash` hashes; empty means the client's address.
        strip_prefix: whole segments taken off the front of the path before it is forwarded.
        limit: None means no limit (in TOML: `limit.enabled = false`).
        timeouts: how long things may take.
        max_body: largest request body in bytes; 0 means none may be sent.
        preserve_host: forward the client's `Host` instead of the upstream's own.
        request_headers, response_headers: rules for headers.
        retries: when a request is sent to another upstream.
        health_check: how upstreams are asked whether they are well; None means they are not asked.
        upstream_tls: how `https` upstreams are spoken to.
        concurrency: how many requests are worked on at once; None means any number.
        auth: who may use it; None means anybody.
        cors: which pages of other origins may; None leaves it to the upstream.
        upgrades: protocols that a connection may change to; `websocket` is one. Empty means none.
        enabled: a disabled route answers 503.
    """

    path: str
    upstreams: tuple[str, ...]
    methods: tuple[str, ...] = ()
    weights: tuple[Annotated[int, msgspec.Meta(ge=1, le=10_000)], ...] = ()
    balance: Balance = Balance.ROUND_ROBIN
    hash_header: str = ""
    strip_prefix: str = ""
    limit: RouteLimit | None = RouteLimit()
    timeouts: Timeouts = Timeouts()
    max_body: Annotated[int, msgspec.Meta(ge=0, le=1 << 60)] = 2 << 30
    preserve_host: bool = False
    request_headers: HeaderRules = HeaderRules()
    response_headers: HeaderRules = HeaderRules()
    retries: Retries = Retries()
    health_check: HealthCheck | None = None
    upstream_tls: UpstreamTls = UpstreamTls()
    concurrency: Concurrency | None = None
    auth: RouteAuth | None = None
    cors: Cors | None = None
    upgrades: tuple[str, ...] = ("websocket",)
    enabled: bool = True

    def told(self) -> Route:
        """The route as it is told, without the values of its header rules."""
        request, response = self.request_headers.told(), self.response_headers.told()
        if request is self.request_headers and response is self.response_headers:
            return self
        return msgspec.structs.replace(self, request_headers=request, response_headers=response)
