from __future__ import annotations

from fractions import Fraction
from math import inf, nextafter, ulp
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from abi_engine.core.clock import ManualClock, SystemClock
from abi_engine.runtime.limiter import Limiter, LimitKind, LimitSettings, RateDecision, build
from abi_engine.runtime.limits.exact import Grid, seconds_between
from tests.engine.runtime.limit_models import log_of, written
from tests.engine.threads import YieldingKey, together
from tests.scale import scaled

KINDS = list(LimitKind)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.value for kind in KINDS])


def draw_settings(random: Random, kind: LimitKind) -> LimitSettings:
    window = random.choice([1e-6, 0.1, 0.7, 1.0, 10.0])
    rate = random.choice([0.1, 0.3, 1.0, 3.0, 7.7, 10.0, 100.0, 1e6])
    if kind is not LimitKind.TOKEN_BUCKET:
        rate = random.choice([0.5, 1, 2, 3, 5, 9, 12]) / window
    burst, buckets = random.choice([1, 2, 3, 5, 9]), random.choice([1, 2, 3, 7])
    return LimitSettings(kind=kind, rate=rate, burst=burst, window=window, buckets=buckets)


def draw_pause(random: Random, settings: LimitSettings, last: RateDecision | None) -> float:
    """How far the clock goes on: bursts, whole steps, exact waits, long pauses, jumps back."""
    act = random.random()
    if act < 0.4:
        return 0.0
    if act < 0.55 and last is not None:
        return last.reset_after
    step = 1 / settings.rate if random.random() < 0.5 else settings.window / settings.buckets
    if act < 0.8:
        return step * random.choice([0.25, 0.5, 0.999999, 1.0, 1.000001, 2.0])
    if act < 0.92:
        return random.expovariate(1 / step)
    if act < 0.97:
        return step * random.choice([10, 100])
    return -step * random.choice([0.3, 1, 5, 100])


def compare(random: Random, kind: LimitKind, steps: int) -> None:
    """The same requests to a limiter and to a log of all that passed; every answer must agree."""
    settings = draw_settings(random, kind)
    clock = ManualClock(random.choice([0.0, 1.0, 1_000.0, 123_456.789, 3.2e7]))
    limiter, log = build(settings, clock), log_of(settings, clock.monotonic())
    last: RateDecision | None = None
    for _ in range(steps):
        clock.advance(draw_pause(random, settings, last))
        key = random.choice("aaab")
        foreseen = limiter.peek(key)
        last = limiter.check(key)
        assert foreseen == last
        assert last.allowed == log.check(key, clock.monotonic())
        assert last.remaining == log.remaining(key)
        assert (last.reset_after == 0) == (last.remaining > 0)


@pytest.mark.slow
@every_kind
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 60))
def test_it_decides_as_a_log_of_everything_that_passed(
    kind: LimitKind, seed: int, steps: int
) -> None:
    compare(Random(seed), kind, steps)


@pytest.mark.slow
@every_kind
def test_it_agrees_with_the_log_over_many_seeded_sequences(kind: LimitKind) -> None:
    for seed in range(scaled(100, 10_000)):
        compare(Random(seed), kind, 100)


@every_kind
@given(seed=st.integers(0, 2**32))
def test_a_request_made_when_it_says_passes_and_one_made_before_does_not(
    kind: LimitKind, seed: int
) -> None:
    random = Random(seed)
    settings = draw_settings(random, kind)
    clock = ManualClock(random.choice([0.0, 5.0, 1_000.0, 98_765.4321, 3.2e7]) + random.random())
    limiter = build(settings, clock)
    for _ in range(random.randint(0, 30)):
        limiter.check("a")
        clock.advance(random.choice([0.0, 0.0, 0.3 / settings.rate, settings.window / 10]))
    while (last := limiter.check("a")).remaining:
        pass
    early = ManualClock(clock.monotonic())
    # One unit of the limiter's own time, and what the clock can tell apart.
    unit = 2**-29 / settings.rate + 4 * ulp(clock.monotonic() + last.reset_after)
    early.advance(last.reset_after - unit)
    if early.monotonic() > clock.monotonic():
        back = clock.monotonic()
        clock.advance(early.monotonic() - back)
        assert not limiter.peek("a").allowed
        clock.advance(back - clock.monotonic())
        last = limiter.peek("a")
    clock.advance(last.reset_after)
    assert limiter.check("a").allowed


