"""How long a request may still take, as arithmetic on moments of the loop's time. Pure."""

from __future__ import annotations

from enum import Enum, auto
from math import inf

from abi_engine.features.gateway.api import Timeouts
from abi_engine.features.gateway.config import Limits


class Stage(Enum):
    """What a request is waiting for."""

    CONNECTING = auto()
    """The connection to the upstream."""
    SENDING = auto()
    """The rest of the request's body."""
    WAITING = auto()
    """The first byte of the response."""
    ANSWERING = auto()
    """The rest of the response."""


CONNECTING, SENDING = Stage.CONNECTING, Stage.SENDING
WAITING, ANSWERING = Stage.WAITING, Stage.ANSWERING
"""Looked up once: enums are slow."""


class Late(Enum):
    """Which time is over."""

    CONNECT = auto()
    FIRST_BYTE = auto()
    IDLE = auto()
    TOTAL = auto()
    BODY_RATE = auto()


class Timing:
    """The times of one request.

    Args:
        timeouts: of its route.
        limits: of the gateway; the rate of the body is among them.
        since: when its first byte came.
    """

    __slots__ = (
        "_end",
        "_held",
        "_held_since",
        "_limits",
        "_since",
        "_timeouts",
        "moved",
        "stage",
    )

    def __init__(self, timeouts: Timeouts, limits: Limits, since: float) -> None:
        self._timeouts = timeouts
        self._limits = limits
        self._since = since
        self._end = since + timeouts.total
        self._held = 0.0
        self._held_since = inf
        self.stage = CONNECTING
        self.moved = since
        """When the stage began, or a byte last moved."""

    def enter(self, stage: Stage, now: float) -> None:
        """Begin a stage."""
        self.stage = stage
        self.moved = now

    def hold(self, now: float) -> None:
        """The client is not being read: it cannot be blamed for being slow."""
        if self._held_since == inf:
            self._held_since = now

    def release(self, now: float) -> None:
        """It is being read again."""
        if self._held_since < inf:
            self._held += now - self._held_since
            self._held_since = inf

    def lift_total(self) -> None:
        """The answer may go on for ever."""
        self._end = inf

    def shortest(self, *, with_body: bool) -> float:
        """The shortest time that any stage can have: who looks this often misses nothing."""
        shortest = self._timeouts.shortest
        return min(shortest, self._limits.body_grace) if with_body else shortest

    @property
    def client_is_read(self) -> bool:
        """Whether the client could send, for all that the gateway does."""
        return self._held_since == inf

    def due(self, body_received: int | None) -> tuple[float, Late]:
        """What is over next, and when.

        Args:
            body_received: bytes of a body that is not complete yet; None where it is.
        """
        timeouts = self._timeouts
        if self.stage is CONNECTING:
            due = self.moved + timeouts.connect, Late.CONNECT
        elif self.stage is WAITING:
            due = self.moved + timeouts.first_byte, Late.FIRST_BYTE
        else:
            due = self.moved + timeouts.idle, Late.IDLE
        if body_received is not None and self.client_is_read:
            allowed = max(self._limits.body_grace, body_received / self._limits.body_rate)
            at = self._since + self._held + allowed
            if at < due[0]:
                due = at, Late.BODY_RATE
        return due if due[0] <= self._end else (self._end, Late.TOTAL)
