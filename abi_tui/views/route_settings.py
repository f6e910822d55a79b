"""What was set of a route beyond its path, upstreams and limit. Refuses to repeat the defaults.

Values of headers are not shown: they may be secrets.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from abi_engine.core.text import safe
from abi_engine.features.gateway.api import HeaderRules, Route
from abi_tui.views import numbers
from abi_tui.views.detail import Line, line
from abi_tui.views.table import Tone

LONG = 200


def route_settings(route: Route) -> Iterator[Line]:
    """A line for each setting that is not the default."""
    default = Route(route.path, route.upstreams)
    yield from _choice(route, default)
    yield from _access(route)
    yield from _upstreams(route, default)
    yield from _message(route, default)


def _choice(route: Route, default: Route) -> Iterator[Line]:
    """How an upstream is chosen, and what it is asked for."""
    if route.balance is not default.balance:
        by = f" of {safe(route.hash_header)}" if route.hash_header else ""
        yield line("balance", route.balance.value.replace("_", " ") + by)
    if route.weights:
        yield line("weights", safe(", ".join(map(str, route.weights)), limit=LONG))
    if route.strip_prefix:
        yield line("strip prefix", safe(route.strip_prefix))
    if route.preserve_host:
        yield line("host", "the client's is forwarded")


def _access(route: Route) -> Iterator[Line]:
    """Who may use it, from where, and how many at once."""
    if route.auth is not None:
        yield line("keys", safe(", ".join(route.auth.keys), limit=LONG) or "any that is known")
    if route.cors is not None:
        yield line("origins", safe(", ".join(route.cors.origins), limit=LONG))
    if route.concurrency is not None:
        turns = route.concurrency
        room = f", {numbers.count(turns.queue)} may wait {turns.queue_timeout:g} s"
        at_once = f"{numbers.count(turns.limit)} at once"
        yield line("turns", at_once + (room if turns.queue else ""))


def _upstreams(route: Route, default: Route) -> Iterator[Line]:
    """How upstreams are asked whether they are well, asked again, and spoken to."""
    if route.health_check is not None:
        check = route.health_check
        often = f"every {check.interval:g} s, {check.timeout:g} s each"
        turns = f"bad after {check.unhealthy}, good after {check.healthy}"
        yield line("health check", f"{safe(check.path, limit=LONG)} {often}; {turns}")
    if route.retries != default.retries:
        statuses = ", ".join(map(str, route.retries.statuses)) or "failures alone"
        more = numbers.counted(route.retries.attempts, "more upstream")
        yield line("retries", f"{more}, after {statuses}" if route.retries.attempts else "none")
    if route.upstream_tls != default.upstream_tls:
        yield from _tls(route)


def _tls(route: Route) -> Iterator[Line]:
    tls = route.upstream_tls
    if not tls.verify:
        yield line("upstream TLS", "not verified: any server is trusted", Tone.WARN)
    for name, value in (
        ("upstream CA", tls.ca),
        ("shown to it", tls.certificate),
        ("its name", tls.server_name),
    ):
        if value:
            yield line(name, safe(value, limit=LONG))


def _message(route: Route, default: Route) -> Iterator[Line]:
    """What is done to a message, and how long it may be and take."""
    yield from _headers("request", route.request_headers)
    yield from _headers("response", route.response_headers)
    if route.upgrades != default.upgrades:
        yield line("upgrades", safe(", ".join(route.upgrades), limit=LONG) or "none")
    if route.max_body != default.max_body:
        yield line("max body", numbers.size(route.max_body))
    if route.timeouts != default.timeouts:
        times = msgspec.structs.asdict(route.timeouts).items()
        words = (f"{name.replace('_', ' ')} {value:g}" for name, value in times)
        yield line("timeouts s", "  ".join(words))


def _headers(whose: str, rules: HeaderRules) -> Iterator[Line]:
    done = (("without", rules.remove), ("set", tuple(rules.set)), ("added", tuple(rules.add)))
    words = "; ".join(f"{word} {', '.join(names)}" for word, names in done if names)
    if words:
        yield line(f"{whose} headers", safe(words, limit=LONG))
