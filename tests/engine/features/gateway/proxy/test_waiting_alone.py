"""A wait by itself: its turn comes, or it is late, or its client leaves."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from abi_engine.features.gateway.admission import Refusal
from abi_engine.features.gateway.api import Concurrency, Route
from abi_engine.features.gateway.proxy import answers
from abi_engine.features.gateway.proxy.head import RequestHead
from abi_engine.features.gateway.proxy.waiting import Waiting

ROUTE = Route("/", ("http://127.0.0.1:1",), concurrency=Concurrency(1, 1, 5.0))
EXCHANGE: Any = object()


class Stand:
    """A plane, a loop, a client, a request and an admission in one: all of it is written down."""

    def __init__(self, *, has_body: bool = False, exchange: Any = EXCHANGE) -> None:
        self.loop = self.client = self
        self.draining = False
        self.now = 100.0
        self.since = 100.0
        self.route = ROUTE
        self.soon: list[Callable[[], None]] = []
        self.calls: list[tuple[Any, ...]] = []
        self.head = RequestHead()
        self.head.has_body = has_body
        self.exchange = exchange
        everything: Any = self
        self.waiting = Waiting(everything, everything, self.head, everything, self.proceed)

    def time(self) -> float:
        return self.now

    def call_soon(self, call: Callable[[], None]) -> None:
        self.soon.append(call)

    def run_soon(self) -> None:
        calls, self.soon = self.soon, []
        for call in calls:
            call()

    def proceed(self, *, keep_alive: bool) -> Any:
        self.calls.append(("proceed", self.since, keep_alive))
        return self.exchange

    def overdue(self) -> Refusal:
        return Refusal(503, "late")

    def look_within(self, interval: float) -> None:
        self.calls.append(("look_within", interval))

    def refuse(self, admission: Any, refusal: Refusal, word: str, *, keep_alive: bool) -> None:
        self.calls.append(("refuse", refusal.status, word, keep_alive))

    def leave(self, admission: Any, trouble: Any) -> None:
        self.calls.append(("leave", trouble.word))

    def turn_came(self, exchange: Any, head: RequestHead) -> None:
        assert (exchange, head) == (EXCHANGE, self.head)
        self.calls.append(("turn_came",))

    def exchange_over(self, *, keep_alive: bool, unread: bool = False) -> None:
        self.calls.append(("over", keep_alive, unread))

    def begin(self) -> None:
        self.waiting.begin()
        assert self.calls.pop() == ("look_within", 5.0)


def test_a_turn_begins_in_a_pass_of_its_own_and_with_a_new_clock() -> None:
    stand = Stand()
    stand.begin()
    stand.now = 104.0
    stand.waiting.called()
    assert stand.calls == []  # somebody else's request is just ending
    stand.run_soon()
    assert stand.calls == [("proceed", 104.0, True), ("turn_came",)]


def test_one_that_leaves_between_its_call_and_its_turn_does_not_begin() -> None:
    stand = Stand()
    stand.begin()
    stand.waiting.called()
    stand.waiting.abandon(answers.CLIENT_LEFT)
    stand.run_soon()
    assert stand.calls == [("leave", "client_left"), ("over", False, False)]


def test_one_that_was_late_between_its_call_and_its_turn_does_not_begin() -> None:
    stand = Stand()
    stand.begin()
    stand.waiting.called()
    assert stand.waiting.look(105.0) == inf
    stand.run_soon()
    stand.waiting.abandon(answers.CLIENT_LEFT)
    assert stand.calls == [("refuse", 503, "crowded", True), ("over", True, False)]


def test_it_is_looked_at_again_when_it_will_be_late() -> None:
    stand = Stand()
    stand.begin()
    assert stand.waiting.look(104.9) == 105.0
    assert stand.calls == []


@pytest.mark.parametrize("exchange", [EXCHANGE, None])
def test_a_body_that_was_not_read_ends_the_connection(exchange: Any) -> None:
    stand = Stand(has_body=True, exchange=exchange)
    stand.begin()
    if exchange is None:  # refused when its turn comes
        stand.waiting.called()
        stand.run_soon()
        assert stand.calls == [("proceed", 100.0, False), ("over", False, True)]
    else:  # late
        stand.waiting.look(105.0)
        assert stand.calls == [("refuse", 503, "crowded", False), ("over", False, True)]


def test_while_the_gateway_drains_the_connection_ends_after_the_answer() -> None:
    stand = Stand(exchange=None)
    stand.begin()
    stand.draining = True
    stand.waiting.called()
    stand.run_soon()
    assert stand.calls == [("proceed", 100.0, False), ("over", False, False)]
