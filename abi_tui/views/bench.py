"""Benchmarks: the suites there are, and what one measured."""

from __future__ import annotations

from collections.abc import Iterable

from abi_engine.benches.reports import BenchReport, Outcome, Suite
from abi_engine.core.text import safe
from abi_tui.views import numbers
from abi_tui.views.table import Cell, Column, Table, Tone

SUITES = (Column("name", "suite"), Column("built", "state"), Column("summary", "measures"))

RESULTS = (
    Column("goal_met", "goal"),
    Column("case", "case"),
    Column("rival", "against"),
    Column("ours_us", "ours µs", right=True),
    Column("rival_us", "theirs µs", right=True),
    Column("ratio", "faster ×", right=True),
    Column("ratio_min", "min", right=True),
    Column("ratio_max", "max", right=True),
    Column("goal", "wanted ×", right=True),
    Column("summary", "what"),
)

_GOALS = {
    True: Cell("● met", Tone.OK),
    False: Cell("○ MISSED", Tone.BAD),
    None: Cell("–", Tone.DIM),
}


def suites_table(suites: Iterable[Suite]) -> Table:
    """The suites in the given order."""
    rows = tuple(suites)
    return Table(
        "bench.list",
        SUITES,
        tuple(
            (
                Cell(safe(one.name), Tone.STRONG if one.built else Tone.DIM),
                Cell("built") if one.built else Cell("planned", Tone.DIM),
                Cell(safe(one.summary), Tone.DIM),
            )
            for one in rows
        ),
        tuple(one.name for one in rows),
        len(rows),
    )


def results_table(report: BenchReport) -> Table:
    """What was measured, in the order of the cases; and why, where something was not."""
    rows = report.outcomes
    return Table(
        f"bench.{report.suite}",
        RESULTS,
        tuple(map(_row, rows)),
        tuple(f"{one.case} {one.rival}" for one in rows),
        len(rows),
    )


def _row(one: Outcome) -> tuple[Cell, ...]:
    return (
        _GOALS[one.goal_met],
        Cell(safe(one.case)),
        Cell(safe(one.rival) or numbers.NONE),
        _number(one.ours_us),
        _number(one.rival_us),
        _number(one.ratio, Tone.STRONG),
        _number(one.ratio_min, Tone.DIM),
        _number(one.ratio_max, Tone.DIM),
        Cell(numbers.NONE if one.goal is None else numbers.setting(one.goal), Tone.DIM),
        Cell(safe(one.reason), Tone.WARN) if one.reason else Cell(safe(one.summary), Tone.DIM),
    )


def _number(value: float | None, tone: Tone = Tone.PLAIN) -> Cell:
    return Cell(numbers.NONE if value is None else f"{value:.2f}", tone)
