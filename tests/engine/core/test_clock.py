from __future__ import annotations

import time

from abi_engine.core.clock import Clock, ManualClock, SystemClock


def test_the_systems_clock_is_the_machines() -> None:
    clock: Clock = SystemClock()
    before = time.monotonic(), time.time()
    reading = clock.monotonic(), clock.time()
    after = time.monotonic(), time.time()
    assert before[0] <= reading[0] <= after[0]
    assert before[1] - 5 <= reading[1] <= after[1] + 5


def test_the_systems_clock_costs_no_frame_of_its_own() -> None:
    assert SystemClock().monotonic is time.monotonic
    assert SystemClock().time is time.time


def test_a_manual_clock_stands_still_until_told() -> None:
    clock = ManualClock(50.0)
    assert (clock.monotonic(), clock.time()) == (50.0, 50.0)
    assert (clock.monotonic(), clock.time()) == (50.0, 50.0)
    clock.advance(1.5)
    assert (clock.monotonic(), clock.time()) == (51.5, 51.5)
    clock.advance(-10.0)
    assert (clock.monotonic(), clock.time()) == (41.5, 41.5)
