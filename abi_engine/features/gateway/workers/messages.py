"""What the owner of the gateway and its workers say to each other, and how it is framed.

A frame is four bytes of length, highest first, and a list of messages in MessagePack. Refuses
frames that are larger than any that is ever sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from abi_engine.core.errors import AbiError, Category
from abi_engine.features.gateway.api import Route
from abi_engine.features.gateway.config import ApiKey, GatewayConfig
from abi_engine.features.gateway.workers.terms import Terms
from abi_engine.runtime.breaker import BreakerState

FRAME_SIZE_MAX: Final = 256 << 20
_LENGTH: Final = 4


class _Message(msgspec.Struct, array_like=True, tag=True, frozen=True, gc=False):
    """Base of all."""


# To a worker.


class Begin(_Message, frozen=True):
    """What a worker is, first of all.

    Attributes:
        config: of the gateway, without routes and keys, with its share of what is divided.
        number: its place, from 0.
        workers: how many there are.
        data_dir: of the engine; empty for one that lives in memory.
        lasting: whether the listening sockets outlive the owner.
    """

    config: GatewayConfig
    number: int
    workers: int
    data_dir: str
    lasting: bool


class Serve(_Message, frozen=True):
    """All is said that must be known before the first request: let clients in."""


class PutRoute(_Message, frozen=True):
    """A route that is new, or is changed, or was switched on or off."""

    id: int
    route: Route
    enabled: bool


class DropRoute(_Message, frozen=True):
    """A route that is gone."""

    id: int


class Keys(_Message, frozen=True):
    """All API keys, by their digests."""

    keys: tuple[ApiKey, ...]


class Stand(_Message, frozen=True):
    """How a breaker stands; see `Standing`."""

    upstream: str
    state: BreakerState
    permit: int
    calm: bool
    reopens_at: float
    forced: bool


class Trial(_Message, frozen=True):
    """A trial of a half-open breaker, for this worker to make."""

    upstream: str
    permit: int


class Recall(_Message, frozen=True):
    """Others want a trial that this worker does not make."""

    upstream: str


class Settled(_Message, frozen=True):
    """How a key of a limit stands: the answer to a report of `spent`, or news if that is None."""

    id: int
    key: str
    spent: int | None
    terms: Terms


class Well(_Message, frozen=True):
    """What health checks found out of the upstreams of a route, in order; true is ill."""

    id: int
    ill: tuple[bool, ...]


class Follow(_Message, frozen=True):
    """A request that somebody waits for, by its id; or waits for no more."""

    request_id: str
    wanted: bool


class Reload(_Message, frozen=True):
    """Other settings. `check` asks whether their files can be used; else they are applied."""

    config: GatewayConfig
    check: bool
    serial: int


class Sync(_Message, frozen=True):
    """Say when everything up to here is done."""

    serial: int


class Drain(_Message, frozen=True):
    """Listen no more, let what is under way end within so many seconds, and end."""

    deadline: float


# From a worker.


class Serving(_Message, frozen=True):
    """Clients are let in."""


class Failed(_Message, frozen=True):
    """It cannot serve, or a reload is refused; for `serial` 0 or that of the reload."""

    serial: int
    code: str
    message: str
    hint: str


class Synced(_Message, frozen=True):
    """The answer to a `Sync` or a `Reload`."""

    serial: int


class Spent(_Message, frozen=True):
    """Requests of a key that were let through by the limit of a route."""

    id: int
    key: str
    count: int


class Results(_Message, frozen=True):
    """Calls to an upstream that ended: so many good ones, or bad if negative, in order."""

    upstream: str
    permit: int
    runs: tuple[int, ...]


class Returned(_Message, frozen=True):
    """A trial that told nothing, or was not made."""

    upstream: str
    permit: int


class Refused(_Message, frozen=True):
    """Calls for which there was no permit."""

    upstream: str
    calls: int


class Delta(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What was counted since the last report.

    Attributes:
        totals: in the order of `Totals`, nested ones as they are.
        in_flight: more, or fewer if negative.
        last_hit: seconds since the epoch; 0 where there was none yet.
        latencies: counts by bucket of a histogram, and their sum.
    """

    totals: tuple[int | float | tuple[int, ...], ...]
    in_flight: int
    last_hit: float
    latencies: tuple[dict[int, int], float]


class RouteCounts(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What was counted of a route; `waiting` is how many wait for their turn now."""

    id: int
    traffic: Delta | None
    allowed: int
    limited: int
    waiting: int
    crowded: int


class UpstreamCounts(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What was counted of an upstream; connections are how many there are now."""

    upstream: str
    traffic: Delta | None
    idle: int
    busy: int
    last_error: str
    addresses: tuple[str, ...]


class Counts(_Message, frozen=True):
    """Everything that was counted since the last report.

    Attributes:
        traffic: of the whole worker.
        refused: requests refused for their form.
        opened: connections that were opened; connections_open: how many there are now.
        log_lost: lines of the access log that were lost since the start.
        routes, upstreams: those of which something has changed.
        keys: names of API keys, how often each opened a route, and when it did last.
    """

    traffic: Delta | None
    refused: int
    opened: int
    connections_open: int
    log_lost: int
    routes: tuple[RouteCounts, ...]
    upstreams: tuple[UpstreamCounts, ...]
    keys: tuple[tuple[str, int, float], ...]


class Happened(_Message, frozen=True):
    """An event."""

    source: str
    kind: str
    message: str
    subject: str
    severity: str
    details: dict[str, str | int | float]


class Followed(_Message, frozen=True):
    """What became of a request that somebody waits for."""

    request_id: str
    match: str
    upstream: str


class Drained(_Message, frozen=True):
    """Nothing is under way any more; the last word. `cut` tells that something had to be cut."""

    cut: bool


ToWorker = (
    Begin
    | Serve
    | PutRoute
    | DropRoute
    | Keys
    | Stand
    | Trial
    | Recall
    | Settled
    | Well
    | Follow
    | Reload
    | Sync
    | Drain
)
FromWorker = (
    Serving
    | Failed
    | Synced
    | Spent
    | Results
    | Returned
    | Refused
    | Counts
    | Happened
    | Followed
    | Drained
)


class BrokenLink(AbiError):
    """The other end of a link sends what no end of it would."""

    code = "broken_link"
    category = Category.RUNTIME


class Frames:
    """Cuts what comes over a link into frames. Not thread-safe."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are complete with this data.

        Raises:
            BrokenLink: a frame is too large.
        """
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _LENGTH:
            size = int.from_bytes(buffer[:_LENGTH], "big")
            if size > FRAME_SIZE_MAX:
                raise BrokenLink(f"a frame of {size} bytes")
            end = _LENGTH + size
            if len(buffer) < end:
                return
            frame = bytes(buffer[_LENGTH:end])
            del buffer[:end]
            yield frame


def framed(messages: list[ToWorker] | list[FromWorker]) -> bytes:
    """A frame with these messages."""
    data = msgspec.msgpack.encode(messages)
    return len(data).to_bytes(_LENGTH, "big") + data


def for_worker() -> msgspec.msgpack.Decoder[list[ToWorker]]:
    """Reads the frames that a worker gets."""
    return msgspec.msgpack.Decoder(list[ToWorker])


def from_worker() -> msgspec.msgpack.Decoder[list[FromWorker]]:
    """Reads the frames that a worker sends."""
    return msgspec.msgpack.Decoder(list[FromWorker])
