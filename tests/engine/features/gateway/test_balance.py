"""How upstreams are chosen."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.features.gateway.api import Balance
from abi_engine.features.gateway.balance import (
    Balancer,
    ConsistentHash,
    LeastInFlight,
    Only,
    RoundRobin,
    Weighted,
    after_use,
    build,
)
from tests.engine.features.gateway.made_gateway import together

NAMES = [f"http://10.0.0.{number}:80" for number in range(8)]


def first(balancer: Balancer, broken: frozenset[int] = frozenset(), key: str = "") -> int:
    """What a request takes when some upstreams refuse."""
    return next(number for number in balancer.order(key) if number not in broken)


def choices(balancer: Balancer, count: int, broken: frozenset[int] = frozenset()) -> list[int]:
    return [first(balancer, broken) for _ in range(count)]


@pytest.mark.parametrize("policy", list(Balance))
@given(count=st.integers(1, 8), key=st.text())
def test_every_upstream_is_offered_once(policy: Balance, count: int, key: str) -> None:
    balancer = build(policy, NAMES[:count], [3] * count, [lambda: 0] * count)
    for _ in range(5):
        assert sorted(balancer.order(key)) == list(range(count))


def test_where_there_is_one_there_is_no_choice() -> None:
    assert isinstance(build(Balance.WEIGHTED, NAMES[:1], [3], [lambda: 0]), Only)


def test_each_has_its_turn() -> None:
    assert choices(RoundRobin(3), 7) == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("policy", [Balance.ROUND_ROBIN, Balance.LEAST_IN_FLIGHT])
@given(count=st.integers(2, 8), data=st.data())
def test_the_others_share_evenly_what_broken_ones_had(
    policy: Balance, count: int, data: st.DataObject
) -> None:
    broken = data.draw(st.frozensets(st.integers(0, count - 1), max_size=count - 1))
    balancer = build(policy, NAMES[:count], (), [lambda: 0] * count)
    well = count - len(broken)
    assert Counter(choices(balancer, 20 * well, broken)) == {
        number: 20 for number in range(count) if number not in broken
    }


@pytest.mark.parametrize("policy", [Balance.ROUND_ROBIN, Balance.WEIGHTED])
def test_a_retry_takes_no_other_requests_turn(policy: Balance) -> None:
    balancer = build(policy, NAMES[:2], [1, 1], [lambda: 0] * 2)
    firsts = []
    for _ in range(8):
        order = iter(balancer.order(""))
        firsts.append(next(order))
        if firsts[-1] == 0:  # it was used, and failed
            assert next(after_use(order)) == 1
    assert 3 <= Counter(firsts)[0] <= 5


@pytest.mark.parametrize("policy", list(Balance))
def test_nothing_is_left_after_the_last(policy: Balance) -> None:
    order = iter(build(policy, NAMES[:2], [1, 1], [lambda: 0] * 2).order(""))
    assert len(list(order)) == 2
    assert list(after_use(order)) == []


def test_one_that_is_well_again_has_its_turn_and_no_more() -> None:
    balancer = RoundRobin(3)
    choices(balancer, 1000, frozenset({1}))
    assert Counter(choices(balancer, 6)) == {0: 2, 1: 2, 2: 2}


@given(st.text(), st.integers(2, 8), st.data())
def test_a_key_of_a_broken_upstream_goes_where_it_would_without_it(
    key: str, count: int, data: st.DataObject
) -> None:
    broken = data.draw(st.frozensets(st.integers(0, count - 1), min_size=1, max_size=count - 1))
    names = NAMES[:count]
    left = [name for number, name in enumerate(names) if number not in broken]
    assert (
        names[first(ConsistentHash(names), broken, key)]
        == left[first(ConsistentHash(left), key=key)]
    )


def test_keys_of_a_broken_upstream_are_spread_over_the_others() -> None:
    balancer = ConsistentHash(NAMES[:4])
    moved = [
        first(balancer, frozenset({0}), key)
        for key in (f"client-{number}" for number in range(4000))
        if first(balancer, key=key) == 0
    ]
    assert all(200 < Counter(moved)[number] < 470 for number in (1, 2, 3))


def test_the_least_busy_is_first_and_equals_take_turns() -> None:
    busy = [5, 0, 0]
    balancer = LeastInFlight([partial(busy.__getitem__, number) for number in range(3)])
    assert set(choices(balancer, 4)) == {1, 2}
    busy[1] = 3
    assert list(balancer.order("")) == [2, 1, 0]


@given(st.lists(st.integers(1, 30), min_size=2, max_size=5))
def test_weights_are_met_exactly_in_every_round(weights: list[int]) -> None:
    balancer = Weighted(weights)
    for _ in range(2):
        taken = Counter(choices(balancer, sum(weights)))
        assert [taken[number] for number in range(len(weights))] == weights


@given(st.lists(st.integers(1, 12), min_size=3, max_size=5), st.data())
def test_the_others_share_by_weight_what_a_broken_one_had(
    weights: list[int], data: st.DataObject
) -> None:
    broken = data.draw(st.integers(0, len(weights) - 1))
    balancer = Weighted(weights)
    total = sum(weights) - weights[broken]
    rounds = 10
    taken = Counter(choices(balancer, rounds * total, frozenset({broken})))
    for number, weight in enumerate(weights):
        if number != broken:
            assert abs(taken[number] - rounds * weight) <= sum(weights) / total + len(weights)


def test_weights_do_not_come_in_bursts() -> None:
    assert choices(Weighted([5, 1, 1]), 7) == [0, 0, 1, 0, 2, 0, 0]


def test_weights_are_met_by_many_threads_together() -> None:
    balancer = Weighted([3, 1])
    taken: list[int] = []
    together(8, lambda number: taken.extend(choices(balancer, 200)))
    assert Counter(taken) == {0: 1200, 1: 400}


@given(st.text(), st.integers(2, 8), st.data())
def test_a_key_moves_only_when_its_own_upstream_is_gone(
    key: str, count: int, data: st.DataObject
) -> None:
    names = NAMES[:count]
    gone = data.draw(st.integers(0, count - 1))
    before = [names[number] for number in ConsistentHash(names).order(key)]
    fewer = [name for name in names if name != names[gone]]
    after = [fewer[number] for number in ConsistentHash(fewer).order(key)]
    assert after == [name for name in before if name != names[gone]]


@given(st.text())
def test_a_key_keeps_its_upstream_whatever_order_they_are_in(key: str) -> None:
    ordered, turned = ConsistentHash(NAMES), ConsistentHash(NAMES[::-1])
    assert NAMES[first(ordered, key=key)] == NAMES[::-1][first(turned, key=key)]


def test_keys_are_spread_evenly() -> None:
    balancer = ConsistentHash(NAMES)
    taken = Counter(first(balancer, key=f"client-{number}") for number in range(8000))
    assert all(800 < taken[number] < 1200 for number in range(8))


def test_a_choice_that_is_not_asked_further_costs_no_turn_twice() -> None:
    balancer = Weighted([2, 1])
    orders = [list(islice(balancer.order(""), 1)) for _ in range(6)]
    assert Counter(number for (number,) in orders) == {0: 4, 1: 2}