def burst_at_random(
    random: Random, limiter: Limiter, clock: ManualClock, step: float, requests: int
) -> tuple[list[float], list[float]]:
    """When requests passed and when they were refused, in bursts with pauses."""
    passed: list[float] = []
    refused: list[float] = []
    while len(passed) + len(refused) < requests:
        for _ in range(random.choice([1, 1, 2, 30])):
            allowed = limiter.check("a").allowed
            (passed if allowed else refused).append(clock.monotonic())
        clock.advance(random.choice([0.0, step / 100, step * random.random(), step, 3 * step]))
    return passed, refused


@pytest.mark.slow
@given(st.integers(0, 2**32))
def test_no_window_ever_holds_more_than_a_sliding_window_allows(seed: int) -> None:
    random = Random(seed)
    settings = draw_settings(random, LimitKind.SLIDING_WINDOW)
    clock = ManualClock(1_000.0 + random.random())
    limiter = build(settings, clock)
    window, buckets = written(settings.window), settings.buckets
    limit = max(int(written(settings.rate) * window), 1)
    passed, refused = burst_at_random(
        random, limiter, clock, settings.window / buckets, scaled(80, 120)
    )
    for end in passed:
        within = sum(Fraction(end) - window < Fraction(then) <= end for then in passed)
        assert within <= limit
    for end in refused:  # one that lasted a bucket too long at most
        longer = Fraction(end) - window - window / buckets
        assert sum(longer < Fraction(then) <= end for then in passed) >= limit


@given(st.integers(0, 2**32))
def test_no_stretch_of_time_holds_more_than_burst_and_rate(seed: int) -> None:
    random = Random(seed)
    settings = draw_settings(random, LimitKind.TOKEN_BUCKET)
    clock = ManualClock(1_000.0 + random.random())
    limiter = build(settings, clock)
    passed, _ = burst_at_random(random, limiter, clock, 1 / settings.rate, scaled(80, 120))
    rate = Fraction(settings.rate)
    slack = Fraction(2) ** -29 + rate * Fraction(4 * ulp(passed[-1]))
    for first, begin in enumerate(passed):
        for last in range(first, len(passed)):
            stretch = Fraction(passed[last]) - Fraction(begin)
            assert last - first + 1 <= settings.burst + rate * stretch + slack


@given(st.floats(0, 1e9), st.floats(0, 1e9))
@example(2**-53, 1 + 2**-52)
@example(0.0, 0.1)
def test_a_wait_added_to_the_reading_is_never_too_short_and_hardly_too_long(
    reading: float, wait: float
) -> None:
    moment = reading + wait if wait != 1 + 2**-52 else wait
    until = reading + seconds_between(reading, moment)
    assert moment <= until <= nextafter(moment, inf)


@given(st.fractions(1e-6, 86_400), st.floats(0, 1e9))
def test_every_reading_is_in_the_part_in_which_it_would_be_on_paper(
    length: Fraction, reading: float
) -> None:
    grid = Grid(length)
    part = grid.part(reading)
    assert part == Fraction(reading) // length
    begins = grid.begins(part)
    assert grid.part(begins) == part
    assert begins == 0 or grid.part(nextafter(begins, -inf)) == part - 1
    assert begins <= reading < grid.begins(part + 1)


@every_kind
def test_a_refused_request_costs_nothing(kind: LimitKind) -> None:
    clock = ManualClock()
    limiter = build(LimitSettings(kind=kind, rate=2.0, burst=2, window=1.0), clock)
    while limiter.check("a").allowed:
        pass
    before = limiter.peek("a")
    for _ in range(1_000):
        assert limiter.check("a") == before
    clock.advance(before.reset_after)
    assert limiter.check("a").allowed


