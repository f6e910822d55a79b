"""Follows single requests through the gateway by their id, for whoever sent them to see the way.

Refuses to follow any other: without a trace waiting, requests cost nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from secrets import token_hex
from threading import Event
from typing import Final

from abi_engine.features.gateway.admission import (
    Access,
    Admission,
    Attempt,
    Cause,
    Refusal,
    UpstreamAddress,
)
from abi_engine.features.gateway.api import Route

REQUEST_ID: Final = "x-request-id"


class Trace:
    """What became of one request.

    Attributes:
        match: the path pattern of its route; empty where none matched.
        upstream: who answered; empty where the gateway did.
        over: set when nothing more will be known.
    """

    def __init__(self) -> None:
        self.match = ""
        self.upstream = ""
        self.over = Event()
        self.over.set()  # until it is admitted

    def follow(self, outcome: Admission | Refusal) -> Admission | Refusal:
        """The same outcome, whose way is noted from here on."""
        if isinstance(outcome, Refusal):
            self.match = outcome.route
            return outcome
        self.match = outcome.route.path
        self.over.clear()
        return TracedAdmission(outcome, self)


class Traces:
    """The requests that are waited for, by their ids. Thread-safe."""

    def __init__(self) -> None:
        self.waiting: dict[str, Trace] = {}

    @contextmanager
    def open(self) -> Iterator[tuple[str, Trace]]:
        """An id that nobody can guess, and the trace of the request that has it."""
        request_id = token_hex(16)
        trace = self.waiting[request_id] = Trace()
        try:
            yield request_id, trace
        finally:
            del self.waiting[request_id]

    def find(self, header: Callable[[str], str | None]) -> Trace | None:
        """The trace of the request with these headers, if somebody waits for it."""
        return self.waiting.get(header(REQUEST_ID) or "")


class TracedAdmission:
    """An admission whose trace learns of everything."""

    def __init__(self, admission: Admission, trace: Trace) -> None:
        self._admission = admission
        self._trace = trace

    @property
    def route(self) -> Route:
        """See `Admission`."""
        return self._admission.route

    @property
    def target(self) -> str:
        """See `Admission`."""
        return self._admission.target

    @property
    def access(self) -> Access | None:
        """See `Admission`."""
        return self._admission.access

    def enter(self, called: Callable[[], None]) -> bool | Refusal:
        """See `Admission`."""
        return self._admission.enter(called)

    def overdue(self) -> Refusal:
        """See `Admission`."""
        return self._admission.overdue()

    def attempt(
        self, exclude: frozenset[str] = frozenset(), *, unsent: bool = False
    ) -> Attempt | Refusal:
        """See `Admission`."""
        outcome = self._admission.attempt(exclude, unsent=unsent)
        return outcome if isinstance(outcome, Refusal) else TracedAttempt(outcome, self._trace)

    def finish(
        self, status: int, duration: float, *, bytes_in: int, bytes_out: int, cancelled: bool
    ) -> None:
        """See `Admission`."""
        self._admission.finish(
            status, duration, bytes_in=bytes_in, bytes_out=bytes_out, cancelled=cancelled
        )
        self._trace.over.set()


class TracedAttempt:
    """An attempt whose trace learns who answered."""

    def __init__(self, attempt: Attempt, trace: Trace) -> None:
        self._attempt = attempt
        self._trace = trace

    @property
    def upstream(self) -> UpstreamAddress:
        """See `Attempt`."""
        return self._attempt.upstream

    def settled(self, latency: float) -> None:
        """See `Attempt`."""
        self._trace.upstream = self.upstream.name
        self._attempt.settled(latency)

    def succeeded(self, latency: float, status: int = 0) -> None:
        """See `Attempt`."""
        self._trace.upstream = self.upstream.name
        self._attempt.succeeded(latency, status)

    def failed(
        self, reason: str, latency: float, status: int = 0, cause: Cause = Cause.BROKEN
    ) -> None:
        """See `Attempt`."""
        if status:
            self._trace.upstream = self.upstream.name
        self._attempt.failed(reason, latency, status, cause)

    def cancelled(self) -> None:
        """See `Attempt`."""
        self._attempt.cancelled()
