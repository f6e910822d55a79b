"""Turns are given in order, never more at once than there are, and each comes back once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abi_engine.features.gateway.api import Concurrency
from abi_engine.features.gateway.concurrency import Turn, Turns
from tests.scale import scaled


def nobody() -> None:
    raise AssertionError("nobody was waiting")


@dataclass
class Model:
    """The same in the plainest way: two lists of numbers."""

    limit: int
    queue: int
    working: list[int] = field(default_factory=list)
    waiting: deque[int] = field(default_factory=deque)
    called: list[int] = field(default_factory=list)
    refused: int = 0

    def ask(self, number: int) -> str:
        if len(self.working) < self.limit:
            self.working.append(number)
            return "come"
        if len(self.waiting) < self.queue:
            self.waiting.append(number)
            return "waits"
        self.refused += 1
        return "refused"

    def end(self, number: int) -> None:
        if number in self.waiting:
            self.waiting.remove(number)
        elif number in self.working:
            self.working.remove(number)
            if self.waiting:
                following = self.waiting.popleft()
                self.working.append(following)
                self.called.append(following)


def asking(turns: Turns, called: list[int], number: int) -> Turn | None:
    return turns.ask(lambda: called.append(number))


STEPS = st.lists(st.one_of(st.just(-1), st.integers(0, 30)), max_size=120)


@settings(max_examples=scaled(300, 10_000), deadline=None)
@given(limit=st.integers(1, 4), queue=st.integers(0, 4), steps=STEPS)
def test_any_order_of_asking_and_ending_goes_as_in_the_model(
    limit: int, queue: int, steps: list[int]
) -> None:
    turns, model = Turns(Concurrency(limit, queue)), Model(limit, queue)
    called: list[int] = []
    asked: list[Turn | None] = []
    for step in steps:
        if step < 0:
            number = len(asked)
            turn = asking(turns, called, number)
            asked.append(turn)
            word = "refused" if turn is None else "come" if turn.has_come else "waits"
            assert word == model.ask(number)
        elif step < len(asked):  # one that has ended already among them
            turn = asked[step]
            if turn is not None:
                turn.end()
                model.end(step)
        assert called == model.called
        assert turns.working == len(model.working) <= limit
        assert turns.waiting == len(model.waiting) <= queue
        assert turns.refused == model.refused
    for turn in asked:
        if turn is not None:
            turn.end()
    assert (turns.working, turns.waiting) == (0, 0)
    assert len(called) == len(set(called))


@pytest.mark.parametrize("ends", [lambda turn: None, lambda turn: turn.end()])
def test_one_that_is_called_may_end_at_once(ends: Callable[[Turn], None]) -> None:
    turns = Turns(Concurrency(1, 2))
    first = turns.ask(nobody)
    called: list[str] = []
    holder: dict[str, Turn | None] = {}

    def come() -> None:
        called.append("second")
        turn = holder["second"]
        assert turn is not None
        ends(turn)

    holder["second"] = turns.ask(come)
    holder["third"] = turns.ask(lambda: called.append("third"))
    assert first is not None
    first.end()
    first.end()
    second = holder["second"]
    assert second is not None
    second.end()
    assert called == ["second", "third"]
    assert (turns.working, turns.waiting) == (1, 0)


def test_without_a_queue_nobody_waits() -> None:
    turns = Turns(Concurrency(2))
    assert turns.ask(nobody) is not None
    assert turns.ask(nobody) is not None
    assert turns.ask(nobody) is None
    assert turns.refused == 1


def test_a_long_queue_costs_no_more_a_turn_than_a_short_one() -> None:
    turns = Turns(Concurrency(1, 20_000))
    called: list[int] = []
    asked = [asking(turns, called, number) for number in range(20_001)]
    for turn in asked:
        assert turn is not None
        turn.end()
    assert called == list(range(1, 20_001))
