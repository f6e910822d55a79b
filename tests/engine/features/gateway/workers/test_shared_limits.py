"""Several processes that share a limit, with delays, against one that has it alone."""

from __future__ import annotations

from collections import deque
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock
from abi_engine.features.gateway.workers import ledger as ledger_module
from abi_engine.features.gateway.workers.allowance import Allowance
from abi_engine.features.gateway.workers.ledger import Ledger
from abi_engine.features.gateway.workers.terms import Terms, lease
from abi_engine.runtime.limiter import LimitKind, LimitSettings, build
from tests.scale import scaled


class Shared:
    """Processes and the owner of a limit; what they say to each other takes its time."""

    def __init__(self, limit: LimitSettings, workers: int, max_keys: int = 100_000) -> None:
        self.clock = ManualClock()
        self.alone = build(limit, self.clock)
        self.ledger = Ledger(limit, build(limit, self.clock), self.clock, workers)
        self.allowances = [
            Allowance(limit, workers, self.clock, lambda urgent: None, max_keys)
            for _ in range(workers)
        ]
        self.up: list[deque[list[tuple[str, int]]]] = [deque() for _ in range(workers)]
        self.down: list[deque[tuple[str, int | None, Terms]]] = [deque() for _ in range(workers)]
        self.admitted: dict[str, int] = {}
        self.alone_admitted: dict[str, int] = {}

    def ask(self, worker: int, key: str = "a") -> bool:
        allowed = self.allowances[worker].check(key).allowed
        self.admitted[key] = self.admitted.get(key, 0) + allowed
        alone = self.alone.check(key).allowed
        self.alone_admitted[key] = self.alone_admitted.get(key, 0) + alone
        return allowed

    def send(self, worker: int) -> None:
        """A process says what it has to say."""
        if reports := self.allowances[worker].reports():
            self.up[worker].append(reports)

    def hear(self, worker: int) -> None:
        """The owner hears the next word of a process."""
        if not self.up[worker]:
            return
        for key, spent in self.up[worker].popleft():
            terms, for_all = self.ledger.settle(key, spent)
            self.down[worker].append((key, spent, terms))
            for other in range(len(self.down)):
                if for_all and other != worker:
                    self.down[other].append((key, None, terms))

    def answer(self, worker: int) -> None:
        """A process hears the next word of the owner."""
        if self.down[worker]:
            key, spent, terms = self.down[worker].popleft()
            if spent is None:
                self.allowances[worker].told(key, terms)
            else:
                self.allowances[worker].answered(key, spent, terms)

    def settle(self) -> None:
        """Everything that is on its way arrives."""
        for worker in range(len(self.up)):
            self.send(worker)
            while self.up[worker]:
                self.hear(worker)
        for worker in range(len(self.up)):
            while self.down[worker]:
                self.answer(worker)


LIMITS = st.builds(
    LimitSettings,
    kind=st.sampled_from(LimitKind),
    rate=st.sampled_from([0.5, 1.0, 7.0, 100.0]),
    burst=st.integers(1, 60),
    window=st.sampled_from([0.5, 1.0, 3.0]),
    buckets=st.integers(1, 8),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, 3), st.integers(1, 40)),
        st.tuples(st.just("send"), st.integers(0, 3), st.just(1)),
        st.tuples(st.just("hear"), st.integers(0, 3), st.just(1)),
        st.tuples(st.just("answer"), st.integers(0, 3), st.integers(1, 3)),
        st.tuples(st.just("advance"), st.integers(0, 3), st.integers(1, 2000)),
        st.tuples(st.just("settle"), st.just(0), st.just(1)),
    ),
    max_size=80,
)


@settings(max_examples=scaled(300, 10_000), deadline=None)
@given(limit=LIMITS, workers=st.integers(1, 4), steps=STEPS)
def test_all_together_are_never_ahead_of_one_by_more_than_a_lease_each(
    limit: LimitSettings, workers: int, steps: Any
) -> None:
    """Whatever is late. The one is told of every request at the moment that it comes."""
    shared = Shared(limit, workers)
    most = _Most(limit, shared.clock)
    for what, number, count in steps:
        worker = number % workers
        if what == "ask":
            for _ in range(count):
                if shared.ask(worker):
                    most.admitted += 1
        elif what == "advance":
            shared.clock.advance(count / 1000)
        elif what == "settle":
            shared.settle()
        else:
            for _ in range(count):
                getattr(shared, what)(worker)
        most.ask()
        assert most.admitted <= most.possible + workers * lease(limit, workers)
        assert shared.ledger.owed("a") <= workers * lease(limit, workers)


class _Most:
    """The most that one could have let through until now: it is asked for more all the time."""

    def __init__(self, limit: LimitSettings, clock: ManualClock) -> None:
        self._limiter = build(limit, clock)
        self.possible = 0
        self.admitted = 0

    def ask(self) -> None:
        while self._limiter.check("a").allowed:
            self.possible += 1


def flood(limit: LimitSettings, workers: int, seconds: float, *, seed: int = 0) -> Shared:
    """Many more requests than the limit, on every process, with a few milliseconds of delay."""
    shared = Shared(limit, workers)
    random = Random(seed)
    step = 0.001
    for _ in range(int(seconds / step)):
        for worker in range(workers):
            for _ in range(random.randrange(4)):
                shared.ask(worker)
            for what in (shared.answer, shared.answer, shared.hear, shared.send):
                if random.random() < 0.7:
                    what(worker)
        shared.clock.advance(step)
    return shared


@pytest.mark.parametrize("kind", LimitKind)
@pytest.mark.parametrize("workers", [2, 4])
@pytest.mark.parametrize(("rate", "burst"), [(5.0, 1), (100.0, 200), (1000.0, 50)])
def test_a_flood_passes_at_the_rate_of_the_limit(
    kind: LimitKind, workers: int, rate: float, burst: int
) -> None:
    """In the long run: neither more nor less, but for a lease each."""
    limit = LimitSettings(kind=kind, rate=rate, burst=burst, window=1.0)
    shared = flood(limit, workers, scaled(10, 60))
    slack = workers * lease(limit, workers)
    assert shared.admitted["a"] <= shared.alone_admitted["a"] + slack
    if kind is not LimitKind.TOKEN_BUCKET:  # the last window may not be spent yet
        slack += max(int(rate), 1)
    assert shared.admitted["a"] >= shared.alone_admitted["a"] - slack


@pytest.mark.parametrize("kind", LimitKind)
def test_requests_one_at_a_time_are_decided_as_by_one(kind: LimitKind) -> None:
    """Where every word arrives before the next request, whichever process that reaches."""
    limit = LimitSettings(kind=kind, rate=2.0, burst=5, window=3.0)
    shared = Shared(limit, 3)
    random = Random(1)
    for _ in range(scaled(2000, 20_000)):
        shared.ask(random.randrange(3))
        shared.settle()
        shared.clock.advance(random.choice([0.0, 0.01, 0.3, 1.0]))
    # One that passes too early makes a later one wait: a few differ, and hardly the sum.
    assert shared.admitted["a"] == pytest.approx(shared.alone_admitted["a"], rel=0.01, abs=3)


def test_debts_of_keys_that_never_come_again_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "MAX_OWED", 3)
    limit = LimitSettings(kind=LimitKind.FIXED_WINDOW, rate=1.0, window=1.0)
    clock = ManualClock()
    ledger = Ledger(limit, build(limit, clock), clock, 2)
    for key in "abcde":
        ledger.settle(key, 3)
    assert [ledger.owed(key) for key in "abcde"] == [0, 0, 2, 2, 2]
