"""A body that costs much to read, in tiny chunks as fast as the line goes, keeps nobody waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.features.gateway.proxy.stage import Stage
from tests.engine.features.gateway.proxy.upstream import Visit

CHUNK = b"1\r\nx\r\n"
COUNT = 200_000
BODY = CHUNK * COUNT + b"0\r\n\r\n"
FAIR = 4_001
"""Chunks: two turns, one for what had come and one for what comes."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.close()


class Passes:
    """What a count grew by in each pass of the loop.

    Args:
        stage: whose loop.
        count: of the one client's connection.
    """

    def __init__(self, stage: Stage, count: Callable[[Any], int]) -> None:
        self._count = count
        self._before = 0
        self.most = 0
        stage.inside(self._look)

    def _look(self, plane: Any) -> None:
        for client in plane.clients:
            now = self._count(client._exchange) if client._exchange is not None else 0
            self.most = max(self.most, now - self._before)
            self._before = now
        plane.loop.call_soon(self._look, plane)


def take_chunked(visit: Visit) -> None:
    while head := visit.read_head():
        assert b"chunked" not in head or visit.read(len(BODY)) == BODY
        visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")


def test_a_client_of_tiny_chunks_gives_way_in_each_pass_of_the_loop(stage: Stage) -> None:
    stage.serve(take_chunked)
    client = stage.client()
    passes = Passes(stage, lambda exchange: exchange._bytes_in)
    client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + BODY)
    client.send(b"GET /next HTTP/1.1\r\nHost: h\r\n\r\n")
    assert [client.answer().status for _ in range(2)] == [204, 204]
    stage.admitter.last(2)
    assert stage.admitter.finished[0].bytes_in == COUNT
    assert 0 < passes.most < FAIR
