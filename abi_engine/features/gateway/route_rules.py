"""What a route must be like. Refuses what could never match or be forwarded, or is ambiguous."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from abi_engine.core.errors import InvalidArguments
from abi_engine.core.text import safe
from abi_engine.features.gateway.access_rules import access_problem
from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.api import Balance, InvalidRoute, LimitBy, Route
from abi_engine.features.gateway.paths import BadTarget, normalise
from abi_engine.features.gateway.proxy.head import BadMessage, check_host
from abi_engine.features.gateway.proxy.headers import rule_problem
from abi_engine.features.gateway.tokens import is_token
from abi_engine.features.gateway.upstreams import parse_upstream
from abi_engine.structures.radix_tree import check_pattern

UPSTREAMS_MAX: Final = 64
_PATH_SIZE: Final = 2048
_METHOD_SIZE: Final = 32
_WILDCARDS: Final = frozenset(("0.0.0.0", "::", ""))  # noqa: S104 - compared, never bound
_SAME: Final = {
    "localhost": frozenset(("127.0.0.1", "::1")),
    "0.0.0.0": frozenset(("127.0.0.1",)),  # noqa: S104 - a connection there goes to this machine
    "::": frozenset(("::1",)),
}


class Listener(NamedTuple):
    """Where the gateway itself listens; port 0 where that is not known."""

    host: str
    port: int


def check_route(route: Route, listener: Listener) -> tuple[UpstreamAddress, ...]:
    """See that a route can work; its upstreams' addresses, in order.

    Args:
        route: any.
        listener: of the gateway itself, which no upstream may be.

    Raises:
        InvalidRoute: it cannot, with what is wrong.
    """
    for problem in (
        _path_problem(route),
        _methods_problem(route),
        _prefix_problem(route),
        _balance_problem(route),
        _limit_problem(route),
        _health_problem(route),
        access_problem(route),
        rule_problem(route.request_headers),
        rule_problem(route.response_headers),
    ):
        if problem:
            raise InvalidRoute(f"route '{safe(route.path, limit=200)}': {problem}")
    return _addresses(route, listener)


def as_route(value: object) -> Route:
    """The same route with every field of its type, lists and words of choices taken as such.

    Raises:
        InvalidRoute: a field is of another type, or out of range.
        InvalidArguments: it is no route at all.
    """
    if not isinstance(value, Route):
        raise InvalidArguments(f"route is a {type(value).__name__}: expected a Route")
    try:
        return msgspec.convert(msgspec.to_builtins(value), Route)
    except (msgspec.ValidationError, TypeError) as error:
        shown = safe(str(value.path), limit=200)
        raise InvalidRoute(f"route '{shown}': {safe(str(error), limit=200)}") from error


def _path_problem(route: Route) -> str:
    path = route.path
    if len(path) > _PATH_SIZE:
        return f"the path has {len(path)} characters, at most {_PATH_SIZE} may be"
    try:
        check_pattern(path)
        literal = "/".join("x" if part[:1] == "{" else part for part in path.split("/"))
        normal = normalise(literal)
    except InvalidArguments as error:
        return f"{error.message}; {error.hint}"
    except BadTarget as error:
        return error.reason
    return "" if normal == literal else f"no request has such a path; write '{safe(normal)}'"


def _methods_problem(route: Route) -> str:
    if len(set(route.methods)) < len(route.methods):
        return "a method is there twice"
    for method in route.methods:
        if len(method) > _METHOD_SIZE or not is_token(method):
            return f"'{safe(method, limit=40)}' is no method"
        if method != method.upper():
            return f"methods are upper case: {safe(method.upper())}"
        if method in ("CONNECT", "*"):
            return f"{method} is not served"
    return ""


def _prefix_problem(route: Route) -> str:
    prefix = route.strip_prefix
    if not prefix:
        return ""
    if not prefix.startswith("/") or prefix.endswith("/"):
        return f"strip_prefix '{safe(prefix)}' begins with / and does not end with it"
    if not (route.path + "/").startswith(prefix + "/"):
        return f"strip_prefix '{safe(prefix)}' is not what the path begins with"
    return ""


def _balance_problem(route: Route) -> str:
    count, weights = len(route.upstreams), len(route.weights)
    if not 1 <= count <= UPSTREAMS_MAX:
        return f"{count} upstreams: from 1 to {UPSTREAMS_MAX}"
    if len(set(route.upstreams)) < count:
        return "an upstream is there twice"
    if route.balance is Balance.WEIGHTED and weights != count:
        return f"{weights} weights for {count} upstreams: one for each"
    if weights and route.balance is not Balance.WEIGHTED:
        return f"weights need balance = weighted: {route.balance.value}"
    if route.hash_header and not is_token(route.hash_header):
        return f"hash_header '{safe(route.hash_header)}' is no header name"
    return ""


def _limit_problem(route: Route) -> str:
    limit = route.limit
    if limit is None or limit.by is not LimitBy.HEADER:
        return ""
    return "" if is_token(limit.header) else f"limit.header '{safe(limit.header)}' is no name"


def _health_problem(route: Route) -> str:
    check = route.health_check
    if check is None or not check.host:
        return ""
    try:
        check_host(check.host.encode("ascii"))
    except (BadMessage, UnicodeError):
        return f"health_check.host '{safe(check.host, limit=100)}' is no host"
    return ""


def _addresses(route: Route, listener: Listener) -> tuple[UpstreamAddress, ...]:
    addresses = tuple(parse_upstream(url, route.upstream_tls) for url in route.upstreams)
    for address in addresses:
        if address.port == listener.port and _is_same_host(address.host, listener.host):
            raise InvalidRoute(
                f"route '{safe(route.path)}': upstream {safe(address.name)} is this gateway itself",
                hint="name the server that answers, not the gateway",
            )
    return addresses


def _is_same_host(upstream: str, listener: str) -> bool:
    if listener in _WILDCARDS:
        return upstream.startswith("127.") or upstream in _SAME or upstream == "::1"
    return not _names(upstream).isdisjoint(_names(listener))


def _names(host: str) -> frozenset[str]:
    return _SAME.get(host, frozenset((host,)))
