"""An admitted request: sent to an upstream, and answered, whatever goes wrong.

Nothing is buffered whole: the upstream is held while the client takes no more. An answer that has
begun and cannot be completed ends with an aborted connection, so that the client sees it.
"""

from __future__ import annotations

from math import inf
from typing import Final

from abi_engine.features.gateway.proxy import answers
from abi_engine.features.gateway.proxy.answers import Trouble
from abi_engine.features.gateway.proxy.body import in_chunks
from abi_engine.features.gateway.proxy.head import BadMessage, ResponseHead
from abi_engine.features.gateway.proxy.headers import interim_head, response_head, upgrade_lines
from abi_engine.features.gateway.proxy.retrying import IDEMPOTENT
from abi_engine.features.gateway.proxy.sending import Sending
from abi_engine.features.gateway.proxy.timing import ANSWERING, Late
from abi_engine.features.gateway.proxy.tunnel import Tunnel

_CHUNKED: Final = b"Transfer-Encoding: chunked"
_LATE: Final = {
    Late.CONNECT: answers.CONNECT_LATE,
    Late.FIRST_BYTE: answers.FIRST_BYTE_LATE,
    Late.IDLE: answers.IDLE_LATE,
    Late.TOTAL: answers.TOTAL_LATE,
}


class Exchange(Sending):
    """A request that an upstream is asked to answer; arguments as for `Sending`."""

    _keep_alive = False
    _latency = 0.0
    _endless_after: float | None = None  # when it began, where the answer may go on for ever
    _tunnel: Tunnel | None = None
    _unsent: float = inf  # what had not left at the last look
    _over = False

    # The answer, from the upstream.

    def interim_response(self, head: ResponseHead) -> None:
        """See `Reader`: passed on, but for the `100 Continue` that the gateway sends itself."""
        if self._head.http11 and head.status != 100 and not self._status:
            self._hinted = True
            self._client.write([interim_head(head)])

    def switched(self, head: ResponseHead) -> None:
        """See `Reader`."""
        upstream = self._upstream
        if upstream is None or not self._upgrade or head.protocol() != self._upgrade:
            raise BadMessage(502, "an upgrade that nobody asked for")
        self._latency = self._elapsed()
        self._status = 101
        self._never_ends()
        self._client.write([self._head_of(head, upgrade_lines(self._upgrade))])
        idle = self._admission.route.timeouts.idle
        self._tunnel = Tunnel(self._plane.loop, idle, self._client, upstream, self._tunnel_over)
        self._client.look_within(idle)
        self._tunnel.begin(client_is_writable=self._client.is_writable)

    def _never_ends(self) -> None:
        """The answer may go on for ever: what there is to tell of the upstream is told now."""
        self._endless_after = self._request.duration()
        self._timing.lift_total()
        self._attempt.settled(self._latency)

    def response_began(self, head: ResponseHead, *, has_body: bool) -> None:
        """See `Reader`."""
        self._latency = self._elapsed()
        if head.status >= 500 and self._is_asked_elsewhere(head.status):
            return
        self._timing.stage = ANSWERING
        self._status = head.status
        self._keep_alive = self._may_keep_alive()
        framing = self._framing(head, has_body=has_body)
        line = self._request.connection_line(keep_alive=self._keep_alive)
        if line:
            framing += (line,)
        self._answer = [self._head_of(head, framing)]
        if head.is_event_stream and head.status < 500:
            self._never_ends()
        if not self._client.is_writable:
            self.hold_response()

    def _is_asked_elsewhere(self, status: int) -> bool:
        """Throw the answer away and ask another upstream, where the route wants that."""
        if status not in self._admission.route.retries.statuses:
            return False
        attempt = self._next_attempt()
        if attempt is None:
            return False
        self._attempt.failed(f"answered {status}", self._latency, status)
        self._go_to(attempt)
        return True

    def _may_keep_alive(self) -> bool:
        """Whether the client's connection lives on; never after an upgrade that was asked for,
        since bytes behind it may belong to the other protocol.
        """
        may = self._head.keep_alive and self._received and not self._upgrade
        return may and not self._client.is_last()

    def _head_of(self, head: ResponseHead, framing: tuple[bytes, ...]) -> bytes:
        access = self._request.access
        return response_head(
            head,
            added=(head.date_line() or self._plane.date(), self._request.id_line),
            framing=framing,
            rules=self._admission.route.response_headers,
            cors=None if access is None else access.cors,
        )

    def _framing(self, head: ResponseHead, *, has_body: bool) -> tuple[bytes, ...]:
        if head.status == 205:
            return (b"Content-Length: 0",)
        if head.length is not None and head.status != 204:
            return (b"Content-Length: %d" % head.length,)
        if not has_body:
            return ()
        if self._head.http11:
            self._chunked = True
            return (_CHUNKED,)
        self._keep_alive = False  # the end of the connection is the end of the body
        return ()

    def response_received(self, pieces: list[bytes]) -> None:
        """See `Reader`."""
        self._timing.moved = self._plane.loop.time()
        self._pass_back(pieces, last=False)

    def _pass_back(self, pieces: list[bytes], *, last: bool) -> None:
        for piece in pieces:
            self._bytes_out += len(piece)
        head, self._answer = self._answer, []
        self._client.write(head + (in_chunks(pieces, last=last) if self._chunked else pieces))

    def response_ended(self, pieces: list[bytes], *, reusable: bool) -> None:
        """See `Reader`."""
        upstream, self._upstream = self._upstream, None
        assert upstream is not None
        self._pass_back(pieces, last=True)
        if reusable and self._received and not upstream.unsent():
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
        if stale and not self._bytes_in and self._head.method in IDEMPOTENT:
            self._connect()  # it had been closed while it was idle
            return
        if not self._received and self._timing.client_is_read:
            self._attempt.cancelled()  # it may have tired of a client that sends no more
        else:
            self._attempt.failed(trouble.text, self._elapsed(), cause=answers.cause_of(trouble))
        if not self._goes_elsewhere():
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
        if self._tunnel is not None:
            return self._tunnel.look(now)
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
        unsent = self._client.unsent + (self._upstream.unsent() if self._upstream else 0)
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
            self._attempt.failed(trouble.text, self._elapsed(), cause=answers.cause_of(trouble))
            if late is Late.TOTAL or not self._goes_elsewhere():
                self._give_up(trouble)

    def _blame_client(self, trouble: Trouble) -> None:
        self._attempt.cancelled()
        self._give_up(trouble)

    def abandon(self, trouble: Trouble) -> None:
        """The client is gone, or the gateway stops: leave nothing behind."""
        if self._tunnel is not None:
            self._tunnel.close(trouble)
        elif not self._over:
            self._attempt.cancelled()
            self._drop_upstream()
            self._status = self._status or trouble.status
            self._finish(keep_alive=False, error=trouble.word, cancelled=True)

    def _tunnel_over(self, trouble: Trouble | None) -> None:
        """Both sides have ended, or one was lost: the other sees which."""
        upstream, self._upstream, tunnel = self._upstream, None, self._tunnel
        assert upstream is not None
        assert tunnel is not None
        self._bytes_in, self._bytes_out = tunnel.client.carried, tunnel.upstream.carried
        if trouble is None:
            upstream.close()
        else:
            upstream.abort()
        if trouble is answers.UPSTREAM_LOST:
            self._attempt.failed(answers.UPSTREAM_LOST.text, self._latency)
        else:
            self._attempt.succeeded(self._latency, self._status)
        if trouble not in (None, answers.CLIENT_LEFT):
            self._client.cut()
        self._finish(keep_alive=False, error="" if trouble is None else trouble.word)

    def _give_up(self, trouble: Trouble) -> None:
        """Answer with the trouble; an answer that has gone out in part is cut visibly."""
        self._drop_upstream()
        if self._status and not self._answer:
            self._client.cut()
            self._finish(keep_alive=False, error=trouble.word)
            return
        self._status = trouble.status
        keep_alive = self._may_keep_alive()
        self._bytes_out = self._request.answer(answers.refusal(trouble), keep_alive=keep_alive)
        self._finish(keep_alive=keep_alive, error=trouble.word)

    def _finish(self, *, keep_alive: bool, error: str = "", cancelled: bool = False) -> None:
        self._over = True
        duration = self._request.duration()
        self._admission.finish(
            self._status,
            duration if self._endless_after is None else self._endless_after,
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
