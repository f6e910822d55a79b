"""Where a request is let in or turned away, before anything is sent to an upstream."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from abi_engine.features.gateway.admission import Admission, Refusal
from abi_engine.features.gateway.proxy import answers
from abi_engine.features.gateway.proxy.exchange import Exchange
from abi_engine.features.gateway.proxy.head import RequestHead
from abi_engine.features.gateway.proxy.headers import went_through
from abi_engine.features.gateway.proxy.request import Request
from abi_engine.features.gateway.proxy.waiting import Waiting

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.client_connection import ClientConnection
    from abi_engine.features.gateway.proxy.plane import DataPlane

_WORDS: Final = {
    204: "",  # a browser asked beforehand
    400: "bad_target",
    401: "no_key",
    403: "forbidden",
    404: "no_route",
    405: "method_not_allowed",
    429: "limited",
    503: "unavailable",
}


def receive(
    plane: DataPlane, client: ClientConnection, head: RequestHead, since: float, *, keep_alive: bool
) -> Exchange | Waiting | None:
    """What a request leads to: an exchange, a wait for its turn, or None: it was answered here.

    Args:
        plane: what all share.
        client: who asked.
        head: what for.
        since: when its first byte came, in the loop's time.
        keep_alive: whether the connection lives on after a refusal.
    """
    request = Request(plane, client, head, since)
    trouble = None
    if head.method == "CONNECT":
        trouble = answers.NO_TUNNELS
    elif b"via" in head.special and went_through(head, plane.pseudonym):
        trouble = answers.LOOP
    if trouble is not None:
        request.turn_away(answers.refusal(trouble), trouble.word, keep_alive=keep_alive)
        return None
    verdict = plane.admitter.admit(head.method, head.target, request.address, head.header)
    access = verdict.access
    if access is not None:
        request.access = access
        head = head.without(access.hidden)
    if isinstance(verdict, Refusal):
        word = _WORDS.get(verdict.status, "refused")
        request.turn_away(verdict, word, keep_alive=keep_alive)
        return None
    return _admitted(plane, request, head, verdict, keep_alive=keep_alive)


def _admitted(
    plane: DataPlane, request: Request, head: RequestHead, admission: Admission, *, keep_alive: bool
) -> Exchange | Waiting | None:
    route = admission.route
    if head.length is not None and head.length > route.max_body:
        trouble = answers.TOO_LARGE
        refusal = answers.refusal(trouble)
        request.refuse(admission, refusal, trouble.word, keep_alive=keep_alive)
        return None
    if route.concurrency is None:
        return _attempt(plane, request, head, admission, keep_alive=keep_alive)
    proceed = partial(_attempt, plane, request, head, admission)
    waiting = Waiting(plane, request, head, admission, proceed)
    verdict = admission.enter(waiting.called)
    if isinstance(verdict, Refusal):
        request.refuse(admission, verdict, answers.CROWDED.word, keep_alive=keep_alive)
        return None
    return proceed(keep_alive=keep_alive) if verdict else waiting


def _attempt(
    plane: DataPlane, request: Request, head: RequestHead, admission: Admission, *, keep_alive: bool
) -> Exchange | None:
    attempt = admission.attempt()
    if not isinstance(attempt, Refusal):
        return Exchange(plane, request, head, admission, attempt)
    word = _WORDS.get(attempt.status, "refused")
    request.refuse(admission, attempt, word, keep_alive=keep_alive)
    return None
