"""Snapshots live in `snapshots/` at the root of the project, each picture beside its text."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_textual_snapshot
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

from abi_tui.dashboard.screens import machine
from abi_tui.dashboard.screens.lists import Listing
from abi_tui.recordings.writer import RecordingWriter
from abi_tui.views.detail import Detail, line
from abi_tui.views.plugins import plugins_table
from abi_tui.views.toolchain import tools_table
from tests.tui.dashboard.canned import CannedEngine, past
from tests.tui.dashboard.still import Still, still

RECORDED = 400
PLACE = Path(__file__).parents[3] / "snapshots"


class InPlace(SingleFileSnapshotExtension):
    """A file in `snapshots/`, named after the case alone."""

    _write_mode = WriteMode.TEXT

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        return str(PLACE)

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: Any = 0) -> str:
        return test_location.item.callspec.id


class Picture(InPlace, pytest_textual_snapshot.SVGImageExtension):
    """The picture."""


class Copy(InPlace):
    """The same as text, to read and to compare."""

    _file_extension = "txt"


@pytest.fixture
def snap_text(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The accepted text of a case."""
    return snapshot.use_extension(Copy)


@pytest.fixture(autouse=True)
def _same_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same tools, plugins and places everywhere, and found at once."""
    system = Detail("system.info", "system", (line("abi", "0.1.0"),), "abi system-info --json")
    monkeypatch.setattr(machine, "_tools", lambda: (Listing(tools_table(()), ()), system))
    monkeypatch.setattr(machine, "_plugins", lambda: Listing(plugins_table(()), ()))


@pytest.fixture(autouse=True)
def _moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pytest_textual_snapshot, "SVGImageExtension", Picture)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish() -> Generator[None]:
    """Snapshots are written now; that they are not named after their test is meant."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="\nCan not relate")
        yield


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hundred seconds, a report each."""
    path = tmp_path_factory.mktemp("recording") / "night.rec"
    writer = RecordingWriter(path, name="engine", interval=1.0, size=1 << 30)
    for one in past(RECORDED):
        writer.add(one)
    writer.close()
    return path


Test = Callable[[Still], Coroutine[Any, Any, None]]


@pytest.fixture
def on_dashboard() -> Callable[..., None]:
    """Runs a coroutine with a dashboard that stands still."""

    def run(test: Test, engine: CannedEngine | None = None, **facts: Any) -> None:
        async def inside() -> None:
            async with still(engine, **facts) as shown:
                await test(shown)

        asyncio.run(inside())

    return run
