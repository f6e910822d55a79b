"""A naive reader of requests that takes the grammar at its word: what a client has really asked.

It knows the whole input beforehand, cuts it up with regular expressions, and stops at the first
byte that the grammar does not have. Nothing of it is shared with the gateway.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/1\.([01])")
_FIELD = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[^ \t])?)[ \t]*"
)
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)(;[\t\x20-\x7e\x80-\xff]*)?\r\n")


class Asked(NamedTuple):
    """A request as it was meant.

    Attributes:
        method, target: as sent.
        fields: names in lower case, in order.
        body: what of it was sent, without its framing.
        whole: whether that is all of it.
    """

    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    whole: bool = False

    def values(self, name: bytes) -> list[bytes]:
        return [value for key, value in self.fields if key == name]


def read_requests(data: bytes) -> list[Asked]:
    """Every request in `data`, up to the first fault or a request that ends the connection."""
    found = []
    while data:
        data = data.removeprefix(b"\r\n")  # a reader may forgive an empty line in front
        head, end, data = data.partition(b"\r\n\r\n")
        lasts = read_head(head) if end else None
        if lasts is None:
            break
        asked, keep = lasts
        asked, rest = _with_body(asked, data)
        found.append(asked)
        if rest is None or not keep:
            break
        data = rest
    return found


def read_head(head: bytes) -> tuple[Asked, bool] | None:
    """The request of a head, and whether its connection lives on; None where it is none."""
    first, *lines = head.split(b"\r\n")
    line = _LINE.fullmatch(first)
    fields = [_FIELD.fullmatch(one) for one in lines]
    if line is None or None in fields:
        return None
    pairs = [(field[1].lower(), field[2]) for field in fields if field]
    asked = Asked(line[1], line[2], pairs)
    old = line[3] == b"0"
    hosts, codings = asked.values(b"host"), asked.values(b"transfer-encoding")
    lengths = asked.values(b"content-length")
    if len(hosts) > 1 or (not hosts and not old) or len(lengths) + len(codings) > 1:
        return None
    if not all(re.fullmatch(rb"[0-9]+", length) for length in lengths):
        return None
    if codings and (old or codings[0].lower() != b"chunked"):
        return None
    options = [
        option.strip().lower() for v in asked.values(b"connection") for option in v.split(b",")
    ]
    return asked, b"close" not in options and (not old or b"keep-alive" in options)


def _with_body(asked: Asked, data: bytes) -> tuple[Asked, bytes | None]:
    """The request with its body, and what is behind that; None where it does not end."""
    if asked.values(b"transfer-encoding"):
        return _chunks(asked, data)
    size = int((asked.values(b"content-length") or [b"0"])[0])
    whole = len(data) >= size
    return asked._replace(body=data[:size], whole=whole), data[size:] if whole else None


def _chunks(asked: Asked, data: bytes) -> tuple[Asked, bytes | None]:
    body = b""
    while chunk := _CHUNK.match(data):
        size, data = int(chunk[1], 16), data[chunk.end() :]
        if not size:
            return _trailers(asked._replace(body=body), data)
        body += data[:size]
        if data[size : size + 2] != b"\r\n":
            break
        data = data[size + 2 :]
    return asked._replace(body=body), None


def _trailers(asked: Asked, data: bytes) -> tuple[Asked, bytes | None]:
    while not data.startswith(b"\r\n"):
        line, end, data = data.partition(b"\r\n")
        if not end or not _FIELD.fullmatch(line):
            return asked, None
    return asked._replace(whole=True), data[2:]
