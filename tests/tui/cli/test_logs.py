"""The log by level, moment, part of the engine and words: what the last engine left in its file."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from abi_engine.system import LogLine
from abi_tui.cli import session
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.log_lines import FILE, Wanted
from tests.tui.cli.conftest import Call

NOW = datetime.now(UTC)
LINES = [
    LogLine(NOW - timedelta(hours=20), "debug", "abi_engine.features.gateway", "Old Thing"),
    LogLine(NOW - timedelta(hours=10), "info", "abi_engine.features.gateway.proxy", "listens"),
    LogLine(NOW - timedelta(hours=5), "warning", "abi_engine.features.gateways", "slow\x1b[2J"),
    LogLine(NOW - timedelta(minutes=1), "error", "abi_engine.service", "broke"),
]


@pytest.fixture
def left(tmp_path: Path) -> None:
    """A log that an engine has left."""
    where = session.data_dir(Invocation())
    where.mkdir(parents=True, exist_ok=True)
    rows = (
        {"at": one.at.isoformat(), "level": one.level, "logger": one.logger, "message": one.message}
        for one in LINES
    )
    (where / FILE).write_text("".join(f"{json.dumps(row)}\n" for row in rows) + '{"at": "half')


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [0, 1, 2, 3]),
        (("--level", "debug"), [0, 1, 2, 3]),
        (("--level", "warning"), [2, 3]),
        (("--level", "error"), [3]),
        (("--since", "15h"), [1, 2, 3]),
        (("--since", "-7h"), [2, 3]),
        (("--since", (NOW - timedelta(minutes=2)).isoformat()), [3]),
        (("--logger", "abi_engine.features.gateway"), [0, 1]),
        (("--words", "old thing"), [0]),
        (("--words", ".*"), []),
        (("--level", "info", "--since", "7h", "--limit", "1"), [3]),
        (("--level", "warning", "--limit", "1"), [3]),
        (("--logger", "abi_engine.features.gateway", "--limit", "1"), [1]),
    ],
)
def test_only_the_lines_that_are_wanted_are_shown(
    abi: Call, words: tuple[str, ...], expected: list[int]
) -> None:
    said = abi("logs", *words, "--json")
    assert said.code == Exit.DONE
    assert [row["message"] for row in said.data] == [LINES[one].message for one in expected]


@pytest.mark.usefixtures("left")
def test_nothing_in_a_line_acts_on_the_terminal(abi: Call) -> None:
    assert "\x1b" not in abi("logs").out


def test_a_level_that_is_not_known_is_never_left_out() -> None:
    line = LogLine(NOW, "AUDIT", "x", "y")
    assert Wanted.of("error", None, None, None).has(line)


def test_seconds_ago_are_counted_from_now() -> None:
    wanted = Wanted.of(None, -60.0, None, None)
    assert abs(wanted.since - (time.time() - 60)) < 30


@pytest.mark.parametrize("moment", ["yesterday", "m", "5", "5x", "--5m", "5m5m"])
def test_what_is_no_moment_is_said(abi: Call, moment: str) -> None:
    said = abi("logs", "--since", moment)
    assert said.code == Exit.USAGE
    assert "--since" in said.err
