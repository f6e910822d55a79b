"""What can be done to the demo while it runs, and what it says of itself. Refuses all else.

Every word is a route of the gateway: `POST /demo/pause` with curl, with `abi gateway test`, or with
the dashboard's test request; `GET /demo/status` tells how things are.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus

import msgspec

from abi_tui.demo.http_server import Reply, Request
from abi_tui.demo.schedule import Phase

PREFIX = "/demo/"
STATUS = "status"


class Steering(StrEnum):
    """What the demo can be told."""

    PAUSE = "pause"
    RESUME = "resume"
    FAIL = "fail"
    RECOVER = "recover"
    FASTER = "faster"
    SLOWER = "slower"


WORDS = frozenset(word.value for word in Steering)


class UpstreamCounts(msgspec.Struct, frozen=True):
    """What an upstream counted itself.

    Attributes:
        name: what it is like; url: where it is.
        received_total: requests it read whole.
        replied_total: answers it sent, by status.
    """

    name: str
    url: str
    received_total: int
    replied_total: dict[str, int]


class DemoStatus(msgspec.Struct, frozen=True):
    """The upstreams and the traffic at one moment.

    Attributes:
        phase: how the failing upstream behaves.
        paused: no traffic is sent and no phase ends.
        speed: how many times the usual traffic.
        in_flight: requests that wait for their answers.
        answered_total: answers the clients got, by status.
        unanswered_total: requests that got none, by reason.
        skipped_total: requests left out because too many waited or it was too late.
        upstreams: what each counted.
        cpu_s: processor time of this process so far; uptime_s: since it began.
    """

    phase: Phase
    paused: bool
    speed: float
    in_flight: int
    answered_total: dict[str, int]
    unanswered_total: dict[str, int]
    skipped_total: int
    upstreams: tuple[UpstreamCounts, ...]
    cpu_s: float
    uptime_s: float


class ControlDesk:
    """The upstream behind `/demo/*`.

    Args:
        steer: does what it is told.
        status: tells how things are.
    """

    def __init__(self, steer: Callable[[Steering], None], status: Callable[[], DemoStatus]) -> None:
        self._steer = steer
        self._status = status

    def __call__(self, request: Request) -> Reply:
        """Do what the path says; the answer is the status afterwards."""
        word = request.path.partition("?")[0].removeprefix(PREFIX)
        if word in WORDS:
            if request.method != "POST":
                return _refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"POST {PREFIX}{word}")
            self._steer(Steering(word))
        elif word != STATUS:
            known = ", ".join((STATUS, *Steering))
            return _refusal(HTTPStatus.NOT_FOUND, f"{PREFIX} and one of {known}")
        return Reply(body=msgspec.json.format(msgspec.json.encode(self._status()), indent=2))


def _refusal(status: HTTPStatus, expected: str) -> Reply:
    return Reply(status, msgspec.json.encode({"error": f"expected {expected}"}))
