"""An admitted request on its way: sent to an upstream, and answered, whatever goes wrong.

Callbacks alone; the one task is that of a connection being opened. Nothing is buffered whole: each
side is held while the other takes no more. An answer that has begun and cannot be completed ends
with an aborted connection, so that the client sees it.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Final

from abi_engine.features.gateway.admission import Admission, Attempt
from abi_engine.features.gateway.proxy import answers
from abi_engine.features.gateway.proxy.answers import Trouble
from abi_engine.features.gateway.proxy.body import in_chunks
from abi_engine.features.gateway.proxy.head import BadMessage, RequestHead, ResponseHead
from abi_engine.features.gateway.proxy.headers import interim_head, request_head, response_head
from abi_engine.features.gateway.proxy.request import Request
from abi_engine.features.gateway.proxy.timing import Late, Stage, Timing
from abi_engine.features.gateway.proxy.upstream_connection import UpstreamConnection

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.plane import DataPlane

_IDEMPOTENT: Final = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))
_CHUNKED: Final = b"Transfer-Encoding: chunked"
_LATE: Final = {
    Late.CONNECT: answers.CONNECT_LATE,
    Late.FIRST_BYTE: answers.FIRST_BYTE_LATE,
    Late.IDLE: answers.IDLE_LATE,
    Late.TOTAL: answers.TOTAL_LATE,
}


class Exchange:
    """A request that an upstream is asked to answer.

    Args:
        plane: what all share.
        request: who asked, and for what.
        head: of the request.
        admission: the library plane's word on it.
        attempt: at the upstream it goes to.
    """

    _connecting: asyncio.Task[None] | None = None
    _upstream: UpstreamConnection | None = None
    _status = 0  # of the answer; 0 while none has begun
    _chunked = False  # the answer goes to the client in chunks
    _keep_alive = False
    _bytes_in = 0
    _bytes_out = 0
    _latency = 0.0
    _unsent: float = inf  # what had not left at the last look
    _over = False

    def __init__(
        self,
        plane: DataPlane,
        request: Request,
        head: RequestHead,
        admission: Admission,
        attempt: Attempt,
    ) -> None:
        self._plane = plane
        self._request = request
        self._client = request.client
        self._head = head
        self._admission = admission
        self._attempt = attempt
        self._timing = Timing(admission.route.timeouts, plane.limits, request.since)
        self._sent_at = request.started
        self._received = not head.has_body  # the request is here to its last byte
        self._pieces: list[bytes] = []  # of its body, before the upstream's connection stood
        self._answer: list[bytes] = []  # its head, until something of the body goes with it

    # The request, from the client.

    def begin(self) -> None:
        """Send the request, on an idle connection if there is one."""
        self._client.look_within(self._timing.shortest(with_body=not self._received))
        if self._head.expects_continue:
            self._client.write([answers.CONTINUE])
        upstream = self._plane.pool.take(self._attempt.upstream)
        if upstream is None:
            self._connect()
        else:
            self.connected(upstream)

    def _connect(self) -> None:
        self._timing.enter(Stage.CONNECTING, self._plane.loop.time())
        self._connecting = self._plane.pool.open(self._attempt.upstream, self)
        self.hold_request()

    def connected(self, connection: UpstreamConnection) -> None:
        """A connection stands: send what there is."""
        self._connecting = None
        self._upstream = connection
        head, admission, address = self._head, self._admission, self._attempt.upstream
        route = admission.route
        data = request_head(
            head,
            target=address.prefix + admission.target,
            host=(route.preserve_host and head.host) or connection.shelf.host,
            added=(self._client.forwarding(head), self._request.id_line),
            via=self._plane.pseudonym,
            rules=route.request_headers,
        )
        parts = [data, *self._framed(self._pieces)] if head.has_body else [data]
        self._pieces = []
        connection.send(self, parts, for_head=head.method == "HEAD")
        self._passed_on()
        if not self._received:
            self.release_request()

    def not_connected(self, error: Exception) -> None:
        """There is no connection to be had."""
        self._connecting = None
        reason = getattr(error, "strerror", None) or type(error).__name__
        self._attempt.failed(f"cannot connect: {reason}", self._elapsed())
        self._give_up(answers.CONNECT_REFUSED)

    def body_received(self, pieces: list[bytes], *, done: bool) -> None:
        """More of the request's body is here; `done` with its last piece."""
        self._bytes_in += sum(map(len, pieces))
        self._received = done
        if self._head.chunked and self._bytes_in > self._admission.route.max_body:
            self._blame_client(answers.TOO_LARGE)
        elif self._upstream is None:
            self._pieces += pieces
        else:
            self._upstream.write(self._framed(pieces))
            self._passed_on()

    def _framed(self, pieces: list[bytes]) -> list[bytes]:
        """Pieces of the request's body as they go to the upstream."""
        if not self._head.chunked:
            return pieces
        return in_chunks(pieces, last=self._received)

    def _passed_on(self) -> None:
        """Something was sent; after the last of it, begin to wait for the answer."""
        now = self._plane.loop.time()
        if not self._received:
            self._timing.enter(Stage.ANSWERING if self._status else Stage.SENDING, now)
            return
        self._sent_at = self._plane.clock.monotonic()
        if not self._status:
            self._timing.enter(Stage.WAITING, now)

    def hold_request(self) -> None:
        """The upstream takes no more: the client is not read meanwhile."""
        if not self._received:
            self._timing.hold(self._plane.loop.time())
            self._client.pause_reading()

    def release_request(self) -> None:
        """The upstream takes more again."""
        if not self._received:
            self._timing.release(self._plane.loop.time())
            self._client.resume_reading()

    def body_is_bad(self, error: BadMessage) -> None:
        """The framing of the request's body is broken."""
        self._blame_client(Trouble(error.status, "bad_body", error.reason))

    # The answer, from the upstream.

    def interim_response(self, head: ResponseHead) -> None:
        """See `Reader`: passed on, but for the `100 Continue` that the gateway sends itself."""
        if self._head.http11 and head.status != 100 and not self._status:
            self._client.write([interim_head(head)])

    def response_began(self, head: ResponseHead, *, has_body: bool) -> None:
        """See `Reader`."""
        self._latency = self._elapsed()
        self._timing.enter(Stage.ANSWERING, self._plane.loop.time())
        self._status = head.status
        self._keep_alive = self._head.keep_alive and self._received and not self._plane.draining
        framing = self._framing(head, has_body=has_body)
        line = self._request.connection_line(keep_alive=self._keep_alive)
        self._answer = [
            response_head(
                head,
                added=(head.date_line() or self._plane.date(), self._request.id_line),
                framing=(*framing, line) if line else framing,
                rules=self._admission.route.response_headers,
            )
        ]
        if not self._client.is_writable:
            self.hold_response()

    def _framing(self, head: ResponseHead, *, has_body: bool) -> tuple[bytes, ...]:
        if head.length is not None and head.status != 204:
            return (b"Content-Length: %d" % head.length,)
        if not has_body:
            return ()
        if self._head.http11:
            self._chunked = True
            return (_CHUNKED,)
        self._keep_alive = False  # the end of the connection is the end of the body
        return ()

    def response_received(self, pieces: list[bytes], *, last: bool = False) -> None:
        """See `Reader`."""
        self._timing.moved = self._plane.loop.time()
        self._bytes_out += sum(map(len, pieces))
        head, self._answer = self._answer, []
        self._client.write(head + (in_chunks(pieces, last=last) if self._chunked else pieces))

    def response_ended(self, pieces: list[bytes], *, reusable: bool) -> None:
        """See `Reader`."""
        upstream, self._upstream = self._upstream, None
        assert upstream is not None
        self.response_received(pieces, last=True)
        if reusable and self._received and not upstream.unsent:
            upstream.resume_reading()
            upstream.shelf.put_back(upstream)
        else:
            upstream.abort()
        if self._status >= 500:
            self._attempt.failed(f"answered {self._status}", self._latency, self._status)
        else:
            self._attempt.succeeded(self._latency, self._status)
        self._finish(keep_alive=self._keep_alive)

    def upstream_failed(self, trouble: Trouble, *, silent: bool) -> None:
        """See `Reader`."""
        upstream, self._upstream = self._upstream, None
        stale = upstream is not None and upstream.reused and silent
        if stale and not self._bytes_in and self._head.method in _IDEMPOTENT:
            self._connect()  # it had been closed while it was idle
            return
        if not self._received and self._timing.client_is_read:
            self._attempt.cancelled()  # it may have tired of a client that sends no more
        else:
            self._attempt.failed(trouble.text, self._elapsed())
        self._give_up(trouble)

    def hold_response(self) -> None:
        """The client takes no more: the upstream is not read meanwhile."""
        if self._upstream is not None:
            self._upstream.pause_reading()

    def release_response(self) -> None:
        """The client takes more again."""
        self._timing.moved = self._plane.loop.time()
        if self._upstream is not None:
            self._upstream.resume_reading()

    # The end.

    def look(self, now: float) -> float:
        """End the exchange if its time is over; tell when to look again."""
        due, late = self._timing.due(None if self._received else self._bytes_in)
        if due > now:
            return due
        if late is Late.IDLE and self._has_progressed():
            self._timing.moved = now
            return self.look(now)
        self._too_late(late)
        return inf

    def _has_progressed(self) -> bool:
        """Whether bytes written earlier have left since the last look."""
        unsent = self._client.unsent + (self._upstream.unsent if self._upstream else 0)
        before, self._unsent = self._unsent, unsent
        return 0 < unsent < before

    def _too_late(self, late: Late) -> None:
        if late is Late.BODY_RATE:
            self._blame_client(answers.SLOW_BODY)
        elif late in (Late.IDLE, Late.TOTAL) and not self._client.is_writable:
            self._blame_client(answers.STALLED)
        elif late in (Late.IDLE, Late.TOTAL) and not self._received and self._timing.client_is_read:
            self._blame_client(answers.SLOW_BODY)
        else:
            trouble = _LATE[late]
            self._attempt.failed(trouble.text, self._elapsed())
            self._give_up(trouble)

    def _blame_client(self, trouble: Trouble) -> None:
        self._attempt.cancelled()
        self._give_up(trouble)

    def abandon(self, trouble: Trouble) -> None:
        """The client is gone, or the gateway stops: leave nothing behind."""
        if not self._over:
            self._attempt.cancelled()
            self._drop_upstream()
            self._status = self._status or trouble.status
            self._finish(keep_alive=False, error=trouble.word, cancelled=True)

    def _give_up(self, trouble: Trouble) -> None:
        """Answer with the trouble; an answer that has gone out in part is cut visibly."""
        self._drop_upstream()
        if self._status and not self._answer:
            self._client.cut()
            self._finish(keep_alive=False, error=trouble.word)
            return
        self._status = trouble.status
        keep_alive = self._head.keep_alive and self._received and not self._plane.draining
        self._bytes_out = self._request.answer(answers.refusal(trouble), keep_alive=keep_alive)
        self._finish(keep_alive=keep_alive, error=trouble.word)

    def _drop_upstream(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None

    def _elapsed(self) -> float:
        return self._plane.clock.monotonic() - self._sent_at

    def _finish(self, *, keep_alive: bool, error: str = "", cancelled: bool = False) -> None:
        self._over = True
        duration = self._request.duration()
        self._admission.finish(
            self._status,
            duration,
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            cancelled=cancelled,
        )
        self._request.log(
            self._status,
            bytes_in=self._bytes_in,
            bytes_out=self._bytes_out,
            route=self._admission.route.path,
            upstream=self._attempt.upstream.name,
            error=error,
            duration=duration,
        )
        self._client.exchange_over(keep_alive=keep_alive)
