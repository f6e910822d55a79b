from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from abi_tui.cli.moments import Moment


@pytest.mark.parametrize(
    ("text", "seconds"), [("-5m", -300.0), ("-90s", -90.0), ("-2h", -7200.0), ("-1d", -86_400.0)]
)
def test_a_time_ago_is_negative_seconds(text: str, seconds: float) -> None:
    assert Moment().convert(text, None, None) == seconds


def test_a_time_with_a_zone_is_that_moment() -> None:
    at = datetime(2026, 11, 22, 12, 4, 11, tzinfo=UTC)
    assert Moment().convert("2026-11-22T12:04:11Z", None, None) == at.timestamp()
    assert Moment().convert("2026-11-22T13:04:11+01:00", None, None) == at.timestamp()


def test_a_time_without_a_zone_is_utc() -> None:
    at = datetime(2026, 11, 22, 12, 4, 11, tzinfo=UTC)
    assert Moment().convert("2026-11-22T12:04:11", None, None) == at.timestamp()


@pytest.mark.parametrize("text", ["-5", "-5x", "-", "--5m", "-0s", "-1e3s", "yesterday", "", "5m"])
def test_what_is_no_moment_is_refused_with_two_that_are(text: str) -> None:
    with pytest.raises(click.BadParameter, match="neither like -5m nor like"):
        Moment().convert(text, None, None)
