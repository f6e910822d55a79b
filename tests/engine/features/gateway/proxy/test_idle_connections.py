from __future__ import annotations

import gc
import resource
import socket
from collections.abc import Iterator

import pytest

from abi_engine.features.gateway.config import Limits
from abi_engine.features.gateway.proxy.client_connection import ClientConnection
from abi_engine.features.gateway.proxy.deadline import Deadline
from abi_engine.features.gateway.proxy.exchange import Exchange
from abi_engine.features.gateway.proxy.head import RequestHead
from abi_engine.features.gateway.proxy.request import Request
from tests.engine.features.gateway.proxy.stage import Stage
from tests.engine.features.gateway.proxy.test_bodies import memory
from tests.scale import scaled

IDLE = 1000


@pytest.fixture
def _many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * IDLE + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("_many_files")
def test_a_thousand_idle_connections_disturb_nobody(stage: Stage) -> None:
    stage.serve(limits=Limits(keepalive_timeout=60.0, header_timeout=60.0))
    before = memory()
    silent = [stage.client() for _ in range(IDLE // 2)]
    halfway = [stage.client() for _ in range(IDLE // 2)]
    for client in halfway:
        client.send(b"GET / HTTP/1.1\r\nHo")
    stage.eventually(lambda plane: len(plane.clients) == IDLE)
    assert memory() - before < 32 << 20
    busy = stage.client()
    for _ in range(100):
        assert busy.get().status == 200
    for client in halfway[::50]:
        client.send(b"st: h\r\n\r\n")
        assert client.answer().status == 200
    for client in silent[::50]:
        assert client.get().status == 200


def test_connections_that_come_and_go_leave_nothing_in_memory(stage: Stage) -> None:
    upstream = stage.serve()
    assert stage.proxy.address is not None
    gc.collect()
    gc.disable()  # nothing may wait for a collection
    try:
        for _ in range(scaled(100, 5000)):
            with socket.create_connection(stage.proxy.address, 5) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                assert connection.recv(1000)
        stage.eventually(lambda plane: not plane.clients)
        kinds = (ClientConnection, Exchange, Request, RequestHead, Deadline)
        left = [thing for thing in gc.get_objects() if isinstance(thing, kinds)]
    finally:
        gc.enable()
    assert len(left) <= 1  # that of the kept connection to the upstream
    assert stage.proxy.connections(upstream.url) == (1, 0)
