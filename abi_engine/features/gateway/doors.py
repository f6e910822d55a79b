"""Who may come in by a route: the holder of a key that opens it, and what browsers are told.

Refuses to tell an unknown key from a wrong one, and to let two different keys pass for one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from abi_engine.features.gateway.admission import Access, Refusal
from abi_engine.features.gateway.api import AuthScheme, LimitBy, Route, RouteAuth
from abi_engine.features.gateway.cors import CorsRules, Fields
from abi_engine.features.gateway.keys import KeyRing, KnownKey

_AUTHORIZATION: Final = "authorization"
_BEARER: Final = "bearer"
_REALM: Final = "gateway"
_SPACE: Final = " \t"
_NOTHING: Final[frozenset[bytes]] = frozenset()

Header = Callable[[str], str | None]


class Door:
    """A route's door.

    Args:
        route: with `auth`, `cors`, or a limit by key.
    """

    __slots__ = ("_auth", "_credential", "_is_of_use", "_is_open", "_path", "cors")

    def __init__(self, route: Route) -> None:
        self._path = route.path
        self._is_open = route.auth is None
        self._is_of_use = route.auth is not None or _counts_by_key(route)
        self._auth = route.auth or RouteAuth()
        self._credential = self._auth.header.lower()
        self.cors = None if route.cors is None else CorsRules(route.cors)

    def outside(self, header: Header) -> Access:
        """What is known of a request that nobody asks for its key."""
        return Access(cors=self._cors_fields(header))

    def enter(self, header: Header, keys: KeyRing) -> Access | Refusal:
        """Let a request in, or not: 400, 401 or 403.

        At an open door a key is of use for a limit by key alone, and goes on to the upstream.

        Args:
            header: gives a request header's value by lower-case name, or None.
            keys: those that are known.
        """
        cors = self._cors_fields(header)
        if not self._is_of_use:
            return Access(cors=cors)
        sent = self._sent(header)
        known = keys.find(next(iter(sent.values()))) if len(set(sent.values())) == 1 else None
        if self._is_open and not (known and known.enabled):
            return Access(cors=cors)
        if not self._is_open:
            trouble = self._trouble(sent, known, cors)
            if trouble is not None:
                return trouble
        assert known is not None
        known.count()
        hides = not (self._is_open or self._auth.forward)
        return Access(known.name, frozenset(map(str.encode, sent)) if hides else _NOTHING, cors)

    def _sent(self, header: Header) -> dict[str, str]:
        """The keys that came, by the lower-case names of the fields they came in."""
        found = {}
        if AuthScheme.API_KEY in self._auth.accept:
            found[self._credential] = (header(self._credential) or "").strip(_SPACE)
        if AuthScheme.BEARER in self._auth.accept:
            scheme, _, token = (header(_AUTHORIZATION) or "").partition(" ")
            found[_AUTHORIZATION] = token.strip(_SPACE) if scheme.lower() == _BEARER else ""
        return {field: key for field, key in found.items() if key}

    def _trouble(
        self, sent: dict[str, str], known: KnownKey | None, cors: Fields | None
    ) -> Refusal | None:
        """Why a request is not let in; None where it is."""
        if len(set(sent.values())) > 1:
            return Refusal(400, "two different keys", (), self._path, Access(cors=cors))
        if known is None:
            return self._unknown(cors, tried=bool(sent))
        if known.enabled and (not self._auth.keys or known.name in self._auth.keys):
            return None
        reason = "the key does not open this route" if known.enabled else "the key is switched off"
        return Refusal(403, reason, (), self._path, Access(known.name, cors=cors))

    def _unknown(self, cors: Fields | None, *, tried: bool) -> Refusal:
        challenges = []
        if AuthScheme.BEARER in self._auth.accept:
            error = ', error="invalid_token"' if tried else ""
            challenges.append(f'Bearer realm="{_REALM}"{error}')
        if AuthScheme.API_KEY in self._auth.accept:
            challenges.append(f'ApiKey realm="{_REALM}", header="{self._auth.header}"')
        return Refusal(
            401,
            "the key is not known here" if tried else "a key is needed",
            (("WWW-Authenticate", ", ".join(challenges)),),
            self._path,
            Access(cors=cors),
        )

    def _cors_fields(self, header: Header) -> Fields | None:
        return None if self.cors is None else self.cors.fields(header)


def door_of(route: Route) -> Door | None:
    """The door of a route; None where anybody comes in, and nobody is told anything."""
    return Door(route) if route.auth or route.cors or _counts_by_key(route) else None


def _counts_by_key(route: Route) -> bool:
    limit = route.limit
    return limit is not None and limit.enabled and limit.by is LimitBy.KEY
