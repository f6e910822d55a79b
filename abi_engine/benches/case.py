"""What a case is: the same work on several sides, each of which tells what one operation took.

Refuses to know how many rounds there are, and in which order the sides come: the runner does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import Final, NamedTuple

RIVALS: Final = "pip install 'abi[bench]'"
NOTHING: Final[Mapping[str, float]] = MappingProxyType({})


class NotThere(Exception):
    """Something that a side needs is missing.

    Args:
        what: is missing.
        remedy: the command that brings it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} is missing: {remedy}")


class Side(NamedTuple):
    """Somebody who does the work.

    Attributes:
        name: of the rival; ours has none of meaning.
        answers: what it says to questions that all sides are asked.
        measure: does the work, and tells how many seconds one operation took.
    """

    name: str
    answers: Callable[[], object]
    measure: Callable[[], float]


class Absent(NamedTuple):
    """A rival that cannot be measured, and why."""

    name: str
    reason: str


class Contest(NamedTuple):
    """All sides of a case, ready."""

    ours: Side
    rivals: tuple[Side, ...] = ()
    absent: tuple[Absent, ...] = ()


class Workbench(NamedTuple):
    """What a case may use.

    Attributes:
        rivals: whether they are wanted.
        cpu: the CPU time of this thread, in seconds.
        find: where a program is; None where it is not.
    """

    rivals: bool
    cpu: Callable[[], float]
    find: Callable[[str], str | None]

    def program(self, name: str, package: str) -> str:
        """Where a program is.

        Raises:
            NotThere: it is not; the Debian package that has it is named.
        """
        found = self.find(name)
        if found is None:
            raise NotThere(name, f"apt-get install {package}")
        return found

    def side(
        self,
        name: str,
        answers: Callable[[], object],
        work: Callable[[], object],
        operations: int,
    ) -> Side:
        """A side whose work is a call in this thread, which makes so many operations."""
        cpu = self.cpu

        def measure() -> float:
            begun = cpu()
            work()
            return (cpu() - begun) / operations

        return Side(name, answers, measure)

    def contest(self, ours: Side, rivals: Iterable[tuple[str, Callable[[], Side]]]) -> Contest:
        """The contest with those rivals that are wanted and there."""
        sides, absent = [], []
        for name, make in rivals if self.rivals else ():
            try:
                sides.append(make())
            except NotThere as error:
                absent.append(Absent(name, str(error)))
            except ModuleNotFoundError as error:
                absent.append(Absent(name, f"{error.name} is missing: {RIVALS}"))
        return Contest(ours, tuple(sides), tuple(absent))


class Case(NamedTuple):
    """Something worth measuring.

    Attributes:
        name: one word.
        summary: one line.
        open: gets everything ready, and takes it away again; may raise `NotThere`.
        goals: by rival, how many times longer it should take at least.
    """

    name: str
    summary: str
    open: Callable[[Workbench], AbstractContextManager[Contest]]
    goals: Mapping[str, float] = NOTHING
