"""`abi demo` as people start it: the report, and what is left however it ends."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from abi_tui.demo.report import DemoReport
from tests.tui.demo.leftovers import processes, wait_until_nothing_is_left

pytestmark = pytest.mark.slow

ABI = (sys.executable, "-c", "from abi_tui.cli.root import main; main()")
ROOT = Path(__file__).parents[3]
WITHIN = 60.0


def abi(*words: str) -> subprocess.CompletedProcess[str]:
    """A command that ran to its end."""
    return subprocess.run(
        (*ABI, *words), capture_output=True, text=True, timeout=WITHIN, cwd=ROOT, check=False
    )


@contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A command that has said on stderr that the demo runs."""
    process = subprocess.Popen(
        (*ABI, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stderr is not None
        assert "gateway http://127.0.0.1:" in process.stderr.readline()
        yield process
    finally:
        process.kill()
        process.communicate(timeout=WITHIN)


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of a few seconds, as JSON."""
    place = tmp_path_factory.mktemp("tmp")
    environ = {**os.environ, "TMPDIR": str(place), "XDG_RUNTIME_DIR": str(place / "none")}
    done = subprocess.run(
        (*ABI, "demo", "--headless", "--seconds", "8", "--json"),
        capture_output=True,
        text=True,
        timeout=WITHIN,
        cwd=ROOT,
        env=environ,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    wait_until_nothing_is_left(place)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_document_has_the_form_of_its_schema(document: dict[str, Any]) -> None:
    assert document["schema"] == "abi.demo/1"
    report = msgspec.convert(document["data"], DemoReport)
    assert msgspec.to_builtins(report).keys() == document["data"].keys()


def test_all_who_counted_the_same_agree(document: dict[str, Any]) -> None:
    report = msgspec.convert(document["data"], DemoReport)
    assert report.ok
    assert len(report.checks) >= 10
    assert all(check.expected == check.found for check in report.checks)


def test_the_upstreams_own_counts_add_up_to_what_the_gateway_forwarded(
    document: dict[str, Any],
) -> None:
    report = msgspec.convert(document["data"], DemoReport)
    rows = {row.name: row for row in report.upstreams}
    assert rows.keys() == {"steady", "slow", "failing", "control"}
    for name in ("steady", "slow"):
        assert rows[name].forwarded_total == rows[name].received_total > 0
        assert rows[name].received_total == rows[name].replied_total
    by_gateway = report.answers_total["404"] + report.answers_total["405"] + report.limited_total
    forwarded = sum(row.answered_total for row in report.upstreams)
    no_answer = sum(report.answers_total.get(status, 0) for status in ("502", "503", "504"))
    assert report.requests_total == by_gateway + forwarded + no_answer


def test_a_breaker_opened_and_a_limit_refused_within_eight_seconds(
    document: dict[str, Any],
) -> None:
    report = msgspec.convert(document["data"], DemoReport)
    assert [row.kind for row in report.transitions] == ["breaker_opened"]
    assert report.limited_total > 20
    assert report.answers_total["429"] == report.limited_total
    assert {row.name: row.trips_total for row in report.upstreams}["failing"] == 1


def test_every_request_that_was_sent_was_answered(document: dict[str, Any]) -> None:
    report = msgspec.convert(document["data"], DemoReport)
    assert report.requests_total == sum(report.answers_total.values()) > 100
    assert not report.unanswered_total


def test_people_get_parts_with_headings_and_progress_beside_them(place: Path) -> None:
    done = abi("demo", "--headless", "--seconds", "1.5")
    assert done.returncode == 0
    for heading in ("totals", "routes", "breakers", "upstreams", "checks"):
        assert f"{heading}\n  " in done.stdout
    assert "● agree" in done.stdout
    assert "/users/{id} GET" in done.stdout
    assert "no breaker changed its state" in done.stdout
    assert done.stderr.startswith("abi: gateway http://127.0.0.1:")
    wait_until_nothing_is_left(place)


def test_ctrl_c_leaves_with_130_and_without_half_a_report(place: Path) -> None:
    with started("demo", "--headless", "--seconds", "60") as process:
        assert processes(place)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=WITHIN)
        assert process.returncode == 130
        assert out == ""
    wait_until_nothing_is_left(place)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_demo_leaves_nothing_behind(place: Path, number: signal.Signals) -> None:
    with started("demo", "--headless", "--seconds", "60") as process:
        assert len(processes(place)) >= 3
        process.send_signal(number)
        process.communicate(timeout=WITHIN)
        assert process.returncode == -number
    wait_until_nothing_is_left(place)


@pytest.mark.parametrize("part", ["abi_engine.service.serve", "abi_tui.demo.process"])
def test_a_part_that_was_killed_is_said_in_one_line_and_the_rest_ends(
    place: Path, part: str
) -> None:
    with started("demo", "--headless", "--seconds", "60") as process:
        (victim,) = (
            pid
            for pid in processes(place)
            if part.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        )
        os.kill(victim, signal.SIGKILL)
        out, said = process.communicate(timeout=WITHIN)
        assert process.returncode == 4
        assert out == ""
        assert said.splitlines()[-1].startswith("abi: error: ")
        assert "Traceback" not in said
    wait_until_nothing_is_left(place)


def test_without_a_terminal_it_says_how_to_go_without_one(place: Path) -> None:
    done = abi("demo")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "--headless" in done.stderr
    assert not list(place.iterdir())


def test_in_a_terminal_it_draws_the_dashboard_and_ends_with_it(place: Path) -> None:
    main, other = pty.openpty()
    process = subprocess.Popen((*ABI, "demo"), stdin=other, stdout=other, stderr=other, cwd=ROOT)
    os.close(other)
    try:
        seen = b""
        while b"/users/" not in seen:
            seen += os.read(main, 1 << 16)
        assert len(processes(place)) >= 3
        os.write(main, b"q")
        while seen:  # until the terminal is let go; what it still draws must be read
            try:
                seen = os.read(main, 1 << 16)
            except OSError:
                break
        assert process.wait(WITHIN) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)
    wait_until_nothing_is_left(place)
