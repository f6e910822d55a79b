"""The answers that the gateway gives itself, and the troubles that lead to them. Pure."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec

from abi_engine.features.gateway.admission import Cause, Refusal
from abi_engine.features.gateway.proxy.headers import status_line

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Trouble(NamedTuple):
    """What went wrong with a request.

    Attributes:
        status: of the answer, where none had begun.
        word: stable, for the access log.
        text: one line for the client and for `last_error`.
    """

    status: int
    word: str
    text: str


CONNECT_REFUSED: Final = Trouble(502, "connect_failed", "the upstream cannot be reached")
NO_ROOM: Final = Trouble(503, "no_room", "the gateway can open no more connections")
TLS_FAILED: Final = Trouble(502, "tls_failed", "the upstream cannot be reached securely")
CONNECT_LATE: Final = Trouble(504, "connect_timeout", "connecting to the upstream took too long")
FIRST_BYTE_LATE: Final = Trouble(504, "first_byte_timeout", "the upstream did not answer in time")
IDLE_LATE: Final = Trouble(504, "idle_timeout", "the upstream stopped in the middle")
TOTAL_LATE: Final = Trouble(504, "total_timeout", "the request took too long as a whole")
UPSTREAM_LOST: Final = Trouble(502, "upstream_lost", "the upstream closed the connection")
BAD_RESPONSE: Final = Trouble(502, "bad_response", "the upstream's response is malformed")
LOOP: Final = Trouble(508, "loop", "the request has been through this gateway before")
NO_TUNNELS: Final = Trouble(405, "no_tunnels", "CONNECT is not served here")
TOO_LARGE: Final = Trouble(413, "body_too_large", "the body is larger than the route allows")
SLOW_BODY: Final = Trouble(408, "slow_body", "the body came too slowly")
STALLED: Final = Trouble(408, "client_stalled", "the client takes no more of the answer")
SLOW_HEAD: Final = Trouble(408, "slow_head", "the head of the request came too slowly")
CROWDED: Final = Trouble(503, "crowded", "the request's turn did not come in time")
TOO_MANY_CLIENTS: Final = Trouble(503, "connections", "too many connections are open")
CLIENT_LEFT: Final = Trouble(499, "client_left", "the client left before the answer was complete")
SHUT_DOWN: Final = Trouble(503, "shut_down", "the gateway stopped before the answer was complete")

_HEADERS: Final = {
    405: (("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),),
    503: (("Retry-After", "1"),),
}


def cause_of(trouble: Trouble) -> Cause:
    """What an upstream failed by, where it is to blame."""
    if trouble.word == CONNECT_LATE.word:
        return Cause.CONNECT
    return Cause.TIMEOUT if trouble.status == 504 else Cause.BROKEN


def refusal(trouble: Trouble) -> Refusal:
    """The answer that a trouble leads to."""
    return Refusal(trouble.status, trouble.text, _HEADERS.get(trouble.status, ()))


class Problem(msgspec.Struct, frozen=True):
    """The body of such an answer, `application/problem+json`."""

    title: str
    status: int
    detail: str
    request_id: str
    type: str = "about:blank"


def problem(
    status: int,
    detail: str,
    request_id: str,
    *,
    date: bytes,
    headers: tuple[tuple[str, str], ...] = (),
    connection: bytes = b"",
    without_body: bool = False,
) -> tuple[bytes, int]:
    """A whole answer, and how many bytes of it are body.

    Args:
        status: its number.
        detail: one line.
        request_id: of the request.
        date: the line for `Date`.
        headers: further ones.
        connection: the line for `Connection`; empty for none.
        without_body: it answers HEAD.
    """
    body = b""
    lines = [status_line(status)]
    if status != 204:
        title = HTTPStatus(status).phrase
        body = msgspec.json.encode(Problem(title, status, detail, request_id))
        lines.append(b"Content-Type: application/problem+json")
        lines.append(b"Content-Length: %d" % len(body))
    lines += [
        date,
        b"X-Request-ID: " + request_id.encode("ascii"),
        *(f"{name}: {value}".encode("latin-1", "replace") for name, value in headers),
    ]
    if connection:
        lines.append(connection)
    head = b"\r\n".join((*lines, b"\r\n"))
    return (head, 0) if without_body else (head + body, len(body))
