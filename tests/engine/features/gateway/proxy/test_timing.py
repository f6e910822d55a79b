from __future__ import annotations

import pytest

from abi_engine.features.gateway.api import Timeouts
from abi_engine.features.gateway.config import Limits
from abi_engine.features.gateway.proxy.timing import Late, Stage, Timing

TIMES = Timeouts(connect=1, first_byte=2, idle=3, total=100)
LIMITS = Limits(body_rate=10, body_grace=5.0)


def at(stage: Stage, moment: float = 50.0, since: float = 50.0) -> Timing:
    timing = Timing(TIMES, LIMITS, since)
    timing.enter(stage, moment)
    return timing


@pytest.mark.parametrize(
    ("stage", "due"),
    [
        (Stage.CONNECTING, (51.0, Late.CONNECT)),
        (Stage.SENDING, (53.0, Late.IDLE)),
        (Stage.WAITING, (52.0, Late.FIRST_BYTE)),
        (Stage.ANSWERING, (53.0, Late.IDLE)),
    ],
)
def test_each_stage_has_its_own_time(stage: Stage, due: tuple[float, Late]) -> None:
    assert at(stage).due(None) == due


@pytest.mark.parametrize("stage", Stage)
def test_no_stage_outlives_the_whole(stage: Stage) -> None:
    assert at(stage, moment=149.5).due(None) == (150.0, Late.TOTAL)


def test_a_body_must_come_at_its_rate_after_a_while() -> None:
    timing = at(Stage.SENDING, moment=54.0)
    assert timing.due(0) == (55.0, Late.BODY_RATE)
    assert timing.due(50) == (55.0, Late.BODY_RATE)
    assert timing.due(60) == (56.0, Late.BODY_RATE)
    assert timing.due(1000) == (57.0, Late.IDLE)


def test_a_client_that_is_not_read_is_not_blamed() -> None:
    timing = at(Stage.SENDING, moment=54.5)
    timing.hold(51.0)
    timing.hold(52.0)
    assert not timing.client_is_read
    assert timing.due(0) == (57.5, Late.IDLE)
    timing.release(53.0)
    timing.release(53.5)
    assert timing.due(0) == (57.0, Late.BODY_RATE)


def test_looking_this_often_misses_no_stage() -> None:
    assert at(Stage.WAITING).shortest(with_body=False) == 1
    timing = Timing(Timeouts(connect=9, first_byte=9, idle=9, total=9), LIMITS, 0.0)
    assert timing.shortest(with_body=True) == 5
    assert timing.shortest(with_body=False) == 9
