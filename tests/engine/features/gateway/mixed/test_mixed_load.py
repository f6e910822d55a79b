"""Everything at once: a served engine with all of the gateway on, and clients of every kind.

Every answer is checked by whoever asked for it; when the clients have left, nothing of them stays.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from abi_engine.core.events import RING_SIZE
from abi_engine.runtime.breaker import BreakerState
from tests.engine.features.gateway.mixed.arrangement import KEYS, LOG_KEEP, LOG_SIZE, Arrangement
from tests.engine.features.gateway.mixed.figures import Memory
from tests.engine.features.gateway.mixed.line import Place
from tests.engine.features.gateway.mixed.load import Load
from tests.engine.features.gateway.mixed.operating import Operator
from tests.engine.features.gateway.proxy.stage import until
from tests.scale import scaled, soaking

SECONDS = scaled(0, 600)
WARM_UP = scaled(0, 300)
VISITS = scaled(6, 200)
GROWTH = 1 << 20

pytestmark = [pytest.mark.slow, pytest.mark.timeout(scaled(240, 3000))]


@pytest.fixture(params=["plain", "tls"])
def arrangement(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Arrangement]:
    with Arrangement(tmp_path, secure=request.param == "tls") as arrangement:
        yield arrangement


def load(place: Place, operator: Operator, visits: int, seconds: float) -> Load:
    """Everything at once, for so many visits of each kind and so long at least."""
    end = time.monotonic() + seconds
    done = operator.done
    with Load(place, KEYS) as load, operator:
        load.wait_for(visits)
        until(
            lambda: (
                bool(load.failures or operator.failures)
                or (time.monotonic() >= end and operator.done > done)
            ),
            seconds + 120,
        )
    assert not load.failures, load.failures[0]
    assert not operator.failures, operator.failures[0]
    return load


def fill_the_ring_of_events(operator: Operator) -> None:
    """What is kept by design is full before memory is watched; the history holds a minute."""
    gateway = operator.client.gateway
    upstream = gateway.breakers()[0].upstream
    for _ in range(RING_SIZE // 2 + 1):
        gateway.force_breaker(upstream, BreakerState.CLOSED)
        gateway.force_breaker(upstream, None)


def until_quiet(operator: Operator) -> None:
    """Until nobody is served any more, and no place or permit is taken."""
    gateway = operator.client.gateway

    def quiet() -> bool:
        stats = gateway.stats()
        rows, upstreams = gateway.route_stats().rows, gateway.breakers()
        return (
            stats.connections_open == stats.traffic.in_flight == 0
            and all(row.queued == row.traffic.in_flight == 0 for row in rows)
            and all(row.connections_idle == row.connections_busy == 0 for row in upstreams)
            and all(row.breaker.trials_in_flight == row.traffic.in_flight == 0 for row in upstreams)
        )

    until(quiet, 30)


def check_logs(data_dir: Path) -> int:
    """That both logs are whole, and the engine has no error to tell; lines of the access log."""
    for line in (data_dir / "engine.log").read_text().splitlines():
        assert json.loads(line)["level"] in ("info", "warning"), line
    files = sorted(data_dir.glob("access.log*"))
    assert 1 < len(files) <= LOG_KEEP + 1
    assert all(file.stat().st_size <= LOG_SIZE for file in files)
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert len({line["request_id"] for line in lines}) == len(lines)
    return len(lines)


def test_whatever_comes_at_once_each_gets_his_own_and_nothing_is_left(
    arrangement: Arrangement,
) -> None:
    operator = arrangement.operator()
    place = arrangement.place(operator)
    load(place, operator, 2, 0.0)
    fill_the_ring_of_events(operator)
    until_quiet(operator)
    before = arrangement.held()
    with Memory(arrangement.pid) as memory:
        found = load(place, operator, VISITS, SECONDS)
    until_quiet(operator)
    until(lambda: arrangement.held().within(before), 30)
    growth = memory.growth(WARM_UP)
    print(
        f"\n{found.visits.total()} visits, {found.counts.total()} answers, {operator.done} rounds;"
        f"\nmemory {memory.samples[0][1] >> 20} to {memory.samples[-1][1] >> 20} MiB,"
        f" slope {growth / GROWTH:.3f} MiB/min after {WARM_UP} of {len(memory.samples)} s;"
        f"\nbefore {before}, after {arrangement.held()};"
        f"\n{dict(sorted(found.counts.items()))}"
    )
    if soaking():
        assert growth < GROWTH
    for row in operator.client.gateway.breakers():
        assert row.upstream not in arrangement.calm or row.breaker.trips_total == 0, row
    assert "\nabi_gateway_access_log_lost_lines_total 0\n" in operator.metrics()
    arrangement.stop()
    assert check_logs(arrangement.data_dir) > 0