@every_kind
def test_a_clock_that_jumps_back_never_opens_the_gate(kind: LimitKind) -> None:
    clock = ManualClock(10_000.0)
    limiter = build(LimitSettings(kind=kind, rate=5.0, burst=5, window=1.0), clock)
    allowed = sum(limiter.check("a").allowed for _ in range(20))
    for _ in range(50):
        clock.advance(-37.0)
        allowed += sum(limiter.check("a").allowed for _ in range(20))
    assert allowed == 5
    clock.advance(50 * 37.0 + 10.0)
    assert limiter.check("a").allowed


@every_kind
def test_keys_do_not_share(kind: LimitKind) -> None:
    limiter = build(LimitSettings(kind=kind, rate=3.0, burst=3, window=1.0), ManualClock())
    for key in ("a", "b", "c"):
        assert sum(limiter.check(key).allowed for _ in range(10)) == 3
    assert limiter.keys() == 3


@every_kind
def test_names_beyond_the_bound_share_one_allowance(kind: LimitKind) -> None:
    settings = LimitSettings(kind=kind, rate=5.0, burst=5, window=1.0)
    limiter = build(settings, ManualClock(), max_keys=3)
    for key in ("a", "b", "c"):
        assert limiter.check(key).allowed
    assert sum(limiter.check(f"new {number}").allowed for number in range(1_000)) == 5
    assert limiter.keys() == 3
    assert sum(limiter.check("a").allowed for _ in range(10)) == 4


@every_kind
def test_what_it_foresees_for_a_name_beyond_the_bound_is_the_shared_allowance(
    kind: LimitKind,
) -> None:
    settings = LimitSettings(kind=kind, rate=3.0, burst=3, window=1.0)
    limiter = build(settings, ManualClock(), max_keys=1)
    limiter.check("own")
    for number in range(10):
        assert limiter.peek(f"new {number}") == limiter.check(f"new {number}")


@every_kind
def test_room_is_made_by_forgetting_keys_that_mean_nothing_any_more(kind: LimitKind) -> None:
    clock = ManualClock()
    settings = LimitSettings(kind=kind, rate=5.0, burst=5, window=1.0)
    limiter = build(settings, clock, max_keys=10)
    for number in range(20):
        limiter.check(f"old {number}")
    clock.advance(10.0)
    for number in range(5):
        limiter.check(f"waking {number}")
    assert sum(limiter.check("new").allowed for _ in range(10)) == 5
    assert limiter.keys() <= 10


@every_kind
def test_a_key_that_means_something_is_never_forgotten(kind: LimitKind) -> None:
    clock = ManualClock()
    settings = LimitSettings(kind=kind, rate=1.0, burst=1, window=1.0)
    limiter = build(settings, clock, max_keys=5)
    assert limiter.check("a").allowed
    for number in range(1_000):
        clock.advance(0.0009)
        limiter.check(f"flood {number}")
        assert not limiter.check("a").allowed


@every_kind
def test_memory_is_bounded_by_the_keys_of_the_present(kind: LimitKind) -> None:
    clock = ManualClock()
    settings = LimitSettings(kind=kind, rate=10.0, burst=10, window=1.0)
    limiter = build(settings, clock, max_keys=2_000)
    for number in range(20_000):
        limiter.check(f"{number}")
        clock.advance(0.01)
    # Each key means something for two seconds at most; few are kept for longer.
    assert limiter.keys() <= 1_024 + 200
    entries: Any = getattr(limiter, "_keys", None)
    if entries is not None:
        assert len(entries.entries) <= limiter.keys() + 1


@pytest.mark.slow
@every_kind
def test_sixty_four_threads_get_exactly_what_one_would_get(kind: LimitKind) -> None:
    for _ in range(scaled(6, 100)):
        clock = ManualClock()
        shared = build(LimitSettings(kind=kind, rate=1e3, burst=1_000, window=1.0), clock)
        own = build(LimitSettings(kind=kind, rate=150.0, burst=150, window=1.0), clock)
        count_together(shared, own)


