"""Where a request is let in or turned away, before anything is sent to an upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from abi_engine.features.gateway.admission import Admission, Refusal
from abi_engine.features.gateway.proxy import answers
from abi_engine.features.gateway.proxy.exchange import Exchange
from abi_engine.features.gateway.proxy.head import RequestHead
from abi_engine.features.gateway.proxy.headers import went_through
from abi_engine.features.gateway.proxy.request import Request

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.client_connection import ClientConnection
    from abi_engine.features.gateway.proxy.plane import DataPlane

_WORDS: Final = {
    400: "bad_target",
    404: "no_route",
    405: "method_not_allowed",
    429: "limited",
    503: "unavailable",
}


def receive(
    plane: DataPlane, client: ClientConnection, head: RequestHead, since: float, *, keep_alive: bool
) -> Exchange | None:
    """The exchange that a request leads to; None where it was answered here.

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
    elif went_through(head, plane.pseudonym):
        trouble = answers.LOOP
    if trouble is not None:
        request.turn_away(answers.refusal(trouble), trouble.word, keep_alive=keep_alive)
        return None
    verdict = plane.admitter.admit(head.method, head.target, request.address, head.header)
    if isinstance(verdict, Refusal):
        word = _WORDS.get(verdict.status, "refused")
        request.turn_away(verdict, word, keep_alive=keep_alive)
        return None
    return _attempt(plane, request, head, verdict, keep_alive=keep_alive)


def _attempt(
    plane: DataPlane, request: Request, head: RequestHead, admission: Admission, *, keep_alive: bool
) -> Exchange | None:
    word = answers.TOO_LARGE.word
    if head.length is not None and head.length > admission.route.max_body:
        refusal = answers.refusal(answers.TOO_LARGE)
    else:
        attempt = admission.attempt()
        if not isinstance(attempt, Refusal):
            return Exchange(plane, request, head, admission, attempt)
        refusal, word = attempt, _WORDS.get(attempt.status, "refused")
    size = request.answer(refusal, keep_alive=keep_alive)
    duration = request.duration()
    admission.finish(refusal.status, duration, bytes_in=0, bytes_out=size, cancelled=False)
    request.log(refusal.status, bytes_out=size, route=admission.route.path, error=word)
    return None
