"""What a process holds: memory, descriptors, threads, tasks; and how memory grows."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple, Self

from tests.engine.features.gateway.proxy.stage import until


class Held(NamedTuple):
    """What is held at one moment."""

    descriptors: int
    threads: int
    tasks: int

    def within(self, other: Held) -> bool:
        """Whether none of it is more than there."""
        return all(ours <= theirs for ours, theirs in zip(self, other, strict=True))


def held(pid: int, place: Path) -> Held:
    """What an observed engine holds, its tasks by way of the file `place`."""
    place.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    until(lambda: place.exists() and place.read_text().endswith("\n"), 20)
    return Held(descriptors(pid), threads(pid), int(place.read_text()))


def descriptors(pid: int) -> int:
    """How many files and sockets a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def threads(pid: int) -> int:
    """How many threads a process has."""
    return int(_status(pid, "Threads"))


def resident(pid: int) -> int:
    """The memory of a process, in bytes."""
    return int(_status(pid, "VmRSS").removesuffix(" kB")) << 10


def _status(pid: int, name: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(name + ":"))


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """By least squares, of values over time."""
    middle_time = sum(at for at, _ in samples) / len(samples)
    middle = sum(value for _, value in samples) / len(samples)
    spread = sum((at - middle_time) ** 2 for at, _ in samples)
    return sum((at - middle_time) * (value - middle) for at, value in samples) / spread


class Memory:
    """Samples of a process' memory, one each second, while this is entered."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = Event()
        self._thread = Thread(target=self._watch, name="memory")
        self.samples: list[tuple[float, int]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def growth(self, warm_up: float) -> float:
        """Bytes a minute, after so many seconds; 0 where there are too few samples to tell."""
        begun = self.samples[0][0]
        samples = [one for one in self.samples if one[0] - begun >= warm_up]
        return slope(samples) * 60 if len(samples) > 1 else 0.0

    def _watch(self) -> None:
        while True:
            self.samples.append((time.monotonic(), resident(self._pid)))
            if self._over.wait(1.0):
                return
