"""The route table: which route answers a method and a path.

Refuses to know what a route does. Matching takes no lock: every change shows by a single store,
and the memo of hot paths is replaced whole after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Final, NamedTuple

import msgspec

from abi_engine.core.errors import AlreadyExists, InvalidArguments
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import InvalidRoute, Route, RouteExists
from abi_engine.features.gateway.live_route import ANY_METHOD, LiveRoute, slots
from abi_engine.features.gateway.paths import decoded, normalise
from abi_engine.structures.radix_tree import RadixTree

MEMO_SIZE: Final = 4096
MEMO_PATH_SIZE: Final = 256


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """What the table says of a method and a path.

    Attributes:
        path: after normalisation.
        live: the route; None where there is none.
        params: by name, percent-decoded.
        tail: what `*` stands for, as in the path.
        methods: where there is no route: what the patterns that match would answer.
    """

    path: str
    live: LiveRoute | None
    params: dict[str, str] = {}
    tail: str = ""
    methods: tuple[str, ...] = ()


class Removal(NamedTuple):
    """A route that goes, or stays with fewer methods."""

    live: LiveRoute
    methods: tuple[str, ...]
    remaining: Route | None


class _Pattern:
    """The routes of one path, by method; replaced whole at every change."""

    __slots__ = ("by_method",)

    def __init__(self) -> None:
        self.by_method: Mapping[str, LiveRoute] = {}

    def answer(self, method: str) -> LiveRoute | None:
        """The route for a method: its own, for HEAD that of GET, else the one for any."""
        routes = self.by_method
        live = routes.get(method)
        if live is None and method == "HEAD":
            live = routes.get("GET")
        return live or routes.get(ANY_METHOD)

    def methods(self) -> set[str]:
        """What it answers."""
        found = set(self.by_method)
        return found | {"HEAD"} if "GET" in found else found


class RouteTable:
    """Routes by pattern and method.

    `find`, `get` and `all` are for any thread; one thread at a time may change the table.
    """

    def __init__(self) -> None:
        self._tree: RadixTree[_Pattern] = RadixTree()
        self._shapes: dict[str, str] = {}
        self._lives: set[LiveRoute] = set()
        self._listed: tuple[LiveRoute, ...] | None = ()
        self._memo: dict[tuple[str, str], Resolved] = {}
        self._lock = Lock()

    def find(self, path: str, method: str) -> Resolved:
        """The route for a request.

        Static segments win over params, which win over `*`; of the patterns that match, the first
        that has the method wins.

        Args:
            path: as it came, without its query.
            method: as it came.

        Raises:
            BadTarget: the path has no single meaning.
            TypeError: one of them is no text.
        """
        memo = self._memo  # what is found below belongs to the table this memo belongs to
        key = (path, method)
        resolved = memo.get(key)
        if resolved is None:
            if not isinstance(method, str):
                raise TypeError(method)
            resolved = self._match(normalise(path), method)
            if resolved.live is not None and len(path) <= MEMO_PATH_SIZE:
                if len(memo) >= MEMO_SIZE:
                    self._memo = {}
                else:
                    memo[key] = resolved
        return resolved

    def get(self, path: str, method: str | None = None) -> LiveRoute | None:
        """The route with exactly this pattern that names the method; without one, the first."""
        pattern = self._tree.get(path)
        if pattern is None:
            return None
        routes = pattern.by_method
        if method is not None:
            return routes.get(method)
        return routes[min(routes)] if routes else None

    def routes_of(self, path: str, method: str | None) -> tuple[LiveRoute, ...]:
        """The routes with exactly this pattern, for one method or all, each once."""
        pattern = self._tree.get(path)
        routes = pattern.by_method if pattern else {}
        if method is not None:
            return (routes[method],) if method in routes else ()
        return tuple(dict.fromkeys(routes[slot] for slot in sorted(routes)))

    def all(self) -> tuple[LiveRoute, ...]:
        """Every route, by path and methods."""
        listed = self._listed
        if listed is None:
            with self._lock:
                order = sorted(self._lives, key=lambda live: (live.route.path, live.route.methods))
                listed = self._listed = tuple(order)
        return listed

    def __len__(self) -> int:
        return len(self._lives)

    def occupant(self, route: Route) -> LiveRoute | None:
        """A route that leaves no place for this one."""
        path = self._shapes.get(_shape(route.path))
        if path is None:
            return None
        if path != route.path:
            return self.get(path)
        routes = (self.get(path, method) for method in slots(route))
        return next((live for live in routes if live is not None), None)

    def check(self, route: Route) -> None:
        """See that there is a place for a route.

        Raises:
            RouteExists: its path has a route for one of its methods.
            InvalidRoute: its path is another's with other names of params.
        """
        other = self.occupant(route)
        if other is None:
            return
        shown = safe(route.path)
        if other.route.path != route.path:
            raise InvalidRoute(
                f"route '{shown}': conflicts with '{safe(other.route.path)}'",
                hint="name the params of one path alike",
            )
        taken = set(other.slots) & set(slots(route))
        words = ", ".join(sorted(taken)).replace(ANY_METHOD, "any method")
        raise RouteExists(f"route '{shown}': there is one for {words}", hint="remove it first")

    def add(self, live: LiveRoute) -> None:
        """Put in a route that `check` let through; requests find it when this returns."""
        path = live.route.path
        with self._lock:
            pattern = self._tree.get(path) or _Pattern()
            routes = dict(pattern.by_method) | dict.fromkeys(live.slots, live)
            if not pattern.by_method:
                pattern.by_method = routes
                self._insert(path, pattern)
                self._shapes[_shape(path)] = path
            pattern.by_method = routes
            self._lives.add(live)
            self._changed()

    def plan_removal(self, path: str, method: str | None) -> tuple[Removal, ...]:
        """What would go if the route of `path` for `method`, or all of them, were removed."""
        return tuple(_removal(live, method) for live in self.routes_of(path, method))

    def remove(self, removals: tuple[Removal, ...]) -> None:
        """Carry out a plan; every other match stays as it is."""
        with self._lock:
            for removal in removals:
                self._remove(removal)
            self._changed()

    def become(self, other: RouteTable) -> None:
        """Have the routes of another table, which is not used any more, by a single store."""
        with self._lock:
            self._tree, self._shapes, self._lives = other._tree, other._shapes, other._lives
            self._changed()

    def _match(self, path: str, method: str) -> Resolved:
        tree = self._tree  # one load: the whole table may be replaced meanwhile
        found = tree.match(path)
        if found is None:
            return Resolved(path, None)
        live = found.value.answer(method)
        if live is None:
            methods: set[str] = set()
            for found in tree.matches(path):
                live = found.value.answer(method)
                if live is not None:
                    break
                methods |= found.value.methods()
            else:
                return Resolved(path, None, methods=tuple(sorted(methods)))
        params = found.params
        if params and "%" in path:
            params = {name: decoded(value) for name, value in params.items()}
        return Resolved(path, live, params, found.tail)

    def _insert(self, path: str, pattern: _Pattern) -> None:
        try:
            self._tree.insert(path, pattern)
        except AlreadyExists as error:
            raise InvalidRoute(str(error)) from error
        except InvalidArguments as error:
            raise InvalidRoute(error.message, hint=error.hint) from error

    def _remove(self, removal: Removal) -> None:
        live, path = removal.live, removal.live.route.path
        pattern = self._tree.get(path)
        if pattern is None:
            return
        gone = frozenset(removal.methods)
        left = {
            slot: other
            for slot, other in pattern.by_method.items()
            if not (other is live and slot in gone)
        }
        pattern.by_method = left
        if not left:
            self._tree.remove(path)
            del self._shapes[_shape(path)]
        if removal.remaining is None:
            self._lives.discard(live)
        else:
            live.become(removal.remaining)

    def _changed(self) -> None:
        self._memo = {}
        self._listed = None


def without_method(route: Route, method: str | None) -> Route | None:
    """What is left of a route without one of its methods, or without any of them."""
    left = tuple(slot for slot in slots(route) if slot != method)
    return msgspec.structs.replace(route, methods=left) if method is not None and left else None


def _removal(live: LiveRoute, method: str | None) -> Removal:
    remaining = without_method(live.route, method)
    gone = live.slots if remaining is None or method is None else (method,)
    return Removal(live, gone, remaining)


def _shape(path: str) -> str:
    """A pattern without the names of its params."""
    return "/".join("{}" if part[:1] == "{" else part for part in path.split("/"))
