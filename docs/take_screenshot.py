"""Takes the picture of the README: the real dashboard on the real demo, after most of a minute.

Run by `make screenshot`. Refuses to draw anything by itself: what the picture shows was measured.
"""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

from abi_engine.features.gateway.api import GatewayReport
from abi_tui.dashboard.app import Dashboard
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.feed import Feed
from abi_tui.dashboard.launch import Way
from abi_tui.demo.run import SEED
from abi_tui.demo.stage import Stage

FILE = Path(__file__).with_name("dashboard.svg")
SIZE = (120, 40)
AFTER = 30.0
AT_MOST = 120.0


async def picture(dashboard: Dashboard) -> str:
    """The screen, as SVG, at a moment when a breaker is open."""
    async with dashboard.run_test(size=SIZE):
        begin = time.monotonic()
        while time.monotonic() - begin < AT_MOST:
            await asyncio.sleep(0.5)
            if time.monotonic() - begin > AFTER and breakers_open(dashboard):
                return dashboard.export_screenshot(title="abi demo")
    message = f"no breaker opened within {AT_MOST:g} s"
    raise TimeoutError(message)


def breakers_open(dashboard: Dashboard) -> int:
    """How many breakers are open on the screen."""
    moment = dashboard.moment
    report = moment.report.of("gateway", GatewayReport) if moment else None
    return report.stats.breakers_open if report else 0


def without_fonts_from_outside(svg: str) -> str:
    """The picture with the reader's own monospace font: it loads nothing from anywhere."""
    svg = re.sub(r"@font-face\s*\{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code", "ui-monospace, Menlo, Consolas, DejaVu Sans Mono")


def main() -> None:
    """Take it."""
    with Stage(SEED) as stage:
        way = Way(attach=stage.opened.socket)
        feed = Feed(way.open)
        try:
            svg = asyncio.run(picture(Dashboard(feed, Settings(name=lambda: "demo"))))
        finally:
            feed.close()
            way.leave()
    FILE.write_text(without_fonts_from_outside(svg))


if __name__ == "__main__":
    main()
