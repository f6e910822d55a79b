"""The breakers that several processes share, as the one that owns them sees them.

Results come from everywhere and are counted by one breaker; how it stands is told to all. While it
is half open its trials are given out, each to one process, so that all together never make more
than one would. Pure, and of one thread; the breakers may have other users.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from abi_engine.features.gateway.upstreams import Upstream
from abi_engine.runtime.breaker import Breaker, BreakerState, Standing


class Tellers(Protocol):
    """How the processes are told. They are known by their numbers."""

    def numbers(self) -> Iterable[int]:
        """The processes that serve now."""
        ...

    def standing(self, number: int, upstream: str, standing: Standing) -> None:
        """Tell one how a breaker stands; a transition ends the trials that it was given."""
        ...

    def trial(self, number: int, upstream: str, permit: int) -> None:
        """Give one a trial."""
        ...

    def recall(self, number: int, upstream: str) -> None:
        """Ask one to give back the trials that it does not use."""
        ...


class _Shared:
    """A breaker, and what was said of it."""

    __slots__ = ("breaker", "given", "told", "wanting")

    def __init__(self, breaker: Breaker) -> None:
        self.breaker = breaker
        self.told: Standing | None = None
        self.given: dict[int, int] = {}  # trials: permit and process
        self.wanting: deque[int] = deque()


class SharedBreakers:
    """See the module.

    Args:
        upstreams: gives those that some route uses.
        tellers: the processes.
    """

    def __init__(self, upstreams: Callable[[], Iterable[Upstream]], tellers: Tellers) -> None:
        self._upstreams = upstreams
        self._tellers = tellers
        self._shared: dict[str, _Shared] = {}
        self._turn = 0

    def review(self, *, troubled_only: bool = False) -> None:
        """Tell what has changed of any, whoever changed it.

        Args:
            troubled_only: look at those alone that were not closed when it was told last.
        """
        if troubled_only:
            for name, shared in self._shared.items():
                if shared.told is not None and shared.told.state is not BreakerState.CLOSED:
                    self._review(name, shared)
            return
        gone = set(self._shared)
        for upstream in self._upstreams():
            gone.discard(upstream.name)
            known = self._shared.get(upstream.name)
            if known is None or known.breaker is not upstream.breaker:
                known = self._shared[upstream.name] = _Shared(upstream.breaker)
            self._review(upstream.name, known)
        for name in gone:
            del self._shared[name]

    def joined(self, number: int) -> None:
        """A new process must hear of everything."""
        for name, shared in self._shared.items():
            if shared.told is not None:
                self._tellers.standing(number, name, shared.told)

    def left(self, number: int) -> None:
        """A process is gone, with the trials that it had."""
        for name, shared in self._shared.items():
            for permit in [one for one, owner in shared.given.items() if owner == number]:
                del shared.given[permit]
                shared.breaker.cancel(permit)
            self._review(name, shared)

    def results(self, upstream: str, permit: int, runs: Iterable[int]) -> None:
        """Calls that ended with one permit, in order: so many good ones, or bad if negative."""
        shared = self._shared.get(upstream)
        if shared is None:
            return
        shared.given.pop(permit, None)
        for run in runs:
            for _ in range(abs(run)):
                shared.breaker.record(run > 0, permit=permit)
        self._review(upstream, shared)

    def returned(self, upstream: str, permit: int) -> None:
        """A trial that was not made, or told nothing."""
        shared = self._shared.get(upstream)
        if shared is not None:
            shared.given.pop(permit, None)
            shared.breaker.cancel(permit)
            self._review(upstream, shared)

    def refused(self, number: int, upstream: str, calls: int) -> None:
        """A process had to refuse calls for want of a permit."""
        shared = self._shared.get(upstream)
        if shared is None:
            return
        shared.breaker.note_refused(calls)
        self._review(upstream, shared)
        if shared.told is None or shared.told.state is not BreakerState.HALF_OPEN:
            return
        owners = set(shared.given.values())
        if number not in owners and number not in shared.wanting:
            shared.wanting.append(number)
            for owner in owners:
                self._tellers.recall(owner, upstream)

    def _review(self, name: str, shared: _Shared) -> None:
        standing = shared.breaker.standing()
        if standing != shared.told:
            if shared.told is None or standing[:2] != shared.told[:2]:
                shared.given.clear()  # a transition has made them void
                shared.wanting.clear()
            shared.told = standing
            for number in self._tellers.numbers():
                self._tellers.standing(number, name, standing)
        if standing.state is BreakerState.HALF_OPEN:
            self._give_out(name, shared)

    def _give_out(self, name: str, shared: _Shared) -> None:
        numbers = tuple(self._tellers.numbers())
        # Asked for no more than there are: what is refused would be counted as a call.
        while numbers and shared.breaker.report().trials_left > 0:
            permit = shared.breaker.allow()
            if not permit:
                return
            number = self._next(shared, numbers)
            shared.given[permit] = number
            self._tellers.trial(number, name, permit)

    def _next(self, shared: _Shared, numbers: tuple[int, ...]) -> int:
        """Whose turn it is: of those that want one, else of all."""
        while shared.wanting:
            number = shared.wanting.popleft()
            if number in numbers:
                return number
        self._turn += 1
        return numbers[self._turn % len(numbers)]
