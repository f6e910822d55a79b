"""A request on its way to an upstream, or to one after another until one answers.

Callbacks alone; the one task is that of a connection being opened. Nothing is buffered whole: the
client is held while the upstream takes no more. Of a body only so much is kept as a route allows
for sending it again.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING

from abi_engine.features.gateway.admission import Admission, Attempt, Cause
from abi_engine.features.gateway.proxy import answers
from abi_engine.features.gateway.proxy.answers import Trouble
from abi_engine.features.gateway.proxy.body import in_chunks
from abi_engine.features.gateway.proxy.head import BadMessage, RequestHead
from abi_engine.features.gateway.proxy.request import Request
from abi_engine.features.gateway.proxy.retrying import IDEMPOTENT, Tries, is_retried
from abi_engine.features.gateway.proxy.timing import ANSWERING, CONNECTING, SENDING, WAITING, Timing
from abi_engine.features.gateway.proxy.upstream_connection import Reader, UpstreamConnection

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.connector import CannotConnect
    from abi_engine.features.gateway.proxy.plane import DataPlane


class Sending(Reader):
    """The way of a request; what becomes of its answer is in `Exchange`.

    Args:
        plane: what all share.
        request: who asked, and for what.
        head: of the request.
        admission: the library plane's word on it.
        attempt: at the upstream it goes to.
    """

    _connecting: asyncio.Task[None] | None = None
    _upstream: UpstreamConnection | None = None
    _sent = False  # something of the request, to some upstream
    _keeps_body = False  # all of the body so far is in `_pieces`
    _hinted = False  # interim responses went to the client: it is this upstream's answer or none
    _continued = False  # the client was told to send its body
    _tries: Tries | None = None

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
        self._pieces: list[bytes] = []  # of its body: not sent yet, or kept
        self._bytes_in = 0
        self._upgrade = b""  # the protocol that the connection may change to
        self._status = 0  # of the answer; 0 while none has begun
        self._answer: list[bytes] = []  # its head, until something of the body goes with it
        self._chunked = False  # it goes to the client in chunks
        self._bytes_out = 0

    @abstractmethod
    def _give_up(self, trouble: Trouble) -> None:
        """End it with the trouble for an answer; the attempt has ended."""

    @abstractmethod
    def _blame_client(self, trouble: Trouble) -> None:
        """End it with the trouble for an answer, which says nothing of the upstream."""

    def begin(self) -> None:
        """Send the request, on an idle connection if there is one."""
        head, route = self._head, self._admission.route
        self._client.look_within(self._timing.shortest(with_body=not self._received))
        if head.has_body:
            may_repeat = head.method in IDEMPOTENT and is_retried(route)
            self._keeps_body = may_repeat and self._bytes_in <= route.retries.held_body
        elif head.upgrade and head.method == "GET" and head.upgrade.decode() in route.upgrades:
            self._upgrade = head.upgrade
        self._find_connection()

    def _find_connection(self) -> None:
        upstream = self._plane.pool.take(self._attempt.upstream)
        if upstream is None:
            self._connect()
        else:
            self.connected(upstream)

    def _connect(self) -> None:
        self._timing.enter(CONNECTING, self._plane.loop.time())
        self._connecting = self._plane.pool.open(self._attempt.upstream, self)
        self.hold_request()

    def connected(self, connection: UpstreamConnection) -> None:
        """A connection stands: send what there is."""
        self._connecting = None
        self._upstream = connection
        head = self._head
        data = self._head_for(connection)
        if head.has_body:
            data = b"".join((data, *self._framed(self._pieces)))
            if not self._keeps_body:
                self._pieces = []
        self._sent = True
        connection.send(self, data, for_head=head.method == "HEAD")
        self._passed_on()
        if not self._received:
            self._ask_for_body()
            self.release_request()

    def _head_for(self, connection: UpstreamConnection) -> bytes:
        head, admission, request = self._head, self._admission, self._request
        route = admission.route
        return self._client.onward.head(
            head,
            self._attempt.upstream.prefix + admission.target,
            (route.preserve_host and head.host) or connection.shelf.host,
            route.request_headers,
            self._plane.config,
            request.id_line,
            trace=request.trace.lines,
            protocol=self._upgrade,
        )

    def _ask_for_body(self) -> None:
        """Tell a client that waits for leave to send its body that it may, once."""
        if self._head.expects_continue and not self._continued:
            self._continued = True
            self._client.write([answers.CONTINUE])

    def not_connected(self, error: CannotConnect) -> None:
        """There is no connection to be had."""
        self._connecting = None
        if error.is_ours:
            self._attempt.cancelled()
            self._give_up(answers.NO_ROOM)
            return
        self._attempt.failed(error.reason, self._elapsed(), cause=Cause.CONNECT)
        if not self._goes_elsewhere():
            self._give_up(answers.TLS_FAILED if error.is_tls else answers.CONNECT_REFUSED)

    def body_received(self, pieces: list[bytes], *, done: bool) -> None:
        """More of the request's body is here; `done` with its last piece."""
        self._bytes_in += sum(map(len, pieces))
        self._received = done
        if self._head.chunked and self._bytes_in > self._admission.route.max_body:
            self._blame_client(answers.TOO_LARGE)
            return
        if self._upstream is None or self._keeps_body:
            self._keep(pieces)
        if self._upstream is not None:
            self._upstream.write(self._framed(pieces))
            self._passed_on()

    def _keep(self, pieces: list[bytes]) -> None:
        self._pieces += pieces
        if self._keeps_body and self._bytes_in > self._admission.route.retries.held_body:
            self._keeps_body = False
            if self._upstream is not None:
                self._pieces = []

    def _framed(self, pieces: list[bytes]) -> list[bytes]:
        """Pieces of the request's body as they go to the upstream."""
        if not self._head.chunked:
            return pieces
        return in_chunks(pieces, last=self._received)

    def _passed_on(self) -> None:
        """Something was sent; after the last of it, begin to wait for the answer."""
        now = self._plane.loop.time()
        if not self._received:
            self._timing.enter(ANSWERING if self._status else SENDING, now)
            return
        self._sent_at = self._plane.clock.monotonic()
        if not self._status:
            self._timing.enter(WAITING, now)

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

    # Another upstream.

    def _goes_elsewhere(self) -> bool:
        """Send the request to another upstream, if it may be; the attempt before has ended."""
        attempt = self._next_attempt()
        if attempt is not None:
            self._go_to(attempt)
        return attempt is not None

    def _next_attempt(self) -> Attempt | None:
        """An attempt at another upstream, if the request may be sent again."""
        answered = self._hinted or (self._status and not self._answer)
        if answered or not self._may_be_repeated() or not is_retried(self._admission.route):
            return None
        if self._tries is None:
            self._tries = Tries(self._admission)
        unsent = self._timing.stage is CONNECTING
        return self._tries.after(self._attempt, unsent=unsent)

    def _may_be_repeated(self) -> bool:
        """Whether it does no harm to send the request, and all of it so far is here."""
        if not self._sent:
            return True
        return self._head.method in IDEMPOTENT and (self._keeps_body or not self._bytes_in)

    def _go_to(self, attempt: Attempt) -> None:
        """Begin anew at another upstream; nothing is left of the one before."""
        self._drop_upstream()
        self._attempt = attempt
        self._status = 0
        self._answer = []
        self._chunked = False
        self._sent_at = self._plane.clock.monotonic()
        self._find_connection()

    def _drop_upstream(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None

    def _elapsed(self) -> float:
        return self._plane.clock.monotonic() - self._sent_at
