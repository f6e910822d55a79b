"""The demo without a screen: waits, says what happens, and gathers the report at the end.

Refuses to judge a moment at which requests are still under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from abi_engine import Unavailable
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import GatewayStats
from abi_engine.service.client import Client
from abi_tui.demo.process import Order
from abi_tui.demo.report import DemoReport, demo_report
from abi_tui.demo.stage import Stage
from abi_tui.views import numbers

CALL_TIMEOUT = 15.0
LOOK_EVERY = 1.0
FIGURES_EVERY = 5
SETTLE_TIMEOUT = 3.0
SETTLE_PAUSE = 0.05
MAX_EVENTS = 4096
NEWEST = 100

Talk = Callable[[str], object]


def watch(stage: Stage, seconds: float, talk: Talk) -> DemoReport:
    """Let the demo run for `seconds`, then the report.

    Raises:
        AbiError: engine or scenery went away.
    """
    opened = stage.opened
    talk(f"gateway {opened.gateway}, everything else in {opened.directory}")
    with Client(opened.socket, timeout=CALL_TIMEOUT) as client:
        began = time.monotonic()
        _look_on(stage, client, began, seconds, talk)
        ran = time.monotonic() - began
        status = stage.ask(Order.SETTLE)
        deadline = time.monotonic() + SETTLE_TIMEOUT
        while True:  # the gateway counts an answer a moment after its client has it
            events = client.system.events(limit=MAX_EVENTS, source="gateway")
            report = demo_report(client.system.report(), status, events, ran)
            if report.ok or time.monotonic() > deadline:
                return report
            time.sleep(SETTLE_PAUSE)


def _look_on(stage: Stage, client: Client, began: float, seconds: float, talk: Talk) -> None:
    looks, newest = 0, 0
    while (left := began + seconds - time.monotonic()) > 0:
        time.sleep(min(LOOK_EVERY, left))
        if stage.failure:
            raise Unavailable(f"the demo's process has ended: {stage.failure}")
        looks += 1
        for event in reversed(client.system.events(limit=NEWEST, source="gateway")):
            if event.id > newest:
                newest = event.id
                talk(f"{time.monotonic() - began:3.0f} s  {safe(event.message, limit=200)}")
        if looks % FIGURES_EVERY == 0:
            talk(f"{time.monotonic() - began:3.0f} s  {_figures(client.gateway.stats())}")


def _figures(stats: GatewayStats) -> str:
    traffic = stats.traffic
    return ", ".join(
        (
            f"{numbers.count(traffic.requests_total)} requests",
            f"{numbers.rate(traffic.rate_per_s)} req/s",
            f"{numbers.count(traffic.limited_total)} limited",
            f"breakers {stats.breakers_open} open {stats.breakers_half_open} half",
        )
    )
