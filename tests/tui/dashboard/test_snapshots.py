"""What the dashboard looks like: every screen at four sizes, and the states between.

`pytest tests/tui/dashboard/test_snapshots.py --snapshot-update` accepts what is there now.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot

from abi_engine.core.errors import EngineNotRunning, PermissionRefused, TimedOut
from abi_tui.dashboard import commands
from abi_tui.dashboard.app import Dashboard
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.places import PLACES
from abi_tui.dashboard.screens.palette import Entry
from abi_tui.dashboard.themes import BY_NAME
from tests.tui.dashboard.canned import CannedEngine, empty_report, past
from tests.tui.dashboard.still import Still, StillFeed, screen_text
from tests.tui.dashboard.test_player import StillPlayer

pytestmark = pytest.mark.slow

SIZES = ((60, 20), (80, 24), (120, 40), (200, 60))


class Case(NamedTuple):
    """What to draw.

    Attributes:
        name: of the file.
        size: of the terminal.
        keys: pressed before.
        engine: what it is attached to.
        theme, screen: it starts with.
        lost: the engine goes away at the end.
        recording: what it shows is a recording.
    """

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    engine: Callable[[], CannedEngine] = lambda: CannedEngine(kept=past(240))
    theme: str = "night"
    screen: str = "overview"
    lost: bool = False
    recording: bool = False


def _empty() -> CannedEngine:
    return CannedEngine(empty_report())


def _none() -> CannedEngine:
    engine = CannedEngine()
    engine.lost = EngineNotRunning("no engine runs on /var/lib/abi", hint="abi serve starts one")
    return engine


def _refused() -> CannedEngine:
    engine = CannedEngine()
    engine.lost = PermissionRefused(
        "the engine refused this user: its control socket belongs to uid 0",
        hint="run as that user, or --attach ssh://user@host",
    )
    return engine


def _failing() -> CannedEngine:
    engine = CannedEngine()
    engine.refuse = TimedOut("no answer within 15 s", hint="abi status")
    return engine


def _cases() -> list[Case]:
    cases = []
    for size in SIZES:
        at = "x".join(map(str, size))
        for place in PLACES:
            cases.append(Case(f"{place.name}_{at}", size, screen=place.name))
            if place.built and place.name not in ("toolchain", "plugins", "features"):
                cases.append(
                    Case(f"{place.name}_empty_{at}", size, engine=_empty, screen=place.name)
                )
        cases += [
            Case(f"lost_{at}", size, lost=True),
            Case(f"no_engine_{at}", size, engine=_none),
            Case(f"refused_{at}", size, engine=_refused),
            Case(f"failed_{at}", size, ("2", "tab", *("tab",) * (size[0] >= 150), "r"), _failing),
            Case(f"log_line_{at}", size, ("k", "enter"), screen="logs"),
            Case(f"setting_{at}", size, ("o", "enter"), screen="config"),
            Case(f"request_{at}", size, ("p",)),
            Case(f"answer_{at}", size, ("p", "enter")),
            Case(f"upstream_{at}", size, ("2", "tab", *("tab",) * (size[0] >= 150), "enter")),
            Case(f"recording_{at}", size, ("greater_than_sign",), recording=True),
            Case(f"help_{at}", size, ("question_mark",)),
            Case(f"palette_{at}", size, ("ctrl+p", "u", "s", "e")),
            Case(f"jump_{at}", size, ("g",)),
            Case(f"ask_{at}", size, ("2", "tab", *("tab",) * (size[0] >= 150), "o")),
            Case(f"filter_{at}", size, ("slash", "i", "t")),
            Case(f"route_{at}", size, ("enter",)),
            Case(f"paused_{at}", size, ("space",)),
            Case(f"replay_{at}", size, ("comma", "left_curly_bracket")),
            Case(f"mono_{at}", size, theme="mono"),
            Case(f"light_{at}", size, theme="day"),
        ]
    others = [name for name in BY_NAME if name not in ("night", "mono", "day")]
    cases += [Case(f"theme_{name}", (80, 24), theme=name) for name in others]
    return cases


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case.name)
def test_it_looks_like_this(
    case: Case,
    snap_compare: Callable[..., bool],
    snap_text: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
    recorded: Path,
) -> None:
    monkeypatch.setenv("ABI_DATA_DIR", "/var/lib/abi")
    known = (Entry("command", "abi gateway routes list", "the routes", "go", "gateway"),)
    monkeypatch.setattr(commands, "commands", lambda: known)
    monkeypatch.setattr(commands, "settings", lambda: ())
    feed = StillPlayer(recorded) if case.recording else StillFeed(case.engine())
    settings = Settings(palette=BY_NAME[case.theme], screen=case.screen)
    if case.recording:
        settings = settings._replace(recording="night.rec", name=lambda: "recording night.rec")
    app = Dashboard(feed, settings)
    texts = []

    async def prepare(pilot: Pilot[int]) -> None:
        shown = Still(app, pilot, feed)  # type: ignore[arg-type]
        await shown.settle()
        if isinstance(feed, StillFeed) and feed.engine.lost is None:
            await shown.tell()
        await shown.press(*case.keys)
        if case.lost and isinstance(feed, StillFeed):
            feed.lose(EngineNotRunning("the engine closed the connection", hint="abi status"))
        await shown.settle()
        texts.append(screen_text(app))

    same = snap_compare(app, terminal_size=case.size, run_before=prepare)
    assert texts == [snap_text]
    assert same
