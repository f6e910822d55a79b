"""Upstreams that are slow, or fail often but not in a row, are left alone by the real proxy."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path
from threading import Event

from abi_engine.runtime.breaker import BreakerSettings, BreakerState
from tests.engine.features.gateway.proxy.served import Served
from tests.engine.features.gateway.proxy.upstream import Visit, answering


def test_an_upstream_that_answers_well_but_slowly_is_taken_out(tmp_path: Path) -> None:
    pause = Event()

    def slow(visit: Visit) -> None:
        while visit.read_head():
            pause.wait(0.03)
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")

    breaker = BreakerSettings(failure_threshold=3, slow_call=0.02, reset_timeout=60.0)
    with Served(tmp_path, breaker=breaker) as served:
        tired, quick = served.upstream(slow), served.upstream(answering(b"quick"))
        served.route("/", tired.url, quick.url)
        served.gateway.force_breaker(quick.url, BreakerState.OPEN)
        client = served.client()
        assert [client.get().body for _ in range(3)] == [b"slow"] * 3
        served.gateway.force_breaker(quick.url, None)
        row = served.known(tired.url)
        assert row.breaker.state is BreakerState.OPEN
        assert row.breaker.last is not None
        assert row.breaker.last.cause == "3 consecutive failures"
        assert [client.get().body for _ in range(4)] == [b"quick"] * 4


def test_an_upstream_that_fails_every_other_time_is_taken_out_after_enough_calls(
    tmp_path: Path,
) -> None:
    statuses = cycle((b"200 OK", b"500 Broken"))

    def flaky(visit: Visit) -> None:
        while visit.read_head():
            visit.send(b"HTTP/1.1 " + next(statuses) + b"\r\nContent-Length: 0\r\n\r\n")

    breaker = BreakerSettings(failure_ratio=0.5, minimum_calls=10, window=60.0, reset_timeout=60.0)
    with Served(tmp_path, breaker=breaker) as served:
        upstream = served.upstream(flaky)
        served.route("/", upstream.url)
        client = served.client()
        assert [client.get().status for _ in range(10)] == [200, 500] * 5
        assert client.get().status == 503
        last = served.known(upstream.url).breaker.last
        assert last is not None
        assert last.cause == "5 of 10 calls failed in 60 s"
        assert len(upstream.heads) == 10
