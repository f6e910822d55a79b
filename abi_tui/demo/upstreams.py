"""The upstreams: one steady, one slow, one that fails as its phase says.

Refuses to know when the phases change; whoever keeps the time tells it.
"""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from random import Random

import msgspec

from abi_tui.demo.http_server import Reply, Request, Server
from abi_tui.demo.schedule import Phase

COLD_ANSWERS = 4
COLD_DELAY = 1.8
REPORT_SIZE = 48 << 10
FILE_SIZE = 96 << 10


class Role(StrEnum):
    """What an upstream is like."""

    STEADY = "steady"
    SLOW = "slow"
    FAILING = "failing"
    CONTROL = "control"


class Steady:
    """Answers within a few milliseconds; a file now and then takes longer.

    Args:
        random: varies the delays.
    """

    def __init__(self, random: Random) -> None:
        self._random = random

    def __call__(self, request: Request) -> Reply:
        """The answer: a file for `/files/…`, else a line of JSON."""
        delay = self._random.lognormvariate(0.6, 0.5) / 1000  # a median of 1.8 ms
        if request.path.startswith("/files/"):
            body = bytes(FILE_SIZE)
            return Reply(
                body=body, delay=delay * 3, chunked=True, content_type="application/octet-stream"
            )
        return spoken(Role.STEADY, request, delay)


class Slow:
    """Answers within a tenth of a second or so, and never fails.

    Args:
        random: varies the delays.
    """

    def __init__(self, random: Random) -> None:
        self._random = random

    def __call__(self, request: Request) -> Reply:
        """The answer: a long one for `/reports/…`, else a line of JSON."""
        delay = min(self._random.lognormvariate(4.0, 0.5) / 1000, 1.0)  # a median of 55 ms
        if request.path.startswith("/reports/"):
            return Reply(body=b"-" * REPORT_SIZE, delay=delay * 2, content_type="text/plain")
        return spoken(Role.SLOW, request, delay)


class Failing:
    """Healthy, then not: errors, refused connections, silence; then slow until it is warm.

    Args:
        random: varies the delays.
    """

    def __init__(self, random: Random) -> None:
        self.phase = Phase.HEALTHY
        self.server = Server(self)
        self._random = random
        self._cold = 0

    def __call__(self, request: Request) -> Reply | None:
        """The answer of the phase; None while it hangs."""
        if self.phase is Phase.HANGING:
            return None
        delay = self._random.lognormvariate(1.5, 0.4) / 1000  # a median of 4.5 ms
        if self.phase is Phase.ERRORING:
            return spoken(Role.FAILING, request, delay, HTTPStatus.INTERNAL_SERVER_ERROR)
        if self._cold > 0:
            self._cold -= 1
            delay = COLD_DELAY
        return spoken(Role.FAILING, request, delay)

    async def enter(self, phase: Phase) -> None:
        """Behave so from now on."""
        if phase is self.phase:
            return
        self.phase = phase
        if phase is Phase.RECOVERING:
            self._cold = COLD_ANSWERS
        elif phase is not Phase.HEALTHY:
            self._cold = 0
        if phase is Phase.REFUSING:
            self.server.refuse()
        else:
            await self.server.listen()


class _Said(msgspec.Struct, frozen=True):
    upstream: str
    method: str
    path: str
    received_bytes: int


def spoken(role: Role, request: Request, delay: float, status: HTTPStatus = HTTPStatus.OK) -> Reply:
    """A line of JSON that tells who answered what."""
    said = _Said(role.value, request.method, request.path, request.body_size)
    return Reply(status, msgspec.json.encode(said), delay)
