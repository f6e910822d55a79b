"""Runs a suite: all sides of a case in turn, in another random order each round.

Refuses to compare sides that give different answers, and times of different rounds.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from random import Random
from statistics import median
from subprocess import TimeoutExpired

from abi_engine.benches.case import Absent, Case, Contest, NotThere, Side, Workbench
from abi_engine.benches.reports import BenchReport, Outcome
from abi_engine.core.errors import TimedOut, Unavailable
from abi_engine.version import VERSION


def run(
    suite: str,
    cases: Iterable[Case],
    workbench: Workbench,
    rounds: int,
    random: Random,
    tell: Callable[[str], object],
) -> BenchReport:
    """Measure every case.

    Args:
        suite: its name, for the report.
        cases: of the suite.
        workbench: what they may use.
        rounds: how often each side is measured.
        random: the order of the sides in each round.
        tell: told what is measured next.
    """
    outcomes: list[Outcome] = []
    for case in cases:
        tell(case.summary)
        outcomes += _outcomes(case, workbench, rounds, random)
    return BenchReport(
        suite,
        rounds,
        VERSION,
        platform.python_version(),
        os.cpu_count() or 1,
        tuple(outcomes),
    )


def _outcomes(case: Case, workbench: Workbench, rounds: int, random: Random) -> Iterator[Outcome]:
    try:
        with case.open(workbench) as opened:
            contest = _agreed(opened)
            times = _measure((contest.ours, *contest.rivals), rounds, random)
    except (NotThere, Unavailable, TimedOut, OSError, TimeoutExpired) as error:
        yield Outcome(case.name, case.summary, reason=str(error))
        return
    ours = times[0]
    if not contest.rivals and not contest.absent:
        yield Outcome(case.name, case.summary, ours_us=median(ours) * 1e6)
    for side, theirs in zip(contest.rivals, times[1:]):
        yield _compared(case, side, ours, theirs)
    for absent in contest.absent:
        yield _alone(case, absent, ours)


def _agreed(contest: Contest) -> Contest:
    """The same without rivals that do other work; who is asked is not measured cold, either."""
    expected = contest.ours.answers()
    alike, absent = [], list(contest.absent)
    for side in contest.rivals:
        if side.answers() == expected:
            alike.append(side)
        else:
            absent.append(Absent(side.name, "it gives other answers: not compared"))
    return Contest(contest.ours, tuple(alike), tuple(absent))


def _measure(sides: tuple[Side, ...], rounds: int, random: Random) -> list[list[float]]:
    """The times of each side, round by round."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for place in random.sample(range(len(sides)), len(sides)):
            times[place].append(sides[place].measure())
    return times


def _compared(case: Case, side: Side, ours: list[float], theirs: list[float]) -> Outcome:
    ratios = [their / our for our, their in zip(ours, theirs)]
    goal = case.goals.get(side.name)
    return Outcome(
        case.name,
        case.summary,
        side.name,
        median(ours) * 1e6,
        median(theirs) * 1e6,
        median(ratios),
        min(ratios),
        max(ratios),
        goal,
        None if goal is None else median(ratios) >= goal,
    )


def _alone(case: Case, absent: Absent, ours: list[float]) -> Outcome:
    return Outcome(
        case.name,
        case.summary,
        absent.name,
        median(ours) * 1e6,
        goal=case.goals.get(absent.name),
        reason=absent.reason,
    )
