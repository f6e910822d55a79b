"""A request while it is worked on: who asked, for what, since when; and the line it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from abi_engine.features.gateway.admission import Access, Admission, Refusal
from abi_engine.features.gateway.proxy.answers import Trouble, problem
from abi_engine.features.gateway.proxy.head import RequestHead
from abi_engine.features.gateway.proxy.headers import forwarded_address, forwarded_request_id
from abi_engine.features.gateway.proxy.log_lines import Entry, NcsaEntry
from abi_engine.features.gateway.proxy.trace_context import NO_TRACE

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.client_connection import ClientConnection
    from abi_engine.features.gateway.proxy.plane import DataPlane

CLOSE = b"Connection: close"
KEEP_ALIVE = b"Connection: keep-alive"


class Request:
    """What there is to know of a request, whatever becomes of it.

    Args:
        plane: what all share.
        client: who asked.
        head: what for; None where that could not be read.
        since: when its first byte came, in the loop's time.
    """

    __slots__ = (
        "_plane",
        "access",
        "address",
        "client",
        "head",
        "id",
        "id_line",
        "since",
        "started",
        "trace",
    )

    def __init__(
        self, plane: DataPlane, client: ClientConnection, head: RequestHead | None, since: float
    ) -> None:
        self._plane = plane
        self.client = client
        self.head = head
        self.since = since
        self.started = plane.clock.monotonic()
        self.address = client.address
        request_id = None
        if plane.config.trust_forwarded and head is not None:
            self.address = forwarded_address(head, client.address)
            request_id = forwarded_request_id(head)
        self.id = request_id or plane.ids.next()
        self.id_line = b"X-Request-ID: " + self.id.encode("ascii")
        self.trace = NO_TRACE if head is None else plane.trace_context.of(head)
        self.access: Access | None = None
        """What is known of who asked; None where the route has no door, or there is none."""

    def duration(self) -> float:
        """Seconds since the head was there."""
        return self._plane.clock.monotonic() - self.started

    def connection_line(self, *, keep_alive: bool) -> bytes:
        """The line that tells the client whether the connection lives on, if it must be told."""
        if not keep_alive:
            return CLOSE
        return b"" if self.head is None or self.head.http11 else KEEP_ALIVE

    def answer(self, refusal: Refusal, *, keep_alive: bool) -> int:
        """Write the gateway's own answer; tell how many bytes of it are body."""
        access = self.access
        cors = () if access is None else access.cors or ()
        data, size = problem(
            refusal.status,
            refusal.reason,
            self.id,
            date=self._plane.date(),
            headers=refusal.headers + cors,
            connection=self.connection_line(keep_alive=keep_alive),
            without_body=self.head is not None and self.head.method == "HEAD",
        )
        self.client.write([data])
        return size

    def turn_away(self, refusal: Refusal, word: str, *, keep_alive: bool) -> None:
        """Answer, count and log a request that is not admitted."""
        size = self.answer(refusal, keep_alive=keep_alive)
        self._plane.admitter.refused(refusal.status, self.duration(), bytes_out=size)
        self.log(refusal.status, bytes_out=size, route=refusal.route, error=word)

    def refuse(
        self, admission: Admission, refusal: Refusal, word: str, *, keep_alive: bool
    ) -> None:
        """Answer, count and log a request that was admitted, and goes no further."""
        size, status = self.answer(refusal, keep_alive=keep_alive), refusal.status
        admission.finish(status, self.duration(), bytes_in=0, bytes_out=size, cancelled=False)
        self.log(status, bytes_out=size, route=admission.route.path, error=word)

    def leave(self, admission: Admission, trouble: Trouble) -> None:
        """Count and log a request that was admitted, and whose client left before it went on."""
        status = trouble.status
        admission.finish(status, self.duration(), bytes_in=0, bytes_out=0, cancelled=True)
        self.log(status, route=admission.route.path, error=trouble.word)

    def log(
        self,
        status: int,
        *,
        bytes_in: int = 0,
        bytes_out: int = 0,
        route: str = "",
        upstream: str = "",
        error: str = "",
        duration: float | None = None,
    ) -> None:
        """Leave a line in the access log."""
        plane = self._plane
        if plane.log is None:
            return
        head = self.head
        access = self.access
        entry = (Entry if plane.log.is_json else NcsaEntry)(
            plane.clock.time(),
            self.id,
            self.address,
            "" if head is None else head.method,
            "" if head is None else head.target,
            status,
            bytes_in,
            bytes_out,
            (self.duration() if duration is None else duration) * 1000,
            route,
            upstream,
            error,
            "" if access is None else access.key,
            self.trace.trace_id,
        )
        if head is not None and isinstance(entry, NcsaEntry):
            entry.http11 = head.http11
            entry.referer = head.header("referer") or ""
            entry.user_agent = head.header("user-agent") or ""
        plane.log.add(entry)
