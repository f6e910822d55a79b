"""Whoever presses keys, clicks and resizes at random never breaks the dashboard."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import pytest
from textual.events import Key

from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.keys import ALL
from tests.scale import scaled
from tests.tui.dashboard.canned import CannedEngine, past
from tests.tui.dashboard.still import Still, still

pytestmark = pytest.mark.slow

PRESSES = scaled(100, 3000)
LEAVING = ("q", "ctrl+q", "ctrl+c")
KEYS = sorted(
    {part for key in ALL for part in key.keys.split(",")} - {*LEAVING}
    | {*"123456789abcdnuxyz", "enter", "escape", "backspace"}
)
SIZES = ((60, 20), (80, 24), (120, 40), (200, 60), (12, 4))


@pytest.mark.parametrize("seed", range(scaled(2, 8)))
def test_random_keys_break_nothing(seed: int, tmp_path: Path) -> None:
    asyncio.run(_play(Random(seed), Settings(export_dir=tmp_path)))


async def _play(chance: Random, settings: Settings) -> None:
    size, engine = chance.choice(SIZES), CannedEngine(kept=past(60))
    async with still(engine, size=size, settings=settings) as shown:
        for _ in range(PRESSES):
            await _act(shown, chance)
            assert shown.app._exception is None
            if shown.app.return_value is not None:
                return


async def _act(shown: Still, chance: Random) -> None:
    kind = chance.random()
    if kind < 0.04:
        await shown.pilot.resize_terminal(*chance.choice(SIZES))
    elif kind < 0.1:
        width, height = shown.app.size
        await shown.pilot.click(offset=(chance.randrange(width), chance.randrange(height)))
    elif kind < 0.15:
        shown.feed.tell()
    elif kind < 0.25:  # faster than anything can answer
        for key in chance.choices(KEYS, k=3):
            shown.app.post_message(Key(key, key if len(key) == 1 else None))
    else:
        await shown.pilot.press(chance.choice(KEYS))
    await shown.settle()
