"""Requests with one meaning, which is not the one that they may seem to have."""

from __future__ import annotations

from typing import NamedTuple

from tests.engine.features.gateway.proxy.hostile import INSIDE

_CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"


class Meant(NamedTuple):
    """A request that has one meaning, if not the one that it may seem to have.

    Attributes:
        raw: what is sent.
        method, target, body: what an upstream must see.
        lives: whether a request behind it is served.
    """

    raw: bytes
    method: bytes
    target: bytes
    body: bytes = b""
    lives: bool = True


def _post(fields: bytes, body: bytes) -> bytes:
    return b"POST /m HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n" + body


def _get(fields: bytes) -> bytes:
    return b"GET /m HTTP/1.1\r\nHost: h\r\n" + fields + b"\r\n"


_CODED = b"Transfer-Encoding: chunked\r\n"
_WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
_HIDDEN = b"Content-Length: %d\r\n" % len(INSIDE)
FORWARDED = [
    # Requests within bodies.
    Meant(_post(_HIDDEN, INSIDE), b"POST", b"/m", INSIDE),
    Meant(_post(_CODED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(INSIDE), INSIDE)), b"POST", b"/m", INSIDE),
    Meant(_get(_HIDDEN) + INSIDE, b"GET", b"/m", INSIDE),
    Meant(_get(_CODED) + _CHUNKS, b"GET", b"/m", b"hello"),
    Meant(_post(b"Content-Length: 5\r\n", b"0\r\n\r\n"), b"POST", b"/m", b"0\r\n\r\n"),
    Meant(
        b"DELETE /m HTTP/1.1\r\nHost: h\r\n" + _HIDDEN + b"\r\n" + INSIDE, b"DELETE", b"/m", INSIDE
    ),
    Meant(
        b"OPTIONS /m HTTP/1.1\r\nHost: h\r\n" + _HIDDEN + b"\r\n" + INSIDE,
        b"OPTIONS",
        b"/m",
        INSIDE,
    ),
    # Fields that others may take for framing.
    Meant(_get(b"Content_Length: 37\r\n"), b"GET", b"/m"),
    Meant(_get(b"Transfer_Encoding: chunked\r\n"), b"GET", b"/m"),
    Meant(_get(b"X-Content-Length: 37\r\n"), b"GET", b"/m"),
    Meant(_post(b"Content-Length: 5\r\nContent_Length: 0\r\n", b"hello"), b"POST", b"/m", b"hello"),
    Meant(
        _post(b"Content-Length: 5\r\nTransfer_Encoding: chunked\r\n", b"hello"),
        b"POST",
        b"/m",
        b"hello",
    ),
    Meant(_post(b"Content-Length: 005\r\n", b"hello"), b"POST", b"/m", b"hello"),
    Meant(_post(b"Content-Length:  5 \t\r\n", b"hello"), b"POST", b"/m", b"hello"),
    Meant(_post(b"Transfer-Encoding: Chunked \r\n", _CHUNKS), b"POST", b"/m", b"hello"),
    Meant(_post(b"tRANSFER-eNCODING:chunked\r\n", _CHUNKS), b"POST", b"/m", b"hello"),
    # Connection cannot take framing or the host away.
    Meant(
        _post(b"Connection: content-length\r\nContent-Length: 5\r\n", b"hello"),
        b"POST",
        b"/m",
        b"hello",
    ),
    Meant(_post(b"Connection: transfer-encoding\r\n" + _CODED, _CHUNKS), b"POST", b"/m", b"hello"),
    Meant(_get(b"Connection: host, via, x-forwarded-for\r\n"), b"GET", b"/m"),
    Meant(_get(b"Connection: close, x\r\nX: 1\r\n"), b"GET", b"/m", lives=False),
    Meant(_get(b"Connection: keep-alive, close\r\n"), b"GET", b"/m", lives=False),
    # Chunks.
    Meant(_post(_CODED, b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), b"POST", b"/m", b"hello"),
    Meant(_post(_CODED, b'5;a="b;c"\r\nhello\r\n0\r\n\r\n'), b"POST", b"/m", b"hello"),
    Meant(_post(_CODED, b"00005\r\nhello\r\n000\r\n\r\n"), b"POST", b"/m", b"hello"),
    Meant(_post(_CODED, b"A\r\n0\r\n\r\nGET /\r\n0\r\n\r\n"), b"POST", b"/m", b"0\r\n\r\nGET /"),
    Meant(_post(_CODED, b"5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"), b"POST", b"/m", b"hello"),
    Meant(
        _post(_CODED, b"5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n"), b"POST", b"/m", b"hello"
    ),
    Meant(_post(_CODED, b"0\r\n\r\n"), b"POST", b"/m"),
    # Targets.
    Meant(b"GET http://other/m HTTP/1.1\r\nHost: h\r\n\r\n", b"GET", b"/m"),
    Meant(b"GET HTTP://other:81/m?q HTTP/1.1\r\nHost: h\r\n\r\n", b"GET", b"/m?q"),
    Meant(b"GET http://other?q HTTP/1.1\r\nHost: h\r\n\r\n", b"GET", b"/?q"),
    Meant(b"GET http://other HTTP/1.1\r\nHost: h\r\n\r\n", b"GET", b"/"),
    Meant(b"GET /http://other/m HTTP/1.1\r\nHost: h\r\n\r\n", b"GET", b"/http://other/m"),
    Meant(b"\r\n" + _get(b""), b"GET", b"/m"),
    # Other expectations and versions.
    Meant(
        _post(b"Expect: 100-continue\r\nContent-Length: 5\r\n", b"hello"), b"POST", b"/m", b"hello"
    ),
    Meant(_post(b"Expect: something\r\nContent-Length: 5\r\n", b"hello"), b"POST", b"/m", b"hello"),
    Meant(_get(b"Expect: 100-continue\r\n"), b"GET", b"/m"),
    Meant(_get(b"TE: trailers, chunked\r\nTrailer: X\r\n"), b"GET", b"/m"),
    Meant(_get(b"Keep-Alive: timeout=5\r\nProxy-Connection: close\r\n"), b"GET", b"/m"),
    Meant(b"GET /m HTTP/1.0\r\n\r\n", b"GET", b"/m", lives=False),
    Meant(
        b"POST /m HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
        b"POST",
        b"/m",
        b"hello",
    ),
    # Upgrades that are not made.
    Meant(
        _get(b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"), b"GET", b"/m"
    ),
    Meant(_get(b"Upgrade: websocket\r\n"), b"GET", b"/m"),
    Meant(_get(b"Connection: Upgrade\r\n"), b"GET", b"/m"),
    Meant(_get(b"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"), b"GET", b"/m"),
    Meant(_post(_WEBSOCKET + b"Content-Length: 5\r\n", b"hello"), b"POST", b"/m", b"hello"),
    Meant(_post(_WEBSOCKET + _CODED, _CHUNKS), b"POST", b"/m", b"hello"),
    Meant(_get(_WEBSOCKET + _HIDDEN) + INSIDE, b"GET", b"/m", INSIDE),
    Meant(_get(_WEBSOCKET), b"GET", b"/m", lives=False),
    Meant(_get(_WEBSOCKET + b"Sec-WebSocket-Version: 777\r\n"), b"GET", b"/m", lives=False),
]
