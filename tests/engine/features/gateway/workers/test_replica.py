"""What a worker has of the gateway, without a process of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from abi_engine.core.clock import ManualClock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.api import UpstreamTls
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.features.gateway.workers.messages import Begin, PutRoute
from abi_engine.features.gateway.workers.outbox import Outbox
from abi_engine.features.gateway.workers.replica import Replica
from tests.engine.features.gateway.workers.crowd import route


@pytest.fixture
def events() -> EventLog:
    return EventLog(ManualClock())


@pytest.fixture
def replica(events: EventLog) -> Iterator[Replica]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        begin = Begin(GatewayConfig(), 0, 2, "", lasting=False)
        yield Replica(begin, ManualClock(), events, Outbox(ours))


def test_files_of_tls_are_read_before_a_route_is_put_in(replica: Replica) -> None:
    secure = route("/", "https://127.0.0.1:1")
    replica.hear(PutRoute(1, secure, enabled=True))
    assert replica.outward.contexts.get(UpstreamTls()) is None, "the loop must not stand still"
    replica.read_tls(secure)
    assert replica.outward.contexts.get(UpstreamTls()) is not None


def test_a_file_of_tls_that_is_gone_again_is_said(
    replica: Replica, events: EventLog, tmp_path: Path
) -> None:
    missing = UpstreamTls(ca=str(tmp_path / "gone.pem"))
    replica.read_tls(route("/", "https://127.0.0.1:1", upstream_tls=missing))
    (event,) = events.latest(1)
    assert event.kind == "route_failed"
    assert "gone.pem" in event.message
