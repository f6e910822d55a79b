"""A request to the gateway's own listener, sent from the calling thread as any client sends it."""

from __future__ import annotations

import http.client
from typing import Final, NamedTuple

from abi_engine.core.clock import Clock
from abi_engine.core.errors import ConnectionLost, InvalidArguments, TimedOut
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import TestAnswer
from abi_engine.features.gateway.listening import reachable
from abi_engine.features.gateway.tokens import is_token
from abi_engine.features.gateway.traces import REQUEST_ID, Trace

BODY_SIZE: Final = 4 << 10
_PIECE: Final = 64 << 10
_HEADERS: Final = 100
_TARGET_SIZE: Final = 64 << 10


_FRAMING: Final = frozenset(
    ("connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade")
)


class OwnRequest(NamedTuple):
    """What is sent: without a body, as it goes out."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()


class OwnAnswer(NamedTuple):
    """What came back.

    Attributes:
        status: its number; headers: in order.
        body: its beginning, at most 4 KiB; size: of all of it.
        duration: until its last byte, in seconds.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    size: int
    duration: float


def send(
    address: tuple[str, int],
    request: OwnRequest,
    request_id: str,
    timeout: float,
    clock: Clock,
    *,
    secure: bool = False,
) -> OwnAnswer:
    """Send a request without a body, and read its answer to the end.

    Args:
        address: of the listener.
        request: its method, its target `/path?query`, and headers that were checked.
        request_id: for `X-Request-ID`.
        timeout: seconds for all of it.
        clock: measures them.
        secure: the listener speaks TLS.

    Raises:
        InvalidArguments: the method or the target cannot be sent.
        TimedOut: no answer within the time.
        ConnectionLost: the listener closed the connection.
    """
    _check(request.method, request.target)
    shown = f"{request.method} {safe(request.target, limit=200)}"
    started = clock.monotonic()
    connection = _connection(address, timeout, secure=secure)
    try:
        _put(connection, request, request_id)
        return _answer(connection, started, timeout, clock)
    except TimeoutError as error:
        raise TimedOut(f"{shown}: no complete answer in {timeout:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        reason = type(error).__name__
        raise ConnectionLost(f"{shown}: the gateway ended the connection ({reason})") from error
    finally:
        connection.close()


def checked(headers: object) -> tuple[tuple[str, str], ...]:
    """Headers that can be sent as they are.

    Raises:
        InvalidArguments: one cannot; its name is told, its value is not.
    """
    found = headers if isinstance(headers, tuple | list) else (headers,)
    if len(found) > _HEADERS:
        raise InvalidArguments(f"headers: {len(found)} of them, and {_HEADERS} can be sent")
    return tuple(map(_checked, found))


def _checked(header: object) -> tuple[str, str]:
    match header:
        case (str(name), str(value)):
            pass
        case _:
            raise InvalidArguments("headers: each is a name and a value")
    if not is_token(name):
        raise InvalidArguments(f"headers: '{safe(name, limit=60)}' is no name of a header")
    if name.lower() in _FRAMING or name.lower() == REQUEST_ID:
        hint = "curl sends what you like: its address is in abi gateway status"
        raise InvalidArguments(f"headers: {name} is not yours to set here", hint=hint)
    if len(value) > _TARGET_SIZE or not all(one == "\t" or " " <= one <= "~" for one in value):
        hint = "printable ASCII alone can be sent"
        raise InvalidArguments(f"headers: the value of {name} cannot be sent", hint=hint)
    return name, value


def _put(connection: http.client.HTTPConnection, request: OwnRequest, request_id: str) -> None:
    named = {name.lower() for name, _ in request.headers}
    connection.putrequest(
        request.method, request.target, skip_host="host" in named, skip_accept_encoding=True
    )
    connection.putheader(REQUEST_ID, request_id)
    if "accept" not in named:
        connection.putheader("Accept", "*/*")
    for name, value in request.headers:
        connection.putheader(name, value)
    connection.endheaders()


def told(answer: OwnAnswer, trace: Trace) -> TestAnswer:
    """The answer, and the way it took, as the gateway tells of them."""
    named = {name.lower(): value for name, value in answer.headers}
    return TestAnswer(
        status=answer.status,
        duration_ms=answer.duration * 1000,
        size_bytes=answer.size,
        request_id=named.get(REQUEST_ID, ""),
        match=trace.match,
        upstream=trace.upstream,
        headers=answer.headers,
        body=answer.body,
    )


def _connection(
    address: tuple[str, int], timeout: float, *, secure: bool
) -> http.client.HTTPConnection:
    host, port = reachable(address)
    if not secure:
        return http.client.HTTPConnection(host, port, timeout=timeout)
    import ssl

    # It goes to a socket of this very process: a certificate would prove nothing.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def _check(method: str, target: str) -> None:
    if not (method.isascii() and method.isalpha() and len(method) <= 32):
        raise InvalidArguments(f"method = '{safe(method, limit=40)}': a word such as GET")
    if not target.startswith("/") or len(target) > _TARGET_SIZE:
        raise InvalidArguments(f"path = '{safe(target, limit=200)}': it must begin with /")
    if not (target.isascii() and target.isprintable()) or " " in target:
        hint = "percent-encode spaces, control characters and letters beyond ASCII"
        raise InvalidArguments(f"path = '{safe(target, limit=200)}': cannot be sent", hint=hint)


def _answer(
    connection: http.client.HTTPConnection, started: float, timeout: float, clock: Clock
) -> OwnAnswer:
    response = connection.getresponse()
    body, size = _read(connection, response, started + timeout, clock)
    duration = clock.monotonic() - started
    return OwnAnswer(response.status, tuple(response.getheaders()), body, size, duration)


def _read(
    connection: http.client.HTTPConnection,
    response: http.client.HTTPResponse,
    deadline: float,
    clock: Clock,
) -> tuple[bytes, int]:
    """The beginning of the body, and how long all of it is."""
    body, size = b"", 0
    while True:
        left = deadline - clock.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:  # it is gone once the body of a closing answer is read
            connection.sock.settimeout(left)
        piece = response.read1(_PIECE)
        if not piece:
            return body, size
        body += piece[: BODY_SIZE - len(body)]
        size += len(piece)
