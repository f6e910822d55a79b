"""A circuit breaker written as its rules read: slow, with a log, and without a shortcut."""

from __future__ import annotations

from typing import NamedTuple

from abi_engine.core.clock import ManualClock
from abi_engine.runtime.breaker import BreakerSettings, BreakerState

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN


class Permit(NamedTuple):
    """One call: the life of the breaker it was given in, its number, when."""

    life: int
    number: int
    at: float


class Model:
    """What a breaker has to do. A life ends with every transition, and with every reset."""

    def __init__(self, settings: BreakerSettings, clock: ManualClock) -> None:
        self.settings = settings
        self.clock = clock
        self.recorded = CLOSED
        self.held = False
        self.life = self.numbers = self.refused = self.trips = 0
        self.in_a_row = 0
        self.log: list[tuple[float, bool]] = []
        self.trials: list[Permit] = []
        self.successes = 0
        self.openings = 0  # in a row, without a close between them
        self.opened_at = 0.0
        self.transitions: list[tuple[BreakerState, BreakerState, bool]] = []

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    def reset_time(self) -> float:
        grown = self.settings.reset_timeout * self.settings.reset_growth ** (self.openings - 1)
        return min(grown, max(self.settings.reset_timeout, self.settings.reset_timeout_max))

    def state(self) -> BreakerState:
        due = self.now >= self.opened_at + self.reset_time()
        return HALF_OPEN if self.recorded is OPEN and not self.held and due else self.recorded

    def in_flight(self) -> list[Permit]:
        limit = self.settings.trial_timeout
        return [trial for trial in self.trials if self.now < trial.at + limit]

    def window(self) -> tuple[int, int]:
        width = self.settings.window / 10
        first = self.now // width - 9
        within = [failed for at, failed in self.log if at // width >= first]
        return len(within), sum(within)

    def allow(self) -> Permit | None:
        self.settle()
        self.numbers += 1
        permit = Permit(self.life, self.numbers, self.now)
        if self.recorded is CLOSED:
            return permit
        if self.recorded is HALF_OPEN and len(self.in_flight()) < self.settings.half_open_max:
            self.trials = [*self.in_flight(), permit]
            return permit
        self.refused += 1
        return None

    def record(self, ok: bool, latency: float, permit: Permit | None) -> None:
        self.settle()
        if permit is not None and not self.counts(permit):
            return
        slow = self.settings.slow_call is not None and latency > self.settings.slow_call
        failed = slow or not ok
        self.in_a_row = self.in_a_row + 1 if failed else 0
        if self.settings.failure_ratio is not None:
            self.log.append((self.now, failed))
        if not self.held:
            self.follow(failed)

    def follow(self, failed: bool) -> None:
        if self.in_trouble() if self.recorded is CLOSED else failed and self.recorded is HALF_OPEN:
            self.open()
        elif self.recorded is HALF_OPEN:
            self.successes += 1
            if self.successes == self.settings.half_open_max:
                self.change(CLOSED)
                self.begin_anew()

    def counts(self, permit: Permit) -> bool:
        """Whether a result tells something of the present; a trial's can tell it once."""
        if self.recorded is CLOSED:
            return permit.life == self.life
        current = permit in self.in_flight()
        self.trials = [trial for trial in self.trials if trial != permit]
        return current

    def in_trouble(self) -> bool:
        if self.in_a_row >= self.settings.failure_threshold:
            return True
        if self.settings.failure_ratio is None:
            return False
        calls, failures = self.window()
        enough = calls >= self.settings.minimum_calls
        return enough and failures / calls >= self.settings.failure_ratio

    def cancel(self, permit: Permit) -> None:
        self.trials = [trial for trial in self.trials if trial != permit]

    def reset(self) -> None:
        if self.held or self.recorded is not CLOSED:
            self.change(CLOSED, by_person=True)
        self.begin_anew()

    def force(self, state: BreakerState | None) -> None:
        if state is None:
            if self.held:
                self.reset()
        elif not (self.held and self.recorded is state):
            self.change(state, by_person=True)
            self.held = True

    def settle(self) -> None:
        if self.state() is not self.recorded:
            self.change(HALF_OPEN)

    def open(self) -> None:
        self.openings += 1
        self.trips += 1
        self.opened_at = self.now
        self.change(OPEN)

    def change(self, after: BreakerState, *, by_person: bool = False) -> None:
        self.transitions.append((self.recorded, after, by_person))
        self.recorded = after
        self.held = False
        self.life += 1
        self.trials = []
        self.successes = 0

    def begin_anew(self) -> None:
        self.life += 1
        self.in_a_row = self.openings = 0
        self.log = []
