"""How one of several upstreams is chosen: an order in which to ask their breakers.

Refuses to know what is broken: whoever asks takes the first that is not. Every policy is
thread-safe and yields each upstream's number at most once. Who asks for the next number has skipped
the last one, unless he says that it was used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import count
from threading import Lock
from typing import Protocol

from abi_engine.features.gateway.api import Balance

Turns = Generator[int, bool | None, None]
"""An order that minds its turns; what is sent to it tells whether the last number was used."""


class Balancer(Protocol):
    """An order of upstreams, best first, for each request."""

    def order(self, key: str) -> Iterable[int]:
        """The numbers of the upstreams; `key` is what `consistent_hash` hashes."""
        ...


class Only:
    """There is one."""

    def order(self, key: str) -> Iterable[int]:  # noqa: ARG002 - there is nothing to choose
        return (0,)


class RoundRobin:
    """Each in turn. Where one is skipped its turn is over, so that the others share evenly."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._turns = count()

    def order(self, key: str) -> Turns:  # noqa: ARG002 - all clients are alike
        turns, size = self._turns, self._size
        first = next(turns)  # a single step under the GIL
        for turn in range(first, first + size):
            used = yield turn % size
            if not used:
                next(turns)


class LeastInFlight:
    """The one with the fewest requests in flight; in turn among equals, as in `RoundRobin`.

    Args:
        in_flight: tells how many each has, in order.
    """

    def __init__(self, in_flight: Sequence[Callable[[], int]]) -> None:
        self._in_flight = in_flight
        self._turns = count()

    def order(self, key: str) -> Turns:  # noqa: ARG002 - all clients are alike
        turns, size = self._turns, len(self._in_flight)
        first = next(turns)
        rotated = (turn % size for turn in range(first, first + size))
        for number in sorted(rotated, key=lambda number: self._in_flight[number]()):
            used = yield number
            if not used:
                next(turns)


class Weighted:
    """Smooth weighted round robin: in proportion to the weights, never in bursts.

    Each choice gives every candidate its weight, takes the richest, and charges it the weights of
    all candidates. Where that one is skipped, the choice is undone and made among the others, so
    that these share in proportion to their own weights.
    """

    def __init__(self, weights: Sequence[int]) -> None:
        self._weights = tuple(weights)
        self._credit = [0] * len(weights)
        self._lock = Lock()

    def order(self, key: str) -> Turns:  # noqa: ARG002 - all clients are alike
        candidates = list(range(len(self._weights)))
        while candidates:
            chosen = self._choose(candidates)
            used = yield chosen
            if not used:
                self._undo(candidates, chosen)
            candidates.remove(chosen)

    def _choose(self, candidates: list[int]) -> int:
        weights, credit = self._weights, self._credit
        with self._lock:
            for number in candidates:
                credit[number] += weights[number]
            chosen = max(candidates, key=credit.__getitem__)
            credit[chosen] -= sum(weights[number] for number in candidates)
        return chosen

    def _undo(self, candidates: list[int], chosen: int) -> None:
        weights, credit = self._weights, self._credit
        with self._lock:
            for number in candidates:
                credit[number] -= weights[number]
            credit[chosen] += sum(weights[number] for number in candidates)


class ConsistentHash:
    """The same upstream for the same key, whatever happens to the others (rendezvous hashing).

    Every upstream gets a score of (its name, the key), and the highest wins: without one of them,
    only the keys that were its own move. Costs a hash for each upstream.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._seeds = [blake2b(name.encode(), digest_size=32).digest() for name in names]

    def order(self, key: str) -> Iterable[int]:
        data = key.encode("utf-8", "surrogatepass")
        scores = [blake2b(data, digest_size=8, key=seed).digest() for seed in self._seeds]
        return sorted(range(len(scores)), key=scores.__getitem__, reverse=True)


def after_use(order: Iterator[int]) -> Iterator[int]:
    """The rest of an order whose last number was used: a retry takes no other request's turn."""
    if isinstance(order, Generator):
        with suppress(StopIteration):
            yield order.send(True)
    for number in order:  # noqa: UP028 - it is not closed with this: more retries may follow
        yield number


def build(
    policy: Balance,
    names: Sequence[str],
    weights: Sequence[int],
    in_flight: Sequence[Callable[[], int]],
) -> Balancer:
    """The balancer that a route asks for."""
    if len(names) == 1:
        return Only()
    if policy is Balance.WEIGHTED:
        return Weighted(weights)
    if policy is Balance.LEAST_IN_FLIGHT:
        return LeastInFlight(in_flight)
    if policy is Balance.CONSISTENT_HASH:
        return ConsistentHash(names)
    return RoundRobin(len(names))
