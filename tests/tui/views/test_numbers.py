from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_tui.views import numbers

NOW = datetime(2026, 11, 22, 12, 4, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (1117, "1 117"), (8_412_000, "8 412 000")]
)
def test_a_count_is_in_groups_of_three(number: int, text: str) -> None:
    assert numbers.count(number) == text


@given(st.integers())
def test_a_count_has_every_digit_and_plain_blanks_alone(number: int) -> None:
    assert int(numbers.count(number).replace(" ", "")) == number


def test_a_noun_is_one_or_many() -> None:
    assert numbers.counted(1, "breaker") == "1 breaker"
    assert numbers.counted(2, "breaker") == "2 breakers"
    assert numbers.counted(0, "entry", "entries") == "0 entries"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (0, "0"),
        (0.01, "<0.1"),
        (0.05, "0.1"),
        (1.84, "1.8"),
        (9.94, "9.9"),
        (9.96, "10"),
        (17.6, "18"),
        (1117.4, "1 117"),
    ],
)
def test_a_rate_has_a_digit_after_the_point_below_ten(rate: float, text: str) -> None:
    assert numbers.rate(rate) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0.0"),
        (0.001, "<0.01"),
        (0.05, "0.05"),
        (0.3, "0.3"),
        (42.19, "42.2"),
        (99.96, "100"),
        (1204.4, "1 204"),
    ],
)
def test_a_latency_has_fewer_digits_the_longer_it_is(value: float | None, text: str) -> None:
    assert numbers.milliseconds(value) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0"), (0.01, "<0.1"), (12.46, "12.5"), (100, "100.0")]
)
def test_a_share_that_is_there_is_never_nothing(share: float, text: str) -> None:
    assert numbers.percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00:00"), (761.9, "0:12:41"), (-5, "0:00:00"), (86_400 * 3 + 761, "3 d 0:12:41")],
)
def test_a_duration_is_a_clock_that_runs(seconds: float, text: str) -> None:
    assert numbers.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (1.24, "1.2 s"),
        (9.96, "9 s"),
        (41, "41 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172_800, "2 d"),
        (172_800 * 1000, "2 000 d"),
    ],
)
def test_a_span_is_in_its_own_unit_and_never_rounded_up(seconds: float, text: str) -> None:
    assert numbers.span(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1 023 B"),
        (1024, "1.0 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (12_687_769, "12.1 MiB"),
        (1024**5 * 5000, "5 000.0 PiB"),
    ],
)
def test_a_size_is_in_binary_units(size: int, text: str) -> None:
    assert numbers.size(size) == text


def test_a_setting_that_is_whole_has_no_point() -> None:
    assert (numbers.setting(5.0), numbers.setting(0.5)) == ("5", "0.5")


def test_times_are_utc_wherever_they_come_from() -> None:
    at = datetime(2026, 11, 22, 14, 4, 11, tzinfo=timezone(timedelta(hours=2)))
    assert numbers.clock(at) == "12:04:11"


def test_an_age_is_how_long_ago_or_never() -> None:
    assert numbers.age(None, NOW) == "never"
    assert numbers.age(NOW - timedelta(seconds=41), NOW) == "41 s ago"
    assert numbers.age(NOW + timedelta(seconds=5), NOW) == "0.0 s ago"


@given(st.floats(0, 100), st.integers(1, 80))
def test_a_bar_never_leaves_its_place_and_some_is_never_none(share: float, width: int) -> None:
    drawn = numbers.bar(share, width)
    assert len(drawn) <= width
    assert bool(drawn) == (share > 0)


@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 80))
def test_a_larger_share_has_no_shorter_bar(one: float, other: float, width: int) -> None:
    small, large = sorted((one, other))
    assert len(numbers.bar(small, width)) <= len(numbers.bar(large, width))


@pytest.mark.parametrize(
    ("share", "drawn"), [(50, "██"), (100, "████"), (12.5, "▌"), (200, "████")]
)
def test_a_bar_is_drawn_in_eighths(share: float, drawn: str) -> None:
    assert numbers.bar(share, 4) == drawn
