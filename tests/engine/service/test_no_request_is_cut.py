"""SIGTERM, SIGHUP, a restart and a hand-over under sixty-four connections in continuous use.

A request that was sent on an open connection is answered completely, or it counts as cut. A
connection may be refused only where nobody is left to listen.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from abi_engine.core.inherited import host_and_port
from abi_engine.features.gateway.api import GatewayReport
from abi_engine.service.client import Client
from abi_engine.service.launch import Launched
from tests.engine.service.busy import Crowd, Upstream
from tests.engine.service.conftest import until
from tests.engine.service.serving import Engines, engines
from tests.engine.service.test_serve import log_of
from tests.scale import scaled

__all__ = ["engines"]

ROUNDS = scaled(20, 200)
TAKEOVERS = scaled(3, 30)

CONFIG = """
[service]
admin = false

[gateway]
host = "127.0.0.1"
port = {port}
reuse_port = true
access_log = ""

[[gateway.routes]]
path = "/*"
upstreams = ["{upstream}"]
limit.enabled = false
timeouts.total = {total}
"""

# Becomes an engine that was handed the descriptor in its first argument, as systemd does it.
ACTIVATED = (
    "import os, sys\n"
    "os.dup2(int(sys.argv[1]), 3)\n"
    "os.environ.update(LISTEN_FDS='1', LISTEN_FDNAMES='gateway', LISTEN_PID=str(os.getpid()))\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'abi_engine.service.serve', *sys.argv[2:]])\n"
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(scaled(240, 3600))]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as upstream:
        yield upstream


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "abi.toml"


def write(file: Path, upstream: Upstream, *, port: int = 0, total: int = 100) -> None:
    file.write_text(CONFIG.format(upstream=upstream.url, port=port, total=total))


def address(launched: Launched) -> tuple[str, int]:
    with Client(launched.ready.socket, timeout=10.0) as client:
        report = client.system.report().of("gateway", GatewayReport)
    assert report is not None
    host, _, port = report.listening.removeprefix("http://").rpartition(":")
    return host, int(port)


def check(crowd: Crowd) -> None:
    assert crowd.cuts == []
    assert crowd.counts["cut"] == 0
    assert crowd.counts["answered"] > 0


def test_sigterm_cuts_no_request(engines: Engines, upstream: Upstream, file: Path) -> None:
    write(file, upstream)
    for _ in range(ROUNDS):
        launched = engines.start("--config", str(file))
        with Crowd(address(launched)) as crowd:
            engines.kill(launched, signal.SIGTERM)
            engines.until_gone(launched)
            until(lambda: crowd.counts["refused"] > 0)
        check(crowd)
        assert log_of(engines)[-1]["message"] == "stopped"


def test_sighup_cuts_no_request(engines: Engines, upstream: Upstream, file: Path) -> None:
    write(file, upstream)
    launched = engines.start("--config", str(file))
    with Client(launched.ready.socket, timeout=10.0) as client, Crowd(address(launched)) as crowd:
        events = client.system.watch_events()
        for number in range(ROUNDS):
            write(file, upstream, total=200 + number)
            engines.kill(launched, signal.SIGHUP)
            assert "gateway.routes" in next(e for e in events if e.kind == "reloaded").message
            crowd.more(100)
        events.close()
    check(crowd)
    assert crowd.counts["refused"] == 0


def activated(engines: Engines, file: Path, listener: socket.socket) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-c", ACTIVATED, str(listener.fileno())]
    options = ["--data-dir", str(engines.data_dir), "--config", str(file)]
    return subprocess.Popen([*program, *options], pass_fds=[listener.fileno()])


def test_a_restart_on_a_socket_that_lives_on_refuses_nobody(
    engines: Engines, upstream: Upstream, file: Path
) -> None:
    write(file, upstream)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        process = activated(engines, file, listener)
        with Crowd(host_and_port(listener)) as crowd:
            for _ in range(TAKEOVERS):
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0
                process = activated(engines, file, listener)
                crowd.more(200)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    check(crowd)
    assert crowd.counts["refused"] == 0


def test_a_second_engine_takes_over_the_port_of_the_first(
    engines: Engines, upstream: Upstream, file: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as place:
        _, port = host_and_port(place)
    write(file, upstream, port=port)
    before = engines.start("--config", str(file), data_dir=tmp_path / "0")
    with Crowd(("127.0.0.1", port)) as crowd:
        for number in range(1, TAKEOVERS + 1):
            after = engines.start("--config", str(file), data_dir=tmp_path / str(number))
            engines.kill(before, signal.SIGTERM)
            engines.until_gone(before)
            crowd.more(200)
            before = after
    assert crowd.counts["refused"] == 0
    check(crowd)


def test_what_is_left_over_is_said(engines: Engines, upstream: Upstream, file: Path) -> None:
    write(file, upstream)
    code = ACTIVATED.replace("'gateway'", "'admin'")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = ["--data-dir", str(engines.data_dir), "--config", str(file)]
        program = [sys.executable, "-c", code, str(listener.fileno()), *options]
        with subprocess.Popen(program, pass_fds=[listener.fileno()]) as process:
            log = engines.data_dir / "engine.log"
            until(lambda: log.exists() and "handed over" in log.read_text())
            assert str(host_and_port(listener)[1]) in log.read_text()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