def count_together(shared: Limiter, own: Limiter) -> None:
    def work(number: int) -> tuple[int, int]:
        return (
            sum(shared.check(YieldingKey("all")).allowed for _ in range(20)),
            sum(own.check(YieldingKey(f"of {number % 8}")).allowed for _ in range(20)),
        )

    results = together(64, work)
    assert sum(allowed for allowed, _ in results) == 1_000  # of 1 280
    assert sum(allowed for _, allowed in results) == 8 * 150  # of 8 times 160
    assert (shared.keys(), own.keys()) == (1, 8)


@every_kind
def test_the_machines_clock_never_brings_more_than_the_limit(kind: LimitKind) -> None:
    clock = SystemClock()
    settings = LimitSettings(kind=kind, rate=1_000.0, burst=50, window=0.05, buckets=5)
    limiter = build(settings, clock)
    begun = clock.monotonic()
    allowed = sum(limiter.check("a").allowed for _ in range(20_000))
    lasted = clock.monotonic() - begun
    assert 50 <= allowed <= 2 * 50 + 1_000 * lasted


@every_kind
@pytest.mark.parametrize("uptime", [0.0, 3.2e7, 3.2e9])
@pytest.mark.parametrize("rate", [1e-9, 0.1, 333.3333333333333, 1e9])
def test_the_limit_holds_at_any_rate_and_after_any_uptime(
    kind: LimitKind, rate: float, uptime: float
) -> None:
    window = min(max(10 / rate, 1e-6), 86_400.0)
    settings = LimitSettings(kind=kind, rate=rate, burst=10, window=window, buckets=7)
    limiter = build(settings, ManualClock(uptime))
    limit = 10 if kind is LimitKind.TOKEN_BUCKET else log_of(settings).limit
    assert sum(limiter.check("a").allowed for _ in range(min(limit, 1_000) + 20)) == min(
        limit, 1_020
    )


def test_a_window_admits_the_product_as_it_is_written() -> None:
    # 0.29 * 100 is 28.999999999999996 in floating point.
    settings = LimitSettings(kind=LimitKind.FIXED_WINDOW, rate=0.29, window=100.0)
    assert build(settings, ManualClock()).check("a").remaining == 28


def test_a_window_admits_one_at_least() -> None:
    for kind in (LimitKind.FIXED_WINDOW, LimitKind.SLIDING_WINDOW):
        limiter = build(LimitSettings(kind=kind, rate=0.001, window=1.0), ManualClock())
        assert [limiter.check("a").allowed for _ in range(2)] == [True, False]


def test_a_fixed_window_forgets_at_its_end() -> None:
    clock = ManualClock(1_000.0)
    limiter = build(LimitSettings(kind=LimitKind.FIXED_WINDOW, rate=3.0, window=1.0), clock)
    clock.advance(0.999)
    assert [limiter.check("a").allowed for _ in range(4)] == [True, True, True, False]
    clock.advance(0.001)
    assert [limiter.check("a").allowed for _ in range(4)] == [True, True, True, False]


def test_a_bucket_refills_at_its_rate() -> None:
    clock = ManualClock(1_000.0)
    limiter = build(LimitSettings(rate=4.0, burst=2), clock)
    assert limiter.check("a") == RateDecision(True, 1, 0.0)
    assert limiter.check("a") == RateDecision(True, 0, 0.25)
    assert limiter.check("a") == RateDecision(False, 0, 0.25)
    clock.advance(0.125)
    assert limiter.check("a") == RateDecision(False, 0, 0.125)
    clock.advance(0.125)
    assert limiter.check("a") == RateDecision(True, 0, 0.25)
    clock.advance(60.0)
    assert limiter.check("a") == RateDecision(True, 1, 0.0)


@pytest.mark.parametrize(
    "bad",
    [{"rate": 0}, {"rate": -1.0}, {"rate": 1e10}, {"burst": 0}, {"window": 0}, {"buckets": 0}],
)
def test_settings_out_of_range_are_refused_where_they_are_read(bad: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(bad, LimitSettings)


def test_a_decision_names_its_unit_in_json() -> None:
    assert msgspec.json.encode(RateDecision(False, 0, 0.5)) == (
        b'{"allowed":false,"remaining":0,"reset_after_s":0.5}'
    )
