"""What is on the screen goes to a new file whose path is said."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from abi_tui.dashboard.core import Settings
from tests.tui.dashboard.canned import CannedEngine, past
from tests.tui.dashboard.still import Still

pytestmark = pytest.mark.slow

Run = Callable[..., None]


def _only(directory: Path) -> Path:
    (path,) = directory.iterdir()
    return path


def test_json_is_the_document_that_the_command_prints(on_dashboard: Run, tmp_path: Path) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"it", "enter", "e", "j")
        path = _only(tmp_path)
        assert str(path) in shown.foot
        assert path.name == "abi-gateway-routes-20261122T120441Z.json"
        found = json.loads(path.read_text())
        assert found["schema"] == "abi.gateway.routes/1"
        assert found["at"] == "2026-11-22T12:04:41.000Z"
        assert [row["path"] for row in found["data"]][:1] == ["/orders/list"]
        assert len(found["data"]) == 9
        assert found["data"][0]["traffic"]["latency"]["p99_ms"] > 40

    on_dashboard(test, settings=Settings(export_dir=tmp_path), size=(200, 60))


def test_csv_has_a_line_for_each_row(on_dashboard: Run, tmp_path: Path) -> None:
    async def test(shown: Still) -> None:
        shown.page.panes[1].focus()
        await shown.press("e", "c")
        rows = list(csv.DictReader(_only(tmp_path).read_text().splitlines()))
        assert [row["upstream"][-4:] for row in rows] == ["9002", "9003", "9001"]
        assert rows[0]["breaker.state"] == "open"

    on_dashboard(test, settings=Settings(export_dir=tmp_path, screen="gateway"))


def test_svg_is_a_picture_of_the_screen(on_dashboard: Run, tmp_path: Path) -> None:
    async def test(shown: Still) -> None:
        await shown.press("e", "s")
        picture = _only(tmp_path).read_text()
        assert picture.startswith("<svg")
        assert "/orders/list" in picture
        assert "a picture of the screen" not in picture

    on_dashboard(test, settings=Settings(export_dir=tmp_path))


def test_of_the_past_the_past_is_written(on_dashboard: Run, tmp_path: Path) -> None:
    async def test(shown: Still) -> None:
        await shown.press("left_curly_bracket", "e", "j")
        assert json.loads(_only(tmp_path).read_text())["at"] == "2026-11-22T12:03:41.000Z"

    on_dashboard(test, CannedEngine(kept=past(900)), settings=Settings(export_dir=tmp_path))


def test_no_file_is_overwritten(on_dashboard: Run, tmp_path: Path) -> None:
    async def test(shown: Still) -> None:
        await shown.press("e", "c", "e", "c")
        assert len(list(tmp_path.iterdir())) == 2

    on_dashboard(test, settings=Settings(export_dir=tmp_path))


def test_leaving_the_question_writes_nothing(on_dashboard: Run, tmp_path: Path) -> None:
    async def test(shown: Still) -> None:
        await shown.press("e", "escape")
        assert list(tmp_path.iterdir()) == []

    on_dashboard(test, settings=Settings(export_dir=tmp_path))


def test_a_directory_that_cannot_be_written_is_one_clear_line(
    on_dashboard: Run, tmp_path: Path
) -> None:
    taken = tmp_path / "file"
    taken.write_text("")

    async def test(shown: Still) -> None:
        await shown.press("e", "c")
        assert f"cannot write to {taken}" in shown.foot

    on_dashboard(test, settings=Settings(export_dir=taken), size=(200, 60))


@pytest.mark.parametrize("key", "jc")
def test_a_text_has_no_rows(on_dashboard: Run, tmp_path: Path, key: str) -> None:
    async def test(shown: Still) -> None:
        await shown.press("e", key)
        assert "choose a list first" in shown.foot
        assert list(tmp_path.iterdir()) == []

    on_dashboard(test, settings=Settings(export_dir=tmp_path, screen="engine"))
