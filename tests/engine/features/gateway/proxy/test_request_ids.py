from __future__ import annotations

from random import Random
from uuid import UUID

from abi_engine.core.clock import ManualClock
from abi_engine.features.gateway.proxy.request_ids import RequestIds


def test_ids_are_uuids_of_version_seven_that_sort_by_time() -> None:
    clock = ManualClock(1_700_000_000.0)
    ids = RequestIds(clock, Random(1))
    made = []
    for _ in range(1000):
        made.append(ids.next())
        clock.advance(0.002)
    assert made == sorted(made)
    assert len(set(made)) == 1000
    for text in made:
        assert UUID(text).version == 7
        assert UUID(text).variant == "specified in RFC 4122"
    assert UUID(made[0]).int >> 80 == 1_700_000_000_000


def test_ids_of_one_millisecond_differ() -> None:
    ids = RequestIds(ManualClock(), Random(1))
    assert len({ids.next() for _ in range(10_000)}) == 10_000
