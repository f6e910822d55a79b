"""What health checks found is told in words, and worse than a breaker that is closed."""

from __future__ import annotations

import msgspec

from abi_tui.views.gateway import breakers_table
from abi_tui.views.gateway_details import breaker_detail, health_lines
from abi_tui.views.table import Tone
from tests.tui.views.reports import NOW, upstream


def test_an_upstream_that_is_not_checked_says_nothing_of_its_health() -> None:
    assert list(health_lines(upstream())) == []


def test_a_sick_upstream_says_why_and_since_when() -> None:
    sick = msgspec.structs.replace(
        upstream(), healthy=False, check_error="GET /health: 500\x1b[2J", check_age_s=2.0
    )
    (line,) = health_lines(sick)
    assert (line.label, line.cell.tone) == ("health", Tone.BAD)
    assert line.cell.text.startswith("SICK, checked 2.0 s ago: GET /health: 500")
    assert "\x1b" not in line.cell.text
    cell = breakers_table([sick]).rows[0][0]
    assert (cell.text, cell.tone) == ("● ok SICK", Tone.BAD)
    assert line in breaker_detail(sick, NOW).lines


def test_a_well_upstream_and_its_addresses_are_told() -> None:
    well = msgspec.structs.replace(
        upstream(), healthy=True, check_age_s=0.5, addresses=("10.0.0.1:80", "10.0.0.2:80")
    )
    told = {line.label: line.cell.text for line in health_lines(well)}
    assert told == {"health": "well, checked 0.5 s ago", "addresses": "10.0.0.1:80, 10.0.0.2:80"}
    assert breakers_table([well]).rows[0][0].text == "● ok"


def test_a_first_check_that_failed_is_not_yet_sickness() -> None:
    unsure = msgspec.structs.replace(upstream(), check_error="timed out", check_age_s=1.0)
    (line,) = health_lines(unsure)
    assert line.cell.text == "not known yet, checked 1.0 s ago: timed out"
