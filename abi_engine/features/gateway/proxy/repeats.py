"""Heads read with a memory of the last one: what is the same byte for byte means the same.

A client says the same about itself in every request of a connection, and an upstream in many of its
responses. What differs is read strictly, as ever; nothing is taken for known that differs at all.
"""

from __future__ import annotations

from typing import Final

from abi_engine.features.gateway.proxy.head import (
    RequestHead,
    ResponseHead,
    is_target_text,
    parse_request,
    parse_response,
)

_PLAIN_METHODS: Final = {
    name.encode(): name for name in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
}
_REMEMBERED: Final = 2 << 10
"""The largest block of fields that is kept, since idle connections are many."""


class RequestReader:
    """Reads the heads of one connection's requests.

    Args:
        url_size: the longest target.
        header_count: the most fields.
    """

    __slots__ = ("_fields", "_head", "_header_count", "_raw", "_url_size")

    def __init__(self, url_size: int, header_count: int) -> None:
        self._url_size = url_size
        self._header_count = header_count
        self._raw = b""
        self._fields = b""
        self._head: RequestHead | None = None

    def read(self, raw: bytes) -> RequestHead:
        """See `parse_request`; nobody changes a head that has been read."""
        last = self._head
        if last is not None and raw == self._raw:
            return last
        line, _, fields = raw.partition(b"\r\n")
        head = None
        if last is not None and fields == self._fields:
            head = self._same_but_for(line, last)
        if head is None:
            head = parse_request(raw, url_size=self._url_size, header_count=self._header_count)
        if len(fields) <= _REMEMBERED:
            self._raw, self._fields, self._head = raw, fields, head
        return head

    def _same_but_for(self, line: bytes, last: RequestHead) -> RequestHead | None:
        """The last head with another request line, if both have the plain form."""
        parts = line.split(b" ")
        if len(parts) != 3 or parts[2] != b"HTTP/1.1" or not last.plain:
            return None
        method, target = _PLAIN_METHODS.get(parts[0]), parts[1]
        if method is None or target[:1] != b"/" or len(target) > self._url_size:
            return None
        if not is_target_text(target):
            return None
        return last.with_line(method, target)


class ResponseReader:
    """Reads the heads of one upstream's responses."""

    __slots__ = ("_head", "_raw")

    def __init__(self) -> None:
        self._raw = b""
        self._head: ResponseHead | None = None

    def read(self, raw: bytes) -> ResponseHead:
        """See `parse_response`; nobody changes a head that has been read."""
        head = self._head
        if head is None or raw != self._raw:
            head = parse_response(raw)
            self._raw, self._head = raw, head
        return head
