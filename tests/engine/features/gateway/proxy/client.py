"""A client that sends any bytes and reads answers strictly."""

from __future__ import annotations

import contextlib
import socket
import struct
from types import TracebackType
from typing import NamedTuple, Self

from tests.engine.features.gateway.proxy.upstream import fields_of


class Answer(NamedTuple):
    """An answer as it came; `body` without its framing."""

    status: int
    fields: dict[bytes, bytes]
    body: bytes
    head: bytes


class Client:
    """A connection to the gateway."""

    def __init__(self, address: tuple[str, int], *, receive_buffer: int = 0) -> None:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.socket = socket.socket(family)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(address)
        self.buffer = b""
        self.interim: list[bytes] = []
        """Heads of 1xx responses that came before the last answer."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def get(self, target: str = "/", *headers: str, method: str = "GET") -> Answer:
        lines = (f"{method} {target} HTTP/1.1", "Host: gateway", *headers, "", "")
        self.send("\r\n".join(lines).encode("latin-1"))
        return self.answer(to_head=method == "HEAD")

    def post(self, target: str, body: bytes, *headers: str) -> Answer:
        lines = (
            f"POST {target} HTTP/1.1",
            "Host: gateway",
            f"Content-Length: {len(body)}",
            *headers,
            "",
            "",
        )
        self.send("\r\n".join(lines).encode("latin-1") + body)
        return self.answer()

    def answer(self, *, to_head: bool = False) -> Answer:
        """The next answer that is not interim."""
        while True:
            self.fill_until(b"\r\n\r\n")
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            version, status = head.split(b" ", 2)[:2]
            assert version == b"HTTP/1.1"
            if int(status) >= 200:
                break
            self.interim.append(head)
        fields = fields_of(head)
        body = b"" if to_head or int(status) in (204, 304) else self._body(fields)
        return Answer(int(status), fields, body, head)

    def _body(self, fields: dict[bytes, bytes]) -> bytes:
        if b"content-length" in fields:
            assert b"transfer-encoding" not in fields
            return self.take(int(fields[b"content-length"]))
        if b"transfer-encoding" in fields:
            assert fields[b"transfer-encoding"] == b"chunked"
            return self._chunks()
        return self.rest()

    def _chunks(self) -> bytes:
        body = b""
        while True:
            self.fill_until(b"\r\n")
            size, _, self.buffer = self.buffer.partition(b"\r\n")
            if not int(size, 16):
                assert self.take(2) == b"\r\n"
                return body
            body += self.take(int(size, 16))
            assert self.take(2) == b"\r\n"

    def take(self, size: int) -> bytes:
        """The next bytes of an answer."""
        parts, missing = [self.buffer], size - len(self.buffer)
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        whole = b"".join(parts)
        self.buffer = whole[size:]
        return whole[:size]

    def fill_until(self, mark: bytes) -> None:
        while mark not in self.buffer:
            self.buffer += self._more()

    def _more(self) -> bytes:
        if not (data := self.socket.recv(65536)):
            raise ConnectionError("the gateway closed")
        return data

    def rest(self) -> bytes:
        """Everything until the gateway closes cleanly; a reset raises."""
        while data := self.socket.recv(65536):
            self.buffer += data
        data, self.buffer = self.buffer, b""
        return data

    def is_closed(self) -> bool:
        """Wait for the end; whether it came without a byte before it."""
        try:
            return not self.buffer and not self.socket.recv(1)
        except ConnectionError:
            return True

    def stop_sending(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Vanish."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
