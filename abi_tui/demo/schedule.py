"""When the failing upstream fails, and how much traffic there is: pure functions of the time.

Refuses to read a clock. Every minute has two failures: one of errors and refused connections, one
of requests that hang. Breakers that reset after 8 s open, try in vain, try again and close.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from math import pi, sin
from random import Random
from typing import NamedTuple

CYCLE = 60.0
BASE_RATE = 170.0
BURST_EVERY = 15.0
BURST_START = 3.0
BURST_LENGTH = 2.5
BURST_RATE = 70.0
VARIATION = 0.15


class Phase(StrEnum):
    """How the failing upstream behaves."""

    HEALTHY = "healthy"
    ERRORING = "erroring"
    REFUSING = "refusing"
    HANGING = "hanging"
    RECOVERING = "recovering"


class Part(NamedTuple):
    """A phase and how many seconds it lasts."""

    phase: Phase
    length: float


STORY = (
    Part(Phase.HEALTHY, 5.0),
    Part(Phase.ERRORING, 5.0),  # the breaker opens, for 8 s
    Part(Phase.REFUSING, 6.0),  # its first trial fails: open again
    Part(Phase.RECOVERING, 8.0),  # slow but right: half open long enough to be seen, then closed
    Part(Phase.HEALTHY, 12.0),
    Part(Phase.HANGING, 6.0),  # time-outs open it
    Part(Phase.RECOVERING, 10.0),
    Part(Phase.HEALTHY, 8.0),
)


def parts_of(cycle: int, seed: int) -> Iterator[Part]:
    """The parts of one minute; the first is as written, later ones vary by up to 15 %."""
    if cycle == 0:
        yield from STORY
        return
    random = Random(f"{seed} {cycle}")  # noqa: S311 - a show, not a secret
    left = CYCLE
    for part in STORY[:-1]:
        length = part.length * random.uniform(1 - VARIATION, 1 + VARIATION)
        left -= length
        yield Part(part.phase, length)
    yield Part(STORY[-1].phase, left)


def phase_at(time: float, seed: int = 0) -> Phase:
    """How the failing upstream behaves `time` seconds into the story."""
    found = STORY[0].phase
    for start, phase in _starts(int(max(time, 0.0) // CYCLE), seed):
        if start <= time:
            found = phase
    return found


def next_start(phase: Phase, after: float, seed: int = 0) -> float:
    """The first moment later than `after` at which `phase` begins."""
    cycle = int(max(after, 0.0) // CYCLE)
    while True:
        for start, begun in _starts(cycle, seed):
            if begun is phase and start > after:
                return start
        cycle += 1


def _starts(cycle: int, seed: int) -> Iterator[tuple[float, Phase]]:
    """When each phase of one minute begins."""
    start = cycle * CYCLE
    for part in parts_of(cycle, seed):
        yield start, part.phase
        start += part.length


def bursting(time: float) -> bool:
    """Whether a client sends far more than its limit at that moment."""
    within = time % BURST_EVERY
    return BURST_START <= within < BURST_START + BURST_LENGTH


def rate_at(time: float) -> float:
    """Requests a second at that moment, bursts left out: two waves around the base."""
    return BASE_RATE * (1 + 0.28 * sin(2 * pi * time / 41) + 0.12 * sin(2 * pi * time / 9))
