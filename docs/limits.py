"""Writes `docs/limits.md`: every bound and default of the gateway, read from the code itself.

Refuses a limit without a reason: what is not in `REASONS` fails the test of this page.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec

from abi_engine.features.gateway.config import GatewayConfig, Limits, Tls
from abi_engine.features.gateway.route import (
    Concurrency,
    Cors,
    HealthCheck,
    Retries,
    Route,
    RouteLimit,
    Timeouts,
)
from abi_engine.runtime.breaker import BreakerSettings
from abi_tui.views.meanings import meanings
from docs.render import table

FILE = Path(__file__).parent / "limits.md"
NOTE = "<!-- Written by `make docs` from the source; change docs/limits.py instead. -->"
LEAD = """\
Nothing in the gateway grows without a bound. This page has all of them: what they are by default,
how far they can be moved, what happens beyond, and why they are as they are.

`abi config show gateway --origin` tells what is in force, and [Settings](api/settings.md) has every
other setting. A value out of bounds is an error when the file is read, with its line."""
FIXED_LEAD = """\
These are in the code. They bound what one message, one name or one reader can cost, and no use that
is known needs them otherwise."""


class Part(NamedTuple):
    """A table of the page.

    Attributes:
        title: its heading; lead: a sentence before it.
        prefix: of the settings, as in the configuration.
        kind: the struct that holds them.
    """

    title: str
    lead: str
    prefix: str
    kind: type[msgspec.Struct]


PARTS = (
    Part(
        "What a client may send",
        "Beyond a limit the request is refused and the connection closed.",
        "gateway.limits",
        Limits,
    ),
    Part("The gateway as a whole", "", "gateway", GatewayConfig),
    Part("TLS towards clients", "", "gateway.tls", Tls),
    Part("A route", "In `[[gateway.routes]]`.", "", Route),
    Part(
        "How long a request may take",
        "In `timeouts` of a route. Beyond one the client gets `504`, or, where the answer has "
        "begun, a connection that is cut off.",
        "timeouts",
        Timeouts,
    ),
    Part(
        "How often",
        "In `limit` of a route. Beyond it a request is answered `429` with `Retry-After`, and "
        "costs its client nothing.",
        "limit",
        RouteLimit,
    ),
    Part(
        "How many at once",
        "In `concurrency` of a route; without it any number. Beyond it the answer is `503`.",
        "concurrency",
        Concurrency,
    ),
    Part("Retries", "In `retries` of a route.", "retries", Retries),
    Part(
        "Circuit breakers",
        "In `[gateway.breaker]`, for every upstream.",
        "gateway.breaker",
        BreakerSettings,
    ),
    Part(
        "Health checks",
        "In `health_check` of a route; without it upstreams are not asked.",
        "health_check",
        HealthCheck,
    ),
    Part("Browsers", "In `cors` of a route.", "cors", Cors),
)

# Why a limit is as it is, by the setting as the page has it.
REASONS = {
    "gateway.limits.header_size": "`431`. Cookies of a few KiB fit; it is held in memory whole.",
    "gateway.limits.header_count": "`431`. Browsers send about 20; each costs a scan.",
    "gateway.limits.url_size": "`414`. As long as common servers take.",
    "gateway.limits.header_timeout": "`408`. Ends who sends a letter now and then (slowloris).",
    "gateway.limits.body_rate": "`408`. Slower than any modem; slower still is an attack.",
    "gateway.limits.body_grace": "A client may need a moment before it sends.",
    "gateway.limits.keepalive_timeout": "Closed. Longer than the pause within a page, short enough "
    "that idle clients cost little.",
    "gateway.limits.connections": "`503`. Each takes a descriptor and a few KiB; two descriptors "
    "where it has an upstream.",
    "gateway.limits.pipeline": "Not read further until one is answered.",
    "gateway.max_routes": "The next route is refused; so a loop in a script cannot fill memory.",
    "gateway.pool_size": "Further idle connections are closed. As many as one upstream usually "
    "answers at once.",
    "gateway.pool_idle": "Closed. Shorter than the keep-alive of most servers, so that a request "
    "seldom meets a connection that was just closed.",
    "gateway.dns_refresh": "As long as records of balancers usually live.",
    "gateway.workers": "One process serves one core; see [Tuning](tuning.md).",
    "gateway.access_log_size": "A new file is begun; a full disk is worse than a lost line.",
    "gateway.access_log_keep": "The oldest is removed.",
    "gateway.drain_timeout": "What is still under way is cut. As long as orchestrators usually "
    "wait before they kill.",
    "gateway.linger": "So that an answer and its `Connection: close` arrive before the reset.",
    "gateway.tls.handshake_timeout": "Closed. A handshake costs more than a request.",
    "weights": "Proportions, not counts.",
    "max_body": "`413`, before the upstream is asked where the length is known. A body is passed "
    "on as it comes, never held.",
    "timeouts.connect": "One lost packet is sent again within it, twice.",
    "timeouts.first_byte": "Longer than a slow page, shorter than patience.",
    "timeouts.idle": "A peer that vanished sends nothing at all.",
    "timeouts.total": "Bounds what one request can hold.",
    "limit.rate": "A limit is on unless it is switched off.",
    "limit.burst": "A page with its parts fits into two seconds' worth.",
    "limit.window": "As the rate is said: a second.",
    "limit.buckets": "More parts, shorter needless refusals; each is a number a client.",
    "concurrency.limit": "No default: only its owner knows what an upstream bears.",
    "concurrency.queue": "None wait unless told to: a queue hides that too much comes.",
    "concurrency.queue_timeout": "`503`. Who waited longer has gone.",
    "retries.attempts": "One more server; trouble that two have is no accident.",
    "retries.statuses": "Those by which a server says that it, not the request, is at fault.",
    "retries.held_body": "A longer body is sent once. It is held for each request under way.",
    "gateway.breaker.failure_threshold": "Fewer open by accident.",
    "gateway.breaker.reset_timeout": "A service that restarts is back by then.",
    "gateway.breaker.half_open_max": "Enough to tell, few enough to fail.",
    "gateway.breaker.failure_ratio": "Off: five in a row is what most need.",
    "gateway.breaker.window": "The same minute as every rate that is shown.",
    "gateway.breaker.minimum_calls": "A share of a few calls means nothing.",
    "gateway.breaker.slow_call": "Off: what is slow differs by upstream.",
    "gateway.breaker.trial_timeout": "A trial that never ends would keep it half open.",
    "gateway.breaker.reset_growth": "Off. 2 spares an upstream that stays away.",
    "gateway.breaker.reset_timeout_max": "So that it is tried again however often it failed.",
    "gateway.breaker.jitter": "Off. 0.1 keeps many gateways from trying at the same moment.",
    "health_check.interval": "A tenth of it more or less, so that many do not ask together.",
    "health_check.timeout": "Slower than that is not well.",
    "health_check.healthy": "Back with the second good answer.",
    "health_check.unhealthy": "One lost packet takes nobody out.",
    "health_check.statuses": "Any answer that is no error means well.",
    "cors.max_age": "Browsers keep it no longer than some hours.",
}


class Fixed(NamedTuple):
    """A bound in the code: where it is, what it bounds, what happens beyond."""

    module: str
    name: str
    what: str
    beyond: str
    unit: str = ""


NO_LIMITS = {"port"}
TIMES = {
    *("body_grace", "pool_idle", "dns_refresh", "linger", "connect", "first_byte", "idle", "total"),
    *("window", "slow_call", "interval", "max_age"),
}
SIZES = ("header_size", "url_size", "access_log_size", "max_body", "held_body", "body_rate")

GATEWAY = "abi_engine.features.gateway"
FIXED = (
    Fixed(f"{GATEWAY}.route_rules", "UPSTREAMS_MAX", "upstreams of a route", "refused"),
    Fixed(f"{GATEWAY}.route_rules", "_PATH_SIZE", "the path of a route", "refused", "bytes"),
    Fixed(f"{GATEWAY}.upstreams", "_URL_SIZE", "the URL of an upstream", "refused", "bytes"),
    Fixed(f"{GATEWAY}.live_route", "REQUESTS_PER_RETRY", "requests that earn one retry",
          "no retry: a fifth at most"),
    Fixed(f"{GATEWAY}.live_route", "RETRY_RESERVE", "retries a route may save up", "no retry"),
    Fixed(f"{GATEWAY}.proxy.body", "_LINE_SIZE", "a line with a chunk's size", "`400`", "bytes"),
    Fixed(f"{GATEWAY}.proxy.body", "_OVERHEAD", "chunk lines beyond what the chunks hold", "`400`",
          "bytes"),
    Fixed(f"{GATEWAY}.proxy.upstream_connection", "_HEAD_SIZE", "the head of a response",
          "`502`", "bytes"),
    Fixed(f"{GATEWAY}.proxy.upstream_connection", "_INTERIM", "1xx answers before the real one",
          "`502`"),
    Fixed(f"{GATEWAY}.proxy.headers", "_ID_SIZE", "a request id of a client that is taken over",
          "a new one is made", "bytes"),
    Fixed(f"{GATEWAY}.proxy.listener", "BACKLOG", "connections that wait to be accepted",
          "the system refuses (see `net.core.somaxconn`)"),
    Fixed(f"{GATEWAY}.keys", "KEY_SIZE_MAX", "an API key that a client sends", "`401`", "bytes"),
    Fixed("abi_engine.service.frames", "MAX_FRAME", "one message on the control socket",
          "an error", "bytes"),
    Fixed("abi_engine.service.server", "MAX_CLIENTS", "clients of the control socket", "refused"),
    Fixed("abi_engine.service.admin", "MAX_CONNECTIONS", "connections to health and metrics",
          "`503`"),
    Fixed("abi_engine.service.serve", "LOG_SIZE", "the engine's own log", "a new file is begun",
          "bytes"),
    Fixed("abi_engine.core.events", "RING_SIZE", "events that are remembered", "the oldest go"),
    Fixed("abi_engine.runtime.logs", "RING_SIZE", "log lines that are remembered", "the oldest go"),
)  # fmt: skip


def limits_page() -> str:
    """The page."""
    parts = [NOTE, "# Limits and defaults", LEAD]
    for part in PARTS:
        header = ("Setting", "Default", "Bounds", "What", "Beyond it, and why")
        parts += [f"## {part.title}", part.lead, table(header, _rows(part))]
    parts += ["## Fixed", FIXED_LEAD, table(("What", "At most", "Beyond it"), _fixed_rows())]
    return "\n\n".join(filter(None, parts)) + "\n"


def settings(part: Part) -> Iterator[tuple[str, msgspec.structs.FieldInfo]]:
    """(key, field) of everything in a part that has a size, a count or a time."""
    for field in msgspec.structs.fields(part.kind):
        if field.name not in NO_LIMITS and _is_bounded(field.type):
            yield f"{part.prefix}.{field.name}".lstrip("."), field


def value_words(value: object, name: str) -> str:
    """A value with its unit: `16 KiB`, `10 s`."""
    if value is None:
        return "off"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    if name in SIZES:
        return _size(int(value)) + ("/s" if name.endswith("rate") else "")
    unit = " s" if name in TIMES or name.endswith(("timeout", "timeout_max")) else ""
    exact = isinstance(value, int) or (value.is_integer() and 1 <= value < 1e9)
    number = f"{int(value):,}".replace(",", " ") if exact else f"{value:g}"
    return number + unit


def _rows(part: Part) -> Iterator[tuple[str, ...]]:
    said = meanings(part.kind)
    for key, field in settings(part):
        default = "" if field.required else value_words(_default(field), field.name)
        yield (
            f"`{key}`",
            default or "none",
            _bounds(field.type, field.name),
            said.get(field.name, ""),
            REASONS.get(key, ""),
        )


def _bounds(kind: Any, name: str) -> str:
    """From where to where, with units; of a list, each of its members."""
    if get_origin(kind) is not Annotated:
        return next(filter(None, (_bounds(one, name) for one in get_args(kind))), "")
    meta = next(one for one in get_args(kind) if isinstance(one, msgspec.Meta))
    start = f"above {value_words(meta.gt, name)}" if meta.gt is not None else ""
    if meta.ge is not None:
        start = value_words(meta.ge, name)
    return f"{start} to {value_words(meta.le, name)}"


def _default(field: msgspec.structs.FieldInfo) -> object:
    factory = field.default_factory
    return field.default if factory is msgspec.NODEFAULT else factory()


def _is_bounded(kind: Any) -> bool:
    """Whether a type has numbers with bounds in it."""
    if get_origin(kind) is Annotated:
        inner, *facts = get_args(kind)
        return inner in (int, float) and any(isinstance(one, msgspec.Meta) for one in facts)
    if isinstance(kind, type) and issubclass(kind, Enum | msgspec.Struct):
        return False
    return any(_is_bounded(one) for one in get_args(kind))


def _fixed_rows() -> Iterator[tuple[str, str, str]]:
    for one in FIXED:
        value = getattr(import_module(one.module), one.name)
        at_most = _size(value) if one.unit == "bytes" else f"{value:,}".replace(",", " ")
        yield one.what, at_most, one.beyond


def _size(count: int) -> str:
    units = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    for power in range(len(units), 0, -1):
        if count >= 1 << (10 * power) and count % (1 << (10 * power)) == 0:
            return f"{count >> (10 * power)} {units[power - 1]}"
    return "1 byte" if count == 1 else f"{count} bytes"
