"""The demo as its parent has it: real processes, real sockets, and nothing left of them."""

from __future__ import annotations

import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from abi_engine import AddressInUse, Unavailable
from abi_engine.service.client import Client
from abi_tui.demo.engine import without_settings
from abi_tui.demo.process import NotOpened, Opened, Order
from abi_tui.demo.stage import Stage
from abi_tui.demo.steering import DemoStatus
from tests.tui.demo.leftovers import wait_until_nothing_is_left

pytestmark = pytest.mark.slow

WITHIN = 20.0


@pytest.fixture
def stage(place: Path) -> Iterator[Stage]:
    with Stage(1) as stage:
        yield stage
    wait_until_nothing_is_left(place)


def until(stage: Stage, holds: Callable[[DemoStatus], bool]) -> DemoStatus:
    """The first status for which something holds."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        status = stage.ask(Order.LOOK)
        if holds(status):
            return status
        time.sleep(0.02)
    raise AssertionError(status)


def call(stage: Stage, method: str, path: str) -> DemoStatus:
    """The control desk's answer, through the gateway."""
    url = stage.opened.gateway + path
    request = urllib.request.Request(url, method=method)
    with urllib.request.urlopen(request, timeout=WITHIN) as answer:
        return msgspec.json.decode(answer.read(), type=DemoStatus)


def test_traffic_flows_through_the_gateway_from_the_start(stage: Stage) -> None:
    status = until(stage, lambda status: sum(status.answered_total.values()) > 50)
    assert status.answered_total["200"] > 40
    assert not status.unanswered_total
    with Client(stage.opened.socket) as client:
        stats = client.gateway.stats()
    assert stats.traffic.requests_total >= 50
    assert stats.upstreams == 4


def test_it_is_steered_through_its_own_gateway(stage: Stage) -> None:
    assert call(stage, "POST", "/demo/pause").paused
    until(stage, lambda status: status.in_flight == 0)
    before = stage.ask(Order.LOOK).answered_total
    assert call(stage, "GET", "/demo/status").answered_total == before
    assert not call(stage, "POST", "/demo/resume").paused
    until(stage, lambda status: status.answered_total != before)


def test_a_failure_that_was_asked_for_opens_a_breaker(stage: Stage) -> None:
    call(stage, "POST", "/demo/fail")
    with Client(stage.opened.socket) as client:
        until(stage, lambda _: client.gateway.stats().breakers_open == 1)


def test_when_it_has_settled_nothing_is_sent_any_more(stage: Stage) -> None:
    until(stage, lambda status: sum(status.answered_total.values()) > 20)
    settled = stage.ask(Order.SETTLE)
    assert settled.in_flight == 0
    assert settled.paused
    assert stage.ask(Order.LOOK).answered_total == settled.answered_total


def test_closing_it_twice_is_once(place: Path) -> None:
    stage = Stage(1)
    assert Path(stage.opened.socket).is_socket()
    stage.close()
    stage.close()
    assert not Path(stage.opened.socket).exists()
    wait_until_nothing_is_left(place)


def test_another_client_of_the_engine_does_not_keep_it(place: Path) -> None:
    with Stage(1) as stage, Client(stage.opened.socket) as client:
        events = client.system.watch_events()
        stage.close()
        wait_until_nothing_is_left(place)
        events.close()


def test_when_its_process_is_killed_the_engine_ends_by_itself(place: Path) -> None:
    with Stage(1) as stage:
        os.kill(stage.pid, signal.SIGKILL)
        with pytest.raises(Unavailable, match="has ended"):
            stage.ask(Order.LOOK)
    wait_until_nothing_is_left(place)


def test_when_its_engine_is_killed_the_rest_still_ends_in_order(place: Path) -> None:
    with Stage(1) as stage:
        with Client(stage.opened.socket) as client:
            os.kill(client.system.status().pid, signal.SIGKILL)
        until(stage, lambda status: bool(status.unanswered_total))
    assert not Path(stage.opened.socket).exists()
    wait_until_nothing_is_left(place)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_its_process_ends_everything(place: Path, number: signal.Signals) -> None:
    with Stage(1) as stage:
        os.kill(stage.pid, number)
        wait_until_nothing_is_left(place)


def test_the_users_settings_do_not_reach_its_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: Path
) -> None:
    (tmp_path / "abi.toml").write_text("nonsense = true\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ABI_GATEWAY__HOST", "256.256.256.256")
    monkeypatch.setenv("ABI_CONFIG", str(tmp_path / "abi.toml"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    with Stage(1) as stage:
        assert stage.opened.gateway.startswith("http://127.0.0.1:")
    wait_until_nothing_is_left(place)


def test_only_settings_are_taken_out_of_the_environment() -> None:
    environ = {"ABI_CONFIG": "x", "ABI_DATA_DIR": "x", "ABI_A__B": "x", "ABI_DEBUG": "1", "A": "2"}
    assert without_settings(environ) == {"ABI_DEBUG": "1", "A": "2"}


def test_what_kept_it_from_starting_arrives_as_the_class_it_was() -> None:
    told = NotOpened(AddressInUse("port 80 is taken", hint="wait").to_wire())
    said = msgspec.json.encode(told).decode()
    with pytest.raises(AddressInUse, match="port 80") as caught:
        Stage(1, command=(sys.executable, "-c", f"print({said!r})"))
    assert caught.value.hint == "wait"


def test_a_process_that_ends_without_a_word_is_said_with_its_last_line() -> None:
    with pytest.raises(Unavailable, match="no luck"):
        Stage(1, command=(sys.executable, "-c", "raise SystemExit('no luck')"))


def test_a_process_that_ends_too_early_is_said_with_its_last_line(place: Path) -> None:
    told = msgspec.json.encode(Opened("socket", "gateway", str(place / "none"))).decode()
    code = f"print({told!r}, flush=True); input(); raise SystemExit('no luck')"
    with Stage(1, command=(sys.executable, "-c", code)) as stage:
        assert stage.failure == ""
        with pytest.raises(Unavailable, match="no luck"):
            stage.ask(Order.LOOK)
        deadline = time.monotonic() + WITHIN
        while not stage.failure and time.monotonic() < deadline:
            time.sleep(0.02)
        assert stage.failure == "no luck"
