"""Many clients that send slowly or nothing at all, beside one that wants an answer."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import pytest

from abi_engine.features.gateway.config import Limits
from tests.engine.features.gateway.proxy import crowd
from tests.engine.features.gateway.proxy.stage import Stage
from tests.engine.features.gateway.proxy.test_bodies import memory
from tests.engine.features.gateway.proxy.upstream import Visit, answering
from tests.scale import scaled

DRIPPERS = scaled(200, 1_000)
IDLERS = scaled(500, 10_000)
REQUESTS = scaled(200, 10_000)
PATIENCE = scaled(1, 10)
PATIENT = Limits(header_timeout=600, keepalive_timeout=600)


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    crowd.raise_limit(2 * max(DRIPPERS, IDLERS))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@contextmanager
def people(stage: Stage, kind: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """A crowd, all of it connected."""
    assert stage.proxy.address is not None
    host, port = stage.proxy.address
    command = (sys.executable, str(Path(crowd.__file__)), kind, host, str(port), str(count))
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "here\n"
            yield process
        finally:
            process.kill()


def fate(process: subprocess.Popen[str]) -> dict[str, int]:
    """What became of them, when that is known."""
    found: dict[str, int] = json.loads(process.communicate(timeout=100)[0])
    return found


def latencies(stage: Stage) -> list[float]:
    """How long each of many requests took; every one is answered."""
    found = []
    client = stage.client()
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        assert client.get().status == 200
        found.append(time.perf_counter() - begun)
    client.socket.close()
    return found


def told(what: str, alone: list[float], beside: list[float]) -> None:
    """Print what the crowd cost the others; the figures are for people to judge."""
    ratios = median(beside) / median(alone), _p99(beside) / _p99(alone)
    print(f"\n{what}: median x {ratios[0]:.2f}, p99 x {ratios[1]:.2f} of that without them")


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def reading(visit: Visit) -> None:
    """Answers what has no body, and waits for the rest of what has."""
    while head := visit.read_head():
        visit.read_body(head)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


@pytest.mark.parametrize("kind", ["head", "body"])
def test_drippers_are_answered_408_at_the_deadline_and_disturb_nobody(
    stage: Stage, kind: str
) -> None:
    limits = Limits(header_timeout=PATIENCE, body_grace=PATIENCE, keepalive_timeout=600)
    stage.serve(reading, limits=limits)
    alone = latencies(stage)
    with people(stage, kind, DRIPPERS) as drippers:
        beside = latencies(stage)
        assert fate(drippers) == {"408": DRIPPERS}
    told(f"{DRIPPERS} drippers of a {kind}", alone, beside)
    stage.eventually(lambda plane: not plane.clients)


def test_idle_connections_cost_little_and_are_served_when_they_speak(stage: Stage) -> None:
    stage.serve(answering(), limits=PATIENT)
    alone = latencies(stage)
    before = memory()
    with people(stage, "idle", IDLERS) as idlers:
        stage.eventually(lambda plane: len(plane.clients) >= IDLERS)
        assert memory() - before < (8 << 20) + IDLERS * (8 << 10)
        beside = latencies(stage)
        assert fate(idlers) == {"200": IDLERS}
    told(f"{IDLERS} idle connections", alone, beside)
    stage.eventually(lambda plane: not plane.clients)
