"""A request that waits for its turn on a route that works on so many at once.

It stands where its exchange will be: what the client sends meanwhile is held, its leaving frees
the place, and a wait that takes too long is answered 503.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Protocol

from abi_engine.features.gateway.admission import Admission
from abi_engine.features.gateway.proxy import answers
from abi_engine.features.gateway.proxy.answers import Trouble
from abi_engine.features.gateway.proxy.head import RequestHead
from abi_engine.features.gateway.proxy.request import Request

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.exchange import Exchange
    from abi_engine.features.gateway.proxy.plane import DataPlane


class Proceed(Protocol):
    """Goes on with a request whose turn has come; None where it was answered at once."""

    def __call__(self, *, keep_alive: bool) -> Exchange | None: ...


class Waiting:
    """A request in the queue.

    Args:
        plane: what all share.
        request: who asked.
        head: what for.
        admission: has the place in the queue, which its end frees.
        proceed: goes on when the turn has come.
    """

    def __init__(
        self,
        plane: DataPlane,
        request: Request,
        head: RequestHead,
        admission: Admission,
        proceed: Proceed,
    ) -> None:
        self._plane = plane
        self._request = request
        self._client = request.client
        self._head = head
        self._admission = admission
        self._proceed = proceed
        self._due = inf
        self._over = False

    def begin(self) -> None:
        """Begin to wait."""
        concurrency = self._admission.route.concurrency
        if concurrency is not None:
            self._due = self._plane.loop.time() + concurrency.queue_timeout
            self._client.look_within(concurrency.queue_timeout)

    def called(self) -> None:
        """Its turn comes, while another request ends: go on after that."""
        self._plane.loop.call_soon(self._go_on)

    def look(self, now: float) -> float:
        """Give up if it has waited too long; tell when to look again."""
        if self._due > now:
            return self._due
        keep_alive = self._end()
        trouble, refusal = answers.CROWDED, self._admission.overdue()
        self._request.refuse(self._admission, refusal, trouble.word, keep_alive=keep_alive)
        self._client.exchange_over(keep_alive=keep_alive, unread=self._head.has_body)
        return inf

    def abandon(self, trouble: Trouble) -> None:
        """The client is gone, or the gateway stops."""
        if not self._over:
            self._end()
            self._request.leave(self._admission, trouble)
            self._client.exchange_over(keep_alive=False)

    def hold_response(self) -> None:
        """There is none yet."""

    def release_response(self) -> None:
        """There is none yet."""

    def _go_on(self) -> None:
        if self._over:
            return  # it has left between its call and now; who follows has been called
        keep_alive = self._end()
        self._request.since = self._plane.loop.time()  # neither it nor its client was slow
        exchange = self._proceed(keep_alive=keep_alive)
        if exchange is None:
            self._client.exchange_over(keep_alive=keep_alive, unread=self._head.has_body)
        else:
            self._client.turn_came(exchange, self._head)

    def _end(self) -> bool:
        """Wait no more; whether the connection lives on if it is answered now."""
        self._over = True
        head = self._head
        whole = head.keep_alive and not head.has_body and not head.upgrade
        return whole and not self._plane.draining
