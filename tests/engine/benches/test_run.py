"""How sides are measured: interleaved, in a new order each round, and only if they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from subprocess import TimeoutExpired

import pytest

from abi_engine.benches.case import Case, Contest, NotThere, Side, Workbench
from abi_engine.benches.catalogue import find_program, run_suite, suites
from abi_engine.benches.reports import BenchReport
from abi_engine.benches.run import run
from abi_engine.core.errors import Unavailable


class Times:
    """A clock of CPU time that work moves by hand, and who worked in which order."""

    def __init__(self) -> None:
        self.now = 0.0
        self.order: list[str] = []

    def cpu(self) -> float:
        return self.now

    def side(
        self, bench: Workbench, name: str, seconds: list[float], answers: object = "same"
    ) -> Side:
        rounds = iter(seconds)

        def work() -> None:
            self.order.append(name)
            self.now += next(rounds)

        return bench.side(name, lambda: answers, work, operations=8)


@pytest.fixture
def times() -> Times:
    return Times()


def workbench(
    times: Times, *, rivals: bool = True, programs: dict[str, str] | None = None
) -> Workbench:
    return Workbench(rivals, times.cpu, (programs or {}).get)


def case(open_: Callable[[Workbench], Contest], **goals: float) -> Case:
    @contextmanager
    def opened(bench: Workbench) -> Iterator[Contest]:
        yield open_(bench)

    return Case("case", "what it is", opened, goals)


def measured(times: Times, one: Case, rounds: int, *, rivals: bool = True) -> BenchReport:
    said: list[str] = []
    report = run("suite", [one], workbench(times, rivals=rivals), rounds, Random(7), said.append)
    assert said == ["what it is"]
    assert (report.suite, report.rounds) == ("suite", rounds)
    return report


def test_a_ratio_is_the_median_of_the_ratios_of_single_rounds(times: Times) -> None:
    def opened(bench: Workbench) -> Contest:
        ours = times.side(bench, "", [1.0, 2.0, 4.0])
        return bench.contest(
            ours, [("rival", lambda: times.side(bench, "rival", [3.0, 2.0, 20.0]))]
        )

    (outcome,) = measured(times, case(opened, rival=3.0), 3).outcomes
    assert (outcome.ours_us, outcome.rival_us) == (250_000, 375_000)
    assert (outcome.ratio_min, outcome.ratio, outcome.ratio_max) == (1.0, 3.0, 5.0)
    assert (outcome.goal, outcome.goal_met, outcome.reason) == (3.0, True, "")


def test_a_goal_that_is_not_reached_is_missed(times: Times) -> None:
    def opened(bench: Workbench) -> Contest:
        ours = times.side(bench, "", [1.0])
        return bench.contest(ours, [("rival", lambda: times.side(bench, "rival", [2.9]))])

    (outcome,) = measured(times, case(opened, rival=3.0), 1).outcomes
    assert outcome.goal_met is False


def test_all_sides_are_measured_in_every_round_in_an_order_that_changes(times: Times) -> None:
    names = ["a", "b", "c"]

    def opened(bench: Workbench) -> Contest:
        def maker(name: str) -> tuple[str, Callable[[], Side]]:
            return name, lambda: times.side(bench, name, [1.0] * 40)

        return bench.contest(times.side(bench, "", [1.0] * 40), map(maker, names))

    measured(times, case(opened), 40)
    rounds = [tuple(times.order[at : at + 4]) for at in range(0, len(times.order), 4)]
    assert len(rounds) == 40
    assert all(set(one) == {"", *names} for one in rounds)
    assert len(set(rounds)) > 10


def test_who_gives_other_answers_is_not_compared(times: Times) -> None:
    def opened(bench: Workbench) -> Contest:
        return bench.contest(
            times.side(bench, "", [1.0]),
            [
                ("liar", lambda: times.side(bench, "liar", [], answers="other")),
                ("rival", lambda: times.side(bench, "rival", [2.0])),
            ],
        )

    rival, liar = measured(times, case(opened, liar=2.0), 1).outcomes
    assert (rival.rival, rival.ratio) == ("rival", 2.0)
    assert (liar.rival, liar.ratio, liar.goal, liar.goal_met) == ("liar", None, 2.0, None)
    assert "other answers" in liar.reason
    assert "liar" not in times.order


def test_a_rival_that_is_not_installed_is_named_with_what_brings_it(times: Times) -> None:
    def opened(bench: Workbench) -> Contest:
        def uninstalled() -> Side:
            raise ModuleNotFoundError("No module named 'rival'", name="rival")

        return bench.contest(
            times.side(bench, "", [1.0]),
            [
                ("library", uninstalled),
                ("server", lambda: times.side(bench, bench.program("nginx", "nginx"), [])),
            ],
        )

    library, server = measured(times, case(opened), 1).outcomes
    assert (library.rival, library.ratio) == ("library", None)
    assert library.reason == "rival is missing: pip install 'abi[bench]'"
    assert server.reason == "nginx is missing: apt-get install nginx"
    assert library.ours_us == server.ours_us == 125_000


def test_without_what_the_case_itself_needs_it_is_not_measured(times: Times) -> None:
    def opened(bench: Workbench) -> Contest:
        raise NotThere("wrk", "apt-get install wrk")

    (outcome,) = measured(times, case(opened), 1).outcomes
    assert (outcome.ours_us, outcome.ratio) == (None, None)
    assert outcome.reason == "wrk is missing: apt-get install wrk"


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("wrk did not get an answer"),
        TimeoutExpired("wrk", 30.0),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
)
def test_a_case_that_breaks_down_does_not_take_the_others_with_it(
    times: Times, error: Exception
) -> None:
    def opened(bench: Workbench) -> Contest:
        def stuck() -> float:
            raise error

        return bench.contest(Side("", lambda: "", stuck), [])

    (outcome,) = measured(times, case(opened), 1).outcomes
    assert (outcome.ours_us, outcome.reason) == (None, str(error))


def test_rivals_that_nobody_asks_for_are_not_even_made(times: Times) -> None:
    def opened(bench: Workbench) -> Contest:
        def forbidden() -> Side:
            raise AssertionError

        return bench.contest(times.side(bench, "", [1.0, 3.0, 2.0]), [("rival", forbidden)])

    (outcome,) = measured(times, case(opened, rival=2.0), 3, rivals=False).outcomes
    assert (outcome.rival, outcome.ratio, outcome.goal_met) == ("", None, None)
    assert outcome.ours_us == 250_000


def test_a_program_is_found_on_the_path_or_among_the_servers(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_program("no-such-program-anywhere") is None
    monkeypatch.setenv("PATH", "/bin")
    assert find_program("sh") == "/bin/sh"


def test_a_suite_that_is_planned_cannot_be_run() -> None:
    planned = [suite.name for suite in suites() if not suite.built]
    assert "database" in planned
    with pytest.raises(KeyError):
        run_suite("database", rivals=False)
