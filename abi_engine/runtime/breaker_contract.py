"""What a circuit breaker is set to, and what it tells. Refuses to decide anything."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Ratio = Annotated[float, msgspec.Meta(gt=0, le=1)]


class BreakerState(StrEnum):
    """What a breaker lets through: everything, nothing, or a few trials."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a breaker opens, and how it closes again. Times are seconds.

    Attributes:
        failure_threshold: this many consecutive failures open it.
        reset_timeout: how long it stays open before the first trial.
        half_open_max: this many trials at once, and this many successes close it.
        failure_ratio: also opens at this share of failures in the window; None = not watched.
        window: the length of that window.
        minimum_calls: the ratio means nothing below this many calls in the window.
        slow_call: a call that takes longer counts as a failure; None = none does.
        trial_timeout: a trial without an answer for this long frees its place.
        reset_growth: each opening from half open multiplies the reset time by this.
        reset_timeout_max: it never grows beyond this.
        jitter: the reset time is drawn from this share around itself, 0 to 1.
    """

    failure_threshold: Count = 5
    reset_timeout: Seconds = 30.0
    half_open_max: Count = 3
    failure_ratio: Ratio | None = None
    window: Seconds = 60.0
    minimum_calls: Count = 20
    slow_call: Seconds | None = None
    trial_timeout: Seconds = 60.0
    reset_growth: Annotated[float, msgspec.Meta(ge=1, le=10)] = 1.0
    reset_timeout_max: Seconds = 300.0
    jitter: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0


class Transition(msgspec.Struct, frozen=True):
    """One change of state.

    Attributes:
        at: when, UTC.
        before, after: the states; the same where a person takes or leaves hold of it.
        cause: why, in words: `5 consecutive failures`, `reset after 30 s`, `3 trials succeeded`.
        failures: in a row, at that moment.
        calls: in the window, at that moment; 0 where no failure ratio is watched.
        forced: whether a person did it.
    """

    at: datetime
    before: BreakerState
    after: BreakerState
    cause: str
    failures: int
    calls: int
    forced: bool = False


class Standing(NamedTuple):
    """What another process must know of a breaker to let calls through on its behalf.

    Attributes:
        state: what it lets through.
        permit: what every call gets while it is closed, else 0.
        calm: a success would change nothing, and need not be told.
        reopens_at: the moment of the monotonic clock until which it is open; `inf` where it is
            held open, `-inf` where it is not open.
        forced: a person holds it.
    """

    state: BreakerState
    permit: int
    calm: bool
    reopens_at: float
    forced: bool


class BreakerReport(msgspec.Struct, frozen=True):
    """A breaker at one moment.

    Attributes:
        state: what it lets through.
        forced: a person holds it in that state; only `reset` or `force(None)` releases it.
        in_state_s: for how long it has been so.
        failures: failures in a row; failure_threshold: how many open it.
        window_failures, window_calls: in the sliding window; 0 where no failure ratio is watched.
        refused_total: calls it has refused in its life.
        trips_total: how often failures opened it.
        trials_in_flight, trials_left: places for trials, taken and free (half open only).
        next_try_in_s: seconds until the first trial (open and not forced), else None.
        last: the last transition, if there was one.
    """

    state: BreakerState
    forced: bool
    in_state_s: float
    failures: int
    failure_threshold: int
    window_failures: int
    window_calls: int
    refused_total: int
    trips_total: int
    trials_in_flight: int
    trials_left: int
    next_try_in_s: float | None
    last: Transition | None
