"""What is asked, by whom and when."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise, takewhile

import pytest

from abi_tui.demo.schedule import BASE_RATE, bursting
from abi_tui.demo.shots import BURSTING_CLIENT, CLIENTS, LARGEST_BODY, shots


def test_the_same_seed_asks_the_same() -> None:
    assert list(islice(shots(3), 500)) == list(islice(shots(3), 500))
    assert list(islice(shots(3), 500)) != list(islice(shots(4), 500))


def test_requests_come_in_order_of_time_and_from_the_first_second() -> None:
    found = list(islice(shots(1), 2000))
    assert all(early.at <= late.at for early, late in pairwise(found))
    assert found[0].at < 0.5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_there_are_as_many_as_the_rate_says(seed: int) -> None:
    minute = list(takewhile(lambda shot: shot.at < 60, shots(seed)))
    usual = [shot for shot in minute if not bursting(shot.at)]
    assert len(usual) == pytest.approx(BASE_RATE * 50, rel=0.08)


def test_a_burst_comes_from_one_client_and_asks_for_what_is_limited() -> None:
    minute = takewhile(lambda shot: shot.at < 60, shots(1))
    burst = [shot for shot in minute if bursting(shot.at) and shot.client == BURSTING_CLIENT]
    paths = Counter(shot.path.partition("?")[0] for shot in burst)
    assert paths["/search"] > 200
    assert paths["/login"] > 200


def test_every_client_and_every_kind_of_answer_gets_its_share() -> None:
    found = list(islice(shots(5), 10_000))
    assert {shot.client for shot in found} == set(CLIENTS)
    assert any(shot.path.startswith("/old/") for shot in found)
    assert any((shot.method, shot.path) == ("DELETE", "/users/list") for shot in found)


def test_only_what_carries_something_has_a_body() -> None:
    for shot in islice(shots(5), 3000):
        assert (shot.body_size > 0) is (shot.method in ("POST", "PUT"))
        assert shot.body_size <= LARGEST_BODY
