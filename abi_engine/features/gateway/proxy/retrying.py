"""When a request is sent to another upstream: what was tried, and whether there may be more.

Pure. Refuses to repeat what an upstream may have done already, unless doing it twice is the same.
"""

from __future__ import annotations

from typing import Final

from abi_engine.features.gateway.admission import Admission, Attempt, Refusal
from abi_engine.features.gateway.route import Route

IDEMPOTENT: Final = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))


def is_retried(route: Route) -> bool:
    """Whether the route has anywhere else to send a request, and wants it sent there."""
    return route.retries.attempts > 0 and len(route.upstreams) > 1


class Tries:
    """The upstreams that one request was sent to.

    Args:
        admission: of the request; its budget has the last word.
    """

    __slots__ = ("_admission", "_left", "_names")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._left = admission.route.retries.attempts
        self._names: frozenset[str] = frozenset()

    def after(self, attempt: Attempt, *, unsent: bool) -> Attempt | None:
        """The attempt to follow one that came to nothing; None where it was the last.

        Args:
            attempt: the one before.
            unsent: it did not come to sending anything.
        """
        if not self._left:
            return None
        names = self._names | {attempt.upstream.name}
        following = self._admission.attempt(names, unsent=unsent)
        if isinstance(following, Refusal):
            return None
        self._left -= 1
        self._names = names
        return following
