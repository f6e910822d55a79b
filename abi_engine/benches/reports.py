"""What a benchmark tells. Refuses to measure anything."""

from __future__ import annotations

import msgspec


class Suite(msgspec.Struct, frozen=True):
    """A suite of the list: `built` tells whether it can be run."""

    name: str
    summary: str
    built: bool


class Outcome(msgspec.Struct, frozen=True):
    """One case against one rival, or alone.

    Attributes:
        case, summary: what was measured.
        rival: who else did it; empty where nobody did.
        ours_us, rival_us: one operation, in the median of all rounds; None where not measured.
        ratio: how many times longer the rival took, in the median of the ratios of single rounds;
            ratio_min, ratio_max: the smallest and largest of those.
        goal: the least ratio that is wanted; None where there is none.
        goal_met: whether it is reached; None where there is no goal, or nothing was measured.
        reason: why something was not measured, and what to do; empty where all was.
    """

    case: str
    summary: str
    rival: str = ""
    ours_us: float | None = None
    rival_us: float | None = None
    ratio: float | None = None
    ratio_min: float | None = None
    ratio_max: float | None = None
    goal: float | None = None
    goal_met: bool | None = None
    reason: str = ""


class BenchReport(msgspec.Struct, frozen=True):
    """A suite that was run.

    Attributes:
        suite: its name; rounds: how often each side was measured.
        version, python, processors: of what was measured, and on what.
        outcomes: in the order of the cases.
    """

    suite: str
    rounds: int
    version: str
    python: str
    processors: int
    outcomes: tuple[Outcome, ...]
