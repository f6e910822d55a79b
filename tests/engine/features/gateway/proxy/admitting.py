"""A library plane in a few lines: what the data plane tells it is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Condition

from abi_engine.features.gateway.admission import Access, Cause, Refusal, UpstreamAddress
from abi_engine.features.gateway.api import Route
from abi_engine.features.gateway.upstreams import parse_upstream


@dataclass
class Finish:
    """What `finish` was told, with how the attempt had ended."""

    path: str
    status: int
    bytes_in: int
    bytes_out: int
    cancelled: bool
    attempts: list[str]


@dataclass
class Attempting:
    upstream: UpstreamAddress
    outcome: str = "open"
    latency: float = -1.0
    settlings: int = 0
    cause: Cause | None = None

    def settled(self, latency: float) -> None:
        assert self.outcome == "open"
        self.settlings += 1

    def succeeded(self, latency: float, status: int = 0) -> None:
        self._end(f"succeeded {status}", latency)

    def failed(
        self, reason: str, latency: float, status: int = 0, cause: Cause = Cause.BROKEN
    ) -> None:
        self.cause = Cause.STATUS if status else cause
        self._end(f"failed {reason}", latency)

    def cancelled(self) -> None:
        self._end("cancelled", 0.0)

    def _end(self, outcome: str, latency: float) -> None:
        if self.outcome == "open":
            self.outcome, self.latency = outcome, latency


@dataclass
class Admitted:
    owner: Admitting
    route: Route
    target: str
    attempts: list[Attempting] = field(default_factory=list)
    over: bool = False
    access: Access | None = None

    def attempt(
        self, exclude: frozenset[str] = frozenset(), *, unsent: bool = False
    ) -> Attempting | Refusal:
        if self.owner.closed_to_attempts:
            return Refusal(503, "no upstream", (("Retry-After", "7"),), self.route.path)
        tls = self.route.upstream_tls
        addresses = (parse_upstream(url, tls) for url in self.route.upstreams)
        address = next((one for one in addresses if one.name not in exclude), None)
        paid = bool(exclude) and not unsent
        if address is None or (paid and not self.owner.retries):
            return Refusal(503, "no other upstream", route=self.route.path)
        self.owner.retries -= paid
        self.attempts.append(Attempting(address))
        return self.attempts[-1]

    def enter(self, called: Callable[[], None]) -> bool | Refusal:
        raise AssertionError("no route here has a queue")

    def overdue(self) -> Refusal:
        raise AssertionError("no route here has a queue")

    def finish(
        self, status: int, duration: float, *, bytes_in: int, bytes_out: int, cancelled: bool
    ) -> None:
        assert not self.over, "finished twice"
        assert duration >= 0
        outcomes = [attempt.outcome for attempt in self.attempts]
        assert "open" not in outcomes, "an attempt was left open"
        self.over = True
        self.owner.note(Finish(self.route.path, status, bytes_in, bytes_out, cancelled, outcomes))


class Admitting:
    """Lets everything in that some route's path begins; `finished` and `refusals` grow."""

    def __init__(self, routes: Iterable[Route] = ()) -> None:
        self.routes = list(routes)
        self.finished: list[Finish] = []
        self.refusals: list[int] = []
        self.seen: list[tuple[str, str, str]] = []
        self.connections = 0
        self.admitted = 0
        self.closed_to_attempts = False
        self.retries = 1000
        """How many more the budget allows."""
        self._changed = Condition()

    def admit(
        self, method: str, target: str, address: str, header: Callable[[str], str | None]
    ) -> Admitted | Refusal:
        self.seen.append((method, target, address))
        for route in self.routes:
            if target.startswith(route.path):
                if route.methods and method not in route.methods:
                    allow = (("Allow", ", ".join(route.methods)),)
                    return Refusal(405, "not that method", allow, route.path)
                self.admitted += 1
                return Admitted(self, route, target)
        if target.startswith("/limited"):
            return Refusal(429, "too many", (("Retry-After", "3"),), "/limited")
        return Refusal(404, "no route")

    def refused(self, status: int, duration: float, *, bytes_out: int) -> None:
        with self._changed:
            self.refusals.append(status)
            self._changed.notify_all()

    def connection_opened(self) -> None:
        with self._changed:
            self.connections += 1

    def connection_closed(self) -> None:
        with self._changed:
            self.connections -= 1
            self._changed.notify_all()

    def note(self, finish: Finish) -> None:
        with self._changed:
            self.finished.append(finish)
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[], bool], deadline: float = 5.0) -> None:
        """Wait for something that one of the calls brings about."""
        with self._changed:
            assert self._changed.wait_for(condition, deadline), "it did not come to that"

    def last(self, count: int = 1) -> Finish:
        """The newest finish, when there are `count`."""
        self.wait_until(lambda: len(self.finished) >= count)
        return self.finished[-1]
