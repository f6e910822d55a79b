"""A socket that speaks frames, for both of its ends. Refuses to wait for ever for half of one.

One thread receives and one sends; any thread may end the connection, which wakes both.
"""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from threading import Lock

from abi_engine.core.clock import Clock, SystemClock
from abi_engine.core.errors import TimedOut
from abi_engine.service import frames
from abi_engine.service.frames import Frame

FRAME_TIMEOUT = 10.0
CHUNK = 64 << 10  # a larger buffer would be mapped anew by the allocator each time
LEFT = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


class Closed(Exception):
    """The other end, or this one, has closed the connection. Never crosses it: callers of the
    service get a `ConnectionLost`.
    """


class Connection:
    """Frames over a connected socket.

    Args:
        connected: the socket; it belongs to the connection from now on.
        frame_timeout: a frame that has begun must be complete within so many seconds.
        clock: measures them.
    """

    def __init__(
        self,
        connected: socket.socket,
        *,
        frame_timeout: float = FRAME_TIMEOUT,
        clock: Clock | None = None,
    ) -> None:
        connected.setblocking(False)
        self._socket = connected
        self._frame_timeout = frame_timeout
        self._clock = clock or SystemClock()
        self._received = bytearray()
        self._readable = _poll(connected, select.POLLIN)
        self._writable = _poll(connected, select.POLLOUT)
        self._closing = Lock()

    def send(self, packed: bytes | bytearray, timeout: float | None = None) -> None:
        """Send one packed frame.

        Raises:
            Closed: the connection ended before all of it was out.
            TimedOut: the other end took nothing for `timeout` seconds.
        """
        left = memoryview(packed)
        while left:
            try:
                left = left[self._socket.send(left) :]
            except BlockingIOError:
                self._wait(self._writable, timeout)
            except OSError as error:
                raise Closed(f"connection closed: {error.strerror}") from error

    def receive(self, timeout: float | None = None) -> Frame:
        """The next frame.

        Args:
            timeout: how many seconds to wait for it to begin; None waits for ever.

        Raises:
            Closed: the connection ended first.
            TimedOut: no frame began, or one that began was not completed in time.
            FrameTooLarge, ProtocolMismatch: what came is not a frame.
        """
        if not self._received:
            self._read(timeout)
        deadline = self._clock.monotonic() + self._frame_timeout
        size = frames.LENGTH.size
        self._fill(size, deadline)
        size += frames.checked(frames.LENGTH.unpack_from(self._received)[0])
        self._fill(size, deadline)
        body = self._received[frames.LENGTH.size : size]
        del self._received[:size]
        return frames.unpack(body)

    def quiet(self) -> bool:
        """Whether the connection stands and nothing has come unasked: an idle one is good then."""
        return not self._received and not self._readable.poll(0)

    def wait_until_left(self) -> None:
        """Wait until the other end has closed, or this one will not read any more."""
        poll = _poll(self._socket, LEFT)
        while not poll.poll():
            pass

    def stop_reading(self) -> None:
        """As if the other end had left: what is received ends, what is sent still goes out."""
        self._shutdown(socket.SHUT_RD)

    def end(self) -> None:
        """End both directions and wake who waits; from any thread, any number of times."""
        self._shutdown(socket.SHUT_RDWR)

    def dispose(self) -> None:
        """Give the descriptor back. Only when nobody uses the connection any more."""
        self.end()
        with self._closing:
            self._socket.close()

    def _shutdown(self, how: int) -> None:
        with self._closing, suppress(OSError):  # the other end may have left already
            self._socket.shutdown(how)

    def _fill(self, size: int, deadline: float) -> None:
        while len(self._received) < size:
            left = deadline - self._clock.monotonic()
            try:
                self._read(max(left, 0.0))
            except TimedOut as error:
                message = f"half a frame: not complete within {self._frame_timeout:g} s"
                raise TimedOut(message) from error

    def _read(self, timeout: float | None) -> None:
        while True:
            try:
                chunk = self._socket.recv(CHUNK)
            except BlockingIOError:
                self._wait(self._readable, timeout)
                continue
            except OSError as error:
                raise Closed(f"connection closed: {error.strerror}") from error
            if not chunk:
                raise Closed("connection closed by the other end")
            self._received += chunk
            return

    def _wait(self, poll: select.poll, timeout: float | None) -> None:
        if not poll.poll(None if timeout is None else timeout * 1000):
            raise TimedOut(f"nothing for {timeout:g} s")

    def __del__(self) -> None:
        connected = getattr(self, "_socket", None)  # absent when __init__ itself failed
        if connected is not None:
            connected.close()


def _poll(connected: socket.socket, events: int) -> select.poll:
    poll = select.poll()
    poll.register(connected, events)
    return poll
