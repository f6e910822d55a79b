"""An upstream under a test's control: threads, blocking sockets, and whatever bytes it likes."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

Script = Callable[["Visit"], None]


class Visit:
    """One connection, in a thread of its own."""

    def __init__(self, owner: Upstream, connection: socket.socket) -> None:
        self.owner = owner
        self.socket = connection
        self.buffer = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read_head(self) -> bytes:
        """The next request's head, or nothing at the end of the connection."""
        while b"\r\n\r\n" not in self.buffer:
            if not (data := self.socket.recv(65536)):
                return b""
            self.buffer += data
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        self.owner.heads.append(head)
        return head + b"\r\n\r\n"

    def read(self, size: int) -> bytes:
        parts, missing = [self.buffer], size - len(self.buffer)
        while missing > 0:
            if not (data := self.socket.recv(1 << 20)):
                raise ConnectionError("it ended early")
            parts.append(data)
            missing -= len(data)
        whole = b"".join(parts)
        self.buffer = whole[size:]
        return whole[:size]

    def fill_until(self, mark: bytes) -> None:
        while mark not in self.buffer:
            if not (data := self.socket.recv(65536)):
                raise ConnectionError("it ended early")
            self.buffer += data

    def read_line(self) -> bytes:
        self.fill_until(b"\r\n")
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def read_body(self, head: bytes) -> bytes:
        """The body that the head announces."""
        fields = fields_of(head)
        if fields.get(b"transfer-encoding") == b"chunked":
            chunks = []
            while size := int(self.read_line(), 16):
                chunks.append(self.read(size))
                assert self.read(2) == b"\r\n"
            assert self.read_line() == b""
            return b"".join(chunks)
        return self.read(int(fields.get(b"content-length", b"0")))

    def wait_for_end(self) -> bytes:
        """Everything until the other end closes; a reset counts as the end."""
        try:
            while data := self.socket.recv(65536):
                self.buffer += data
        except ConnectionError:
            pass
        return self.buffer

    def reset(self) -> None:
        """Close so that the other end sees a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def fields_of(head: bytes) -> dict[bytes, bytes]:
    """Header fields by lower-case name; a repeated one fails the test."""
    fields: dict[bytes, bytes] = {}
    for line in head.strip().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        assert name.lower() not in fields, f"{name!r} twice"
        fields[name.lower()] = value.strip()
    return fields


class Upstream:
    """Listens on loopback and runs a script for each connection.

    Args:
        script: what is done with a connection.
        family: of its address.
        tls: what it is secured with.
        host: where it listens, if not on the usual address of the family.
        port: of its own choice, unless it is to have that of another that is gone.
    """

    def __init__(
        self,
        script: Script,
        *,
        family: socket.AddressFamily = socket.AF_INET,
        tls: ssl.SSLContext | None = None,
        host: str = "",
        port: int = 0,
    ) -> None:
        self._script = script
        self._tls = tls
        host = host or ("::1" if family is socket.AF_INET6 else "127.0.0.1")
        self._listener = socket.create_server((host, port), family=family, backlog=512)
        self._threads: list[Thread] = []
        self._sockets: list[socket.socket] = []
        self.heads: list[bytes] = []
        self.errors: list[BaseException] = []
        self.visits = 0
        self.released = Event()
        """For scripts that wait until the test has seen enough; set at the end anyway."""
        host, port = self._listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        self.port: int = port
        self.authority = f"{shown}:{port}"
        self.url = f"http{'s' if tls else ''}://{self.authority}"
        self._accepting = Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.settimeout(20)
            self.visits += 1
            self._sockets.append(connection)
            thread = Thread(target=self._run, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, connection: socket.socket) -> None:
        try:
            with self._secured(connection) as secured:
                self._script(Visit(self, secured))
        except OSError:
            pass  # the gateway left: what that means is the test's business
        except BaseException as error:  # noqa: BLE001 - the test looks at them
            self.errors.append(error)

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._tls is None:
            return connection
        with connection:
            secured = self._tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self._sockets.append(secured)
        try:
            secured.do_handshake()
        except BaseException:
            secured.close()
            raise
        return secured

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(5)
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive(), "an upstream's script hangs"
        if kind is None and self.errors:
            raise self.errors[0]


def answering(body: bytes = b"hello", status: str = "200 OK", headers: bytes = b"") -> Script:
    """A script that answers every request alike, and keeps the connection."""

    def script(visit: Visit) -> None:
        while head := visit.read_head():
            visit.read_body(head)
            length = b"Content-Length: %d\r\n" % len(body)
            answer = b"HTTP/1.1 " + status.encode() + b"\r\n" + headers + length + b"\r\n"
            visit.send(answer if head.startswith(b"HEAD ") else answer + body)

    return script


def echoing(visit: Visit) -> None:
    """A script that answers with the request's body, and the request's head as a header."""
    while head := visit.read_head():
        body = visit.read_body(head)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def once(raw: bytes, *, close: bool = True) -> Script:
    """A script that answers the first request with these bytes, and closes."""

    def script(visit: Visit) -> None:
        visit.read_body(visit.read_head())
        visit.send(raw)
        if not close:
            visit.owner.released.wait(10)

    return script
