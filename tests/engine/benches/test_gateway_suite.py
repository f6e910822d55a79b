"""The cases of the suite `gateway`: both sides do the same work. Nothing here is timed."""

from __future__ import annotations

import pytest

from abi_engine.benches.case import Case, Workbench
from abi_engine.benches.gateway import CASES
from abi_engine.benches.hop.case import HOP

IN_PROCESS = [one for one in CASES if one not in HOP and one.name != "route_match_10000"]


def nothing(_: str) -> None:
    return None


@pytest.mark.parametrize("case", IN_PROCESS, ids=lambda case: case.name)
def test_both_sides_give_the_same_answers(case: Case) -> None:
    with case.open(Workbench(True, lambda: 0.0, nothing)) as contest:
        assert contest.absent == ()
        (rival,) = contest.rivals
        answers = contest.ours.answers()
        assert rival.answers() == answers
        assert len(set(map(repr, answers))) > 1  # type: ignore[call-overload]
        assert (contest.ours.measure(), rival.measure()) == (0.0, 0.0)


def test_every_goal_is_one_against_a_rival_that_is_measured() -> None:
    for case in IN_PROCESS:
        with case.open(Workbench(True, lambda: 0.0, nothing)) as contest:
            assert set(case.goals) <= {side.name for side in contest.rivals}


def test_no_two_cases_have_the_same_name() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
