"""Which pages of other origins may use a route from a browser: the Fetch standard's CORS protocol.

Refuses to let an upstream's own word on it through: a route that has `cors` speaks for itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from abi_engine.features.gateway.admission import Refusal
from abi_engine.features.gateway.api import Cors
from abi_engine.features.gateway.tokens import is_token

ANY: Final = "*"
ORIGIN: Final = "origin"
WANTED_METHOD: Final = "access-control-request-method"
WANTED_HEADERS: Final = "access-control-request-headers"
_EVERY_METHOD: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_METHOD_SIZE: Final = 32
_VARY: Final = "Vary", "Origin"

Fields = tuple[tuple[str, str], ...]
Header = Callable[[str], str | None]


def preflight_method(header: Header) -> str | None:
    """The method that a browser asks about beforehand; None where this is no such question."""
    if header(ORIGIN) is None:
        return None
    wanted = header(WANTED_METHOD) or ""
    return wanted if is_token(wanted) and len(wanted) <= _METHOD_SIZE else None


class CorsRules:
    """A route's rules.

    Args:
        cors: the settings.
    """

    __slots__ = ("_any_header", "_any_origin", "_cors", "_exposed", "_headers", "_origins")

    def __init__(self, cors: Cors) -> None:
        self._cors = cors
        self._any_origin = ANY in cors.origins
        self._origins = frozenset(cors.origins)
        self._any_header = ANY in cors.headers
        self._headers = frozenset(name.lower() for name in cors.headers)
        self._exposed: Fields = ()
        if cors.expose:
            self._exposed = (("Access-Control-Expose-Headers", ", ".join(cors.expose)),)

    def fields(self, header: Header) -> Fields:
        """What the answer to a request says; whatever the answer is, the gateway's included."""
        named = self._naming(header)
        return (_VARY,) if named is None else (*named, *self._exposed)

    def preflight(self, header: Header, wanted: str, served: tuple[str, ...]) -> Refusal:
        """The answer to a browser that asks beforehand: 204, or 403 where the page may not.

        Args:
            header: gives a header of the question by lower-case name.
            wanted: the method that is asked about.
            served: the methods of the route; empty means any.
        """
        named = self._naming(header)
        if named is None:
            return self._refused("the origin is not allowed on this route")
        methods = self._cors.methods or served or _EVERY_METHOD
        if wanted == "HEAD" and "GET" in methods and wanted not in methods:
            methods = (*methods, wanted)
        if wanted not in methods:
            return self._refused("the method is not allowed from other origins on this route")
        headers = [name.strip() for name in (header(WANTED_HEADERS) or "").split(",")]
        asked = [name for name in headers if name]
        if not all(map(self._is_header_allowed, asked)):
            return self._refused("a header is not allowed from other origins on this route")
        fields = [*named, ("Access-Control-Allow-Methods", ", ".join(methods))]
        allowed = asked if self._any_header else self._cors.headers
        if allowed:
            fields.append(("Access-Control-Allow-Headers", ", ".join(allowed)))
        fields.append(("Access-Control-Max-Age", str(self._cors.max_age)))
        return Refusal(204, "", tuple(fields))

    def _naming(self, header: Header) -> Fields | None:
        """The fields that let a page of the request's origin in; None for any other."""
        if self._any_origin:  # the same for all, so that whoever keeps answers may mix them
            return (("Access-Control-Allow-Origin", ANY),)
        origin = header(ORIGIN)
        if origin is None or origin not in self._origins:
            return None
        named = (("Access-Control-Allow-Origin", origin), _VARY)
        if self._cors.credentials:
            return (*named, ("Access-Control-Allow-Credentials", "true"))
        return named

    def _is_header_allowed(self, name: str) -> bool:
        return is_token(name) and (self._any_header or name.lower() in self._headers)

    def _refused(self, reason: str) -> Refusal:
        """Without a field that would let the page in, and not to be kept for other origins."""
        return Refusal(403, reason, (_VARY,))
