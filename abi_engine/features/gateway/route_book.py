"""Every route of the gateway, and what a change of one takes: checks, the file, the table, events.

Refuses to show a change before it is on disk. Changes come one at a time; those who match, and
those who list, never wait for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock

from abi_engine.core.clock import Clock
from abi_engine.core.errors import AbiError, InvalidConfig, Severity
from abi_engine.core.events import EventLog
from abi_engine.core.text import safe
from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.api import Route, RouteNotFound, RouteOrigin, TooManyRoutes
from abi_engine.features.gateway.arrangement import Arrangement, Key, key_of
from abi_engine.features.gateway.live_route import ANY_METHOD, LiveRoute, slots
from abi_engine.features.gateway.route_file import FILE_NAME, RouteFile
from abi_engine.features.gateway.route_rules import Listener, as_route, check_route
from abi_engine.features.gateway.table import RouteTable, without_method
from abi_engine.features.gateway.tls_contexts import TlsContexts
from abi_engine.features.gateway.upstreams import Upstreams


class RouteBook:
    """The routes. Thread-safe.

    Args:
        table: where requests find them.
        upstreams: what they share.
        max_routes: how many there may be.
        clock: time.
        events: where changes are told.
        file: where those made at run time last; None for an engine that lives in memory.
        tls: what https upstreams are connected with.
    """

    def __init__(
        self,
        table: RouteTable,
        upstreams: Upstreams,
        max_routes: int,
        clock: Clock,
        events: EventLog,
        file: RouteFile | None,
        tls: TlsContexts | None = None,
    ) -> None:
        self.listener = Listener("", 0)
        """Where the gateway listens; no upstream may be there."""
        self._table = table
        self._upstreams = upstreams
        self._max_routes = max_routes
        self._clock = clock
        self._events = events
        self._file = file
        self._tls = tls or TlsContexts()
        self._lasting: dict[Key, Route] = {}
        self._changes = Lock()

    def load(self, configured: tuple[Route, ...]) -> None:
        """Put in the routes of the configuration, then those of the file. Once, into an empty book.

        Where both have a route, that of the configuration answers, an event says so, and the
        other stays in the file.

        Raises:
            InvalidConfig: one of them cannot be used, with its place.
            DataDirectoryError: the file cannot be read.
        """
        with self._changes:
            lasting = self._file.read() if self._file is not None else ()
            self._arrange(configured, lasting, self._max_routes).carry_out()
            self._lasting = {key_of(route): route for route in lasting}

    def reload(self, configured: tuple[Route, ...], max_routes: int) -> None:
        """Replace the routes of the configuration, at once; those made at run time stay.

        A route that is as before keeps its counts, its limits and whether it is switched on.

        Raises:
            InvalidConfig: one of them cannot be used, with its place; nothing has changed.
        """
        with self._changes:
            arrangement = self._arrange(configured, self._lasting.values(), max_routes)
            arrangement.carry_out()
            self._max_routes = max_routes
        for kind, lives in (
            ("route_added", arrangement.added),
            ("route_changed", arrangement.changed),
            ("route_removed", arrangement.removed),
        ):
            for live in lives:
                self._tell(kind, live.route.path, live.route.methods)

    def add(self, route: Route) -> None:
        """See `GatewayApi.add_route`."""
        route = as_route(route)
        addresses = self._check(route)
        with self._changes:
            _check_place(self._table, route, self._max_routes)
            self._save({**self._lasting, key_of(route): route})
            self._put(route, addresses, RouteOrigin.RUNTIME)
        self._tell("route_added", route.path, route.methods)

    def remove(self, path: str, method: str | None) -> bool:
        """See `GatewayApi.remove_route`."""
        with self._changes:
            forgotten = self._forget(path, method)
            removals = self._table.plan_removal(path, method)
            self._table.remove(removals)
            for removal in removals:
                if removal.remaining is None:
                    self._upstreams.release(removal.live.targets)
            if any(_is_secured(removal.live) for removal in removals):
                self._tls.keep(live.route.upstream_tls for live in self._table.all())
        for removal in removals:
            self._tell("route_removed", path, removal.methods)
        return forgotten or bool(removals)

    def set_enabled(self, path: str, method: str | None, enabled: bool) -> None:
        """See `GatewayApi.set_route_enabled`."""
        lives = self._table.routes_of(path, method)
        if not lives:
            raise not_found(path, method)
        for live in lives:
            if live.enabled != enabled:
                live.enabled = enabled
                self._tell("route_enabled" if enabled else "route_disabled", path, live.slots)

    def _check(self, route: Route) -> tuple[UpstreamAddress, ...]:
        addresses = check_route(route, self.listener)
        self._tls.check(route, addresses)
        return addresses

    def _arrange(
        self, configured: Iterable[Route], lasting: Iterable[Route], max_routes: int
    ) -> Arrangement:
        """The routes of a configuration, and those that last behind them."""
        found = Arrangement(self._table, self._upstreams, self._clock, self._events)
        try:
            for number, given in enumerate(configured):
                self._arrange_configured(found, number, given, max_routes)
            for number, route in enumerate(lasting):
                self._arrange_lasting(found, number, route, max_routes)
        except BaseException:
            found.give_up()
            raise
        return found

    def _arrange_configured(
        self, found: Arrangement, number: int, given: Route, max_routes: int
    ) -> None:
        try:
            route = as_route(given)
            addresses = self._check(route)
            _check_place(found.table, route, max_routes)
        except AbiError as error:
            place = f"gateway.routes[{number}]"
            raise InvalidConfig(f"{place}: {error.message}", hint=error.hint) from error
        found.put(route, addresses, RouteOrigin.CONFIG)

    def _arrange_lasting(
        self, found: Arrangement, number: int, route: Route, max_routes: int
    ) -> None:
        try:
            addresses = self._check(route)
            other = found.table.occupant(route)
            if other is not None and other.origin is RouteOrigin.CONFIG:
                self._tell_shadowed(route)
                return
            _check_place(found.table, route, max_routes)
        except AbiError as error:
            if self._file is not None:
                self._file.refuse(number, error.message)
            raise InvalidConfig(f"a route made at run time: {error.message}") from error
        found.put(route, addresses, RouteOrigin.RUNTIME)

    def _put(
        self, route: Route, addresses: tuple[UpstreamAddress, ...], origin: RouteOrigin
    ) -> None:
        targets = self._upstreams.acquire(addresses, route.health_check)
        self._table.add(LiveRoute(route, origin, targets, self._clock, self._events))

    def _save(self, lasting: dict[Key, Route]) -> None:
        """Replace what lasts: on disk, or not at all."""
        if self._file is not None:
            self._file.write(lasting.values())
        self._lasting = lasting

    def _forget(self, path: str, method: str | None) -> bool:
        """Take routes out of the file, those that wait behind the configuration's included."""
        lasting: dict[Key, Route] = {}
        changed = False
        for key, route in self._lasting.items():
            if route.path != path or (method is not None and method not in slots(route)):
                lasting[key] = route
                continue
            changed = True
            remaining = without_method(route, method)
            if remaining is not None:
                lasting[key_of(remaining)] = remaining
        if changed:
            self._save(lasting)
        return changed

    def _tell(self, kind: str, path: str, methods: tuple[str, ...]) -> None:
        done = kind.removeprefix("route_")
        words = " ".join(methods) if methods and methods != (ANY_METHOD,) else ""
        name = f"{words} {path}".strip()
        self._events.add("gateway", kind, f"route {name} {done}", subject=path, methods=words)

    def _tell_shadowed(self, route: Route) -> None:
        self._events.add(
            "gateway",
            "route_shadowed",
            f"route {route.path} of {FILE_NAME} waits: the configuration has that route",
            subject=route.path,
            severity=Severity.WARNING,
        )


def _is_secured(live: LiveRoute) -> bool:
    return any(target.address.tls is not None for target in live.targets)


def not_found(path: str, method: str | None) -> RouteNotFound:
    """The error for a route that is not there."""
    words = f"route '{safe(path, limit=200)}'"
    if method is not None:
        words += f" for {safe(method, limit=40)}"
    return RouteNotFound(f"no {words}", hint="abi gateway routes")


def _check_place(table: RouteTable, route: Route, max_routes: int) -> None:
    table.check(route)
    if len(table) >= max_routes:
        raise TooManyRoutes(
            f"route '{safe(route.path)}': max_routes = {max_routes} are there",
            hint="remove one, or raise [gateway] max_routes",
        )
