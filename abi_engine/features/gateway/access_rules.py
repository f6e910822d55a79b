"""What the settings of a route must be like that say who may use it, and how.

Refuses what could never match, and what would open more than it says.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from abi_engine.core.text import safe
from abi_engine.features.gateway.api import Cors, Route, RouteAuth
from abi_engine.features.gateway.cors import ANY
from abi_engine.features.gateway.keys import is_name
from abi_engine.features.gateway.proxy.head import FORWARDING, HOP_BY_HOP, OWN
from abi_engine.features.gateway.tokens import is_token

_OF_THE_GATEWAY: Final = frozenset(name.decode() for name in HOP_BY_HOP | OWN | FORWARDING)
_SCHEMES: Final = {"http": 80, "https": 443}
_ORIGIN_SIZE: Final = 300
_NEVER: Final = frozenset(("h2", "h2c", "http", "tls"))
"""Protocols by which a client would get at an upstream past every rule of the gateway."""


def access_problem(route: Route) -> str:
    """What is wrong with `auth`, `cors` and `upgrades` of a route; empty where nothing is."""
    return _auth_problem(route.auth) or _cors_problem(route.cors) or _upgrades_problem(route)


def _auth_problem(auth: RouteAuth | None) -> str:
    if auth is None:
        return ""
    if not auth.accept:
        return "auth.accept is empty: no key could ever come"
    name = auth.header
    if not is_token(name):
        return f"auth.header '{_shown(name)}' is no header name"
    if name.lower() == "authorization":
        return 'auth.header is Authorization: accept = ["bearer"] takes keys from there'
    if name.lower() in _OF_THE_GATEWAY:
        return f"auth.header {name} is one that the gateway reads or writes itself"
    for key in auth.keys:
        if not is_name(key):
            return f"auth.keys has '{_shown(key)}', which no key may be called"
    return _twice("auth.accept", auth.accept) or _twice("auth.keys", auth.keys)


def _cors_problem(cors: Cors | None) -> str:
    if cors is None:
        return ""
    if not cors.origins:
        return "cors.origins is empty: leave cors out, or name an origin"
    if ANY in cors.origins:
        if len(cors.origins) > 1:
            return "cors.origins has * and others: * stands for all of them"
        if cors.credentials:
            return "cors.credentials with any origin would let every page act for its visitors"
    for origin in cors.origins:
        problem = _origin_problem(origin)
        if problem:
            return problem
    return (
        _names_problem("cors.headers", cors.headers, any_allowed=True)
        or _names_problem("cors.expose", cors.expose, any_allowed=not cors.credentials)
        or _methods_problem(cors.methods)
        or _twice("cors.origins", cors.origins)
    )


def _origin_problem(origin: str) -> str:
    """What differs from how browsers send it: `scheme://host[:port]`, without the usual port."""
    if origin in (ANY, "null"):
        return ""
    shown = f"cors.origins has '{_shown(origin)}'"
    if len(origin) > _ORIGIN_SIZE or not origin.isascii() or not origin.isprintable():
        return f"{shown}: no browser sends that"
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return f"{shown}: expected scheme://host[:port]"
    if not parts.hostname or f"{parts.scheme}://{parts.netloc}" != origin or "@" in origin:
        right = f"{parts.scheme}://{parts.netloc}".lower()
        hint = f"; write '{_shown(right)}'" if parts.netloc and "@" not in origin else ""
        return f"{shown}: expected scheme://host[:port]{hint}"
    if origin != origin.lower():
        return f"{shown}: browsers send lower case; write '{_shown(origin.lower())}'"
    if port is not None and _SCHEMES.get(parts.scheme) == port:
        return f"{shown}: browsers leave out port {port} of {parts.scheme}"
    if parts.netloc.endswith(":") or set(" *\"'<>,;\\") & set(origin):
        return f"{shown}: expected scheme://host[:port]"
    return ""


def _methods_problem(methods: tuple[str, ...]) -> str:
    for method in methods:
        if not is_token(method) or method == ANY:
            return f"cors.methods has '{_shown(method)}', which is no method"
        if method != method.upper():
            return f"cors.methods are upper case: {_shown(method.upper())}"
    return _twice("cors.methods", methods)


def _names_problem(field: str, names: tuple[str, ...], *, any_allowed: bool) -> str:
    for name in names:
        if not is_token(name):
            return f"{field} has '{_shown(name)}', which is no header name"
    if ANY in names and not any_allowed:
        return f"{field} has *, which means nothing to browsers that send credentials"
    return _twice(field, tuple(name.lower() for name in names))


def _upgrades_problem(route: Route) -> str:
    for protocol in route.upgrades:
        name, slash, version = protocol.partition("/")
        if not is_token(name) or (slash and not is_token(version)):
            return f"upgrades has '{_shown(protocol)}', which is no protocol"
        if protocol != protocol.lower():
            return f"upgrades are lower case: {_shown(protocol.lower())}"
        if name in _NEVER:
            return f"upgrades has {protocol}, which would lead past the gateway"
    return _twice("upgrades", route.upgrades)


def _twice(field: str, values: tuple[str, ...]) -> str:
    return f"{field} names something twice" if len(set(values)) < len(values) else ""


def _shown(text: str) -> str:
    return safe(text, limit=100)
