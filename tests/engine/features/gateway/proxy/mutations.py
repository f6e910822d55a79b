"""Requests that are almost right: valid ones, changed in ways that have broken proxies."""

from __future__ import annotations

from random import Random
from typing import Final

HIDDEN: Final = b"GET /hidden HTTP/1.1\r\nHost: evil\r\n\r\n"
"""A request within a body: seen at an upstream, it was smuggled."""
LAST: Final = b"GET /last HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"

_CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
_IN_CHUNKS: Final = b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)
_EXPECTING: Final = b"POST /expect HTTP/1.1\r\nHost: gateway\r\nExpect: 100-continue\r\n"
_UPGRADING: Final = (
    b"GET /hop HTTP/1.1\r\nHost: gateway\r\nConnection: x-a\r\nX-A: 1\r\nUpgrade: h2c\r\n"
)
_WEBSOCKET: Final = (
    b"GET /chat HTTP/1.1\r\nHost: gateway\r\nConnection: keep-alive, Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n"
)
_SEEDS: Final = (
    b"GET /a?q=1 HTTP/1.1\r\nHost: gateway\r\nAccept: */*\r\n\r\n",
    b"GET /a/b/../c HTTP/1.1\r\nHost: gateway\r\nX-Forwarded-For: 10.9.9.9\r\n\r\n",
    b"GET http://gateway/abs HTTP/1.1\r\nHost: gateway\r\n\r\n",
    b"GET /old HTTP/1.0\r\nHost: gateway\r\nConnection: keep-alive\r\n\r\n",
    b"HEAD /head HTTP/1.1\r\nHost: gateway\r\n\r\n",
    b"POST /length HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n%b"
    % (len(HIDDEN), HIDDEN),
    b"POST /empty HTTP/1.1\r\nHost: gateway\r\nContent-Length: 0\r\n\r\n",
    b"POST /chunks HTTP/1.1\r\nHost: gateway\r\n" + _CHUNKED + b"\r\n" + _IN_CHUNKS,
    b"PUT /ext HTTP/1.1\r\nHost: gateway\r\n" + _CHUNKED + b"\r\n"
    b"3;name=value\r\nabc\r\n0005;a\r\nde\r\nf\r\n0;last\r\nX-Trailer: 1\r\n\r\n",
    _EXPECTING + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    _UPGRADING + b"TE: trailers\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    _WEBSOCKET,
    _WEBSOCKET + HIDDEN,
)
_LINES: Final = (
    _CHUNKED,
    b"Transfer-Encoding : chunked\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n",
    b"Transfer-Encoding: chunked, identity\r\n",
    b"Transfer-Encoding: identity, chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n",
    b"Transfer-Encoding:\r\n chunked\r\n",
    b"transfer_encoding: chunked\r\n",
    b"X: y\rTransfer-Encoding: chunked\r\n",
    b"X: y\nTransfer-Encoding: chunked\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: 3, 3\r\n",
    b"Content-Length: +3\r\n",
    b"Content-Length: 0x3\r\n",
    b"Content-Length: 3\xa0\r\n",
    b"Content-Length: 00000000000000000003\r\n",
    b"Content-Length: 18446744073709551619\r\n",
    b"Content_Length: 3\r\n",
    b"Content-Length : 3\r\n",
    b"Host: evil\r\n",
    b"Host : evil\r\n",
    b" Host: evil\r\n",
    b"Connection: content-length, transfer-encoding, host, x-forwarded-for, via\r\n",
    b"Connection: close\r\n",
    b"Connection: upgrade\r\n",
    b"Upgrade: websocket\r\n",
    b"Upgrade: h2c\r\n",
    b"X-Forwarded-For: 10.9.9.9\r\n",
    b"X_Forwarded_For: 10.9.9.9\r\n",
    b"Via: 1.1 abi\r\n",
    b"\r\n",
)
_CHARACTERS: Final = (
    *(bytes((byte,)) for byte in b'\0\t\n\x0b\x0c\r !"#%*+,-/0123:;<>?@AZ[\\]_az{}\x7f'),
    *(b"\x80", b"\x85", b"\xa0", b"\xc2", b"\xff"),
    *(b"\r\n", b"\n\r", b"\r\r\n", b"\r\n\r\n", b"\n\n", b"%00", b"%2f", b"%2e%2e", b"//", b"/.."),
)


def mutation(random: Random) -> bytes:
    """One or two requests, changed, with `LAST` behind them; often after the first as it was."""
    seeds = random.choices(_SEEDS, k=random.choice((1, 1, 2)))
    data = b"".join(seeds)
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        data = random.choice(_CHANGES)(data, random)
    return seeds[0] * random.choice((0, 1)) + data + LAST


def pieces(data: bytes, random: Random) -> list[bytes]:
    """The same bytes in one to three pieces."""
    cuts = sorted(random.choices(range(len(data)), k=random.choice((0, 0, 1, 2))))
    return [data[a:b] for a, b in zip((0, *cuts), (*cuts, len(data)), strict=True) if a < b]


def _insert(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(_CHARACTERS) + data[at:]


def _replace(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(_CHARACTERS) + data[at + 1 :]


def _flip(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << random.randrange(8),)) + data[at + 1 :]


def _cut(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + data[at + random.choice((1, 1, 2, 3, 8)) :] or data


def _repeat(data: bytes, random: Random) -> bytes:
    at, size = random.randrange(len(data)), random.randrange(1, 40)
    return data[:at] + data[at : at + size] + data[at:]


def _add_line(data: bytes, random: Random) -> bytes:
    at = _line(data, random)
    return data[:at] + random.choice(_LINES) + data[at:]


def _repeat_line(data: bytes, random: Random) -> bytes:
    at = _line(data, random)
    line, end, _ = data[at:].partition(b"\r\n")
    to = _line(data, random)
    return data[:to] + line + end + data[to:]


def _other_end(data: bytes, random: Random) -> bytes:
    at = _line(data, random)
    return data[: at - 2] + random.choice((b"\n", b"\r", b"\n\r", b" \r\n", b"\r\r\n")) + data[at:]


def _number(data: bytes, random: Random) -> bytes:
    found = [at for at, byte in enumerate(data) if byte in b"0123456789"]
    if not found:
        return data
    at = random.choice(found)
    numbers = (b"", b"0", b"-1", b"9", b"ff", b"0x1", b"1_0", b" 2", b"4294967296", b"9" * 40)
    return data[:at] + random.choice(numbers) + data[at + 1 :]


def _line(data: bytes, random: Random) -> int:
    """Where a line begins that is not the first."""
    starts = [at + 2 for at in range(len(data)) if data.startswith(b"\r\n", at)]
    return random.choice(starts or [len(data)])


_CHANGES: Final = (
    _insert,
    _replace,
    _flip,
    _cut,
    _repeat,
    _add_line,
    _add_line,
    _repeat_line,
    _other_end,
    _number,
)
