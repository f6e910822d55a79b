"""What the commands do to routes: each plan is tried before it is shown. Refuses half a list."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
import msgspec

from abi_engine.config import EngineConfig
from abi_engine.core.expectations import in_words
from abi_engine.core.text import safe
from abi_engine.engine import Engine
from abi_engine.features.gateway.api import HeaderRules, InvalidRoute, Route, RouteStats
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.hidden import without_secrets
from abi_tui.cli import session
from abi_tui.cli.changes import Change, Danger, carry_out
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.route_options import given
from abi_tui.cli.suggestions import nearest
from abi_tui.views.detail import command_line
from abi_tui.views.gateway import route_name
from abi_tui.views.gateway_details import route_command

if TYPE_CHECKING:
    from abi_engine.service.connect import OpenEngine

MAX_INPUT = 64 << 20
PAGE = 10_000


def add(
    invocation: Invocation, path: str, upstreams: tuple[str, ...], options: Mapping[str, Any]
) -> Exit:
    """Add the route of a command line, or those on standard input."""
    if path == "-":
        _refuse_options(upstreams, options)
        added = _routes_from(sys.stdin.buffer.read(MAX_INPUT + 1))
    else:
        if not upstreams:
            message = "URL is missing: where do the requests go?"
            raise click.UsageError(message)
        added = (_route({"path": path, "upstreams": list(upstreams)} | given(options)),)
    with session.engine(invocation) as engine:
        _rehearse(engine, added)
        first = added[0]
        undo = route_command("remove", first.path, first.methods) if len(added) == 1 else ""
        change = Change(tuple(map(_addition, added)), undo)
        return carry_out(invocation, change, lambda: _add_all(engine, added))


def remove(invocation: Invocation, path: str, method: str | None) -> Exit:
    """Remove the route of a path and method, or all of the path."""
    with session.engine(invocation) as engine:
        doomed = _of_path(engine, path, method)
        steps = tuple(f"remove the route {_name(row)} ({row.origin})" for row in doomed)
        change = Change(steps, danger=Danger.MODERATE)
        return carry_out(
            invocation, change, lambda: engine.gateway.remove_route(path, _upper(method))
        )


def switch(invocation: Invocation, path: str, method: str | None, *, on: bool) -> Exit:
    """Switch a route on or off."""
    word, opposite = ("enable", "disable") if on else ("disable", "enable")
    with session.engine(invocation, keeps="the change ends") as engine:
        rows = _of_path(engine, path, method)
        steps = tuple(f"{word} the route {_name(row)}" for row in rows)
        chosen = ("--method", method) if method else ()
        undo = command_line("abi", "gateway", "routes", opposite, path, *chosen)
        return carry_out(
            invocation,
            Change(steps, undo),
            lambda: engine.gateway.set_route_enabled(path, _upper(method), on),
        )


def _refuse_options(upstreams: tuple[str, ...], options: Mapping[str, Any]) -> None:
    if upstreams or any(value not in (None, False, ()) for value in options.values()):
        message = "- takes whole routes from standard input, and no URL or option beside them"
        raise click.UsageError(message)


def _routes_from(text: bytes) -> tuple[Route, ...]:
    if len(text) > MAX_INPUT:
        message = f"standard input has more than {MAX_INPUT} bytes"
        raise click.UsageError(message)
    if not text.strip():
        message = "standard input is empty: it takes a route in JSON, or a list of routes"
        raise click.UsageError(message)
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        hint = 'it takes {"path": "/hello", "upstreams": ["http://127.0.0.1:9000"]}'
        raise InvalidRoute(
            f"standard input is no JSON: {in_words(str(error))}", hint=hint
        ) from error
    listed = found if isinstance(found, list) else [found]
    if not listed:
        message = "standard input has no route"
        raise click.UsageError(message)
    return tuple(map(_route, listed))


def _route(values: Any) -> Route:
    try:
        return msgspec.convert(values, Route)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        field = where.rstrip("`")
        place = f" {field}" if field else ""
        given_value = _at(without_secrets(values, Route), field)
        shown = f"{safe(repr(given_value), limit=60)}: " if given_value is not None else ""
        message = f"route{place}: {shown}{in_words(what)}"
        raise InvalidRoute(message, hint="abi help gateway routes add") from error


def _at(value: Any, field: str) -> Any:
    for word in field.replace("[", ".[").split("."):
        if word.startswith("[") and isinstance(value, list) and word[1:-1].isdigit():
            value = value[int(word[1:-1])]
        elif isinstance(value, dict):
            value = value.get(word)
    return value


def _rehearse(engine: OpenEngine, added: tuple[Route, ...]) -> None:
    """Add the routes to a gateway that nobody sees, beside those that are there.

    Raises:
        AbiError: what would keep one of them from being added.
    """
    there = _all_routes(engine)
    limit = max(GatewayConfig().max_routes, len(there) + len(added))
    config = EngineConfig(sections={"gateway": GatewayConfig(max_routes=limit, routes=there)})
    with Engine(config) as rehearsal:
        for route in added:
            rehearsal.gateway.add_route(route)


def _add_all(engine: OpenEngine, added: tuple[Route, ...]) -> None:
    for route in added:
        engine.gateway.add_route(route)


def _all_routes(engine: OpenEngine) -> tuple[Route, ...]:
    found: list[Route] = []
    while True:
        page = engine.gateway.routes(limit=PAGE, offset=len(found))
        found += map(_without_rules, page)
        if len(page) < PAGE:
            return tuple(found)


def _without_rules(route: Route) -> Route:
    """The values of its rules are not told, and no other route depends on them."""
    rules = HeaderRules()
    return msgspec.structs.replace(route, request_headers=rules, response_headers=rules)


def _of_path(engine: OpenEngine, path: str, method: str | None) -> tuple[RouteStats, ...]:
    """The routes of a path, for one method where one is given.

    Raises:
        RouteNotFound: there is none.
    """
    with nearest(engine, path):
        first = engine.gateway.route_detail(path, _upper(method)).stats
    if method is not None:
        return (first,)
    page = engine.gateway.route_stats(filter=path, limit=PAGE)
    return tuple(row for row in page.rows if row.path == first.path)


def _upper(method: str | None) -> str | None:
    return None if method is None else method.upper()


def _name(row: RouteStats) -> str:
    return route_name(row.path, row.methods)


def _addition(route: Route) -> str:
    name = route_name(route.path, route.methods)
    return f"add the route {name} to {safe(', '.join(route.upstreams))}"
