"""The page of limits has every one that the code has, with a reason, and is of today."""

from __future__ import annotations

import pytest

from docs import limits


@pytest.mark.parametrize("part", limits.PARTS, ids=lambda part: part.title)
def test_every_limit_has_a_reason(part: limits.Part) -> None:
    missing = [key for key, _ in limits.settings(part) if not limits.REASONS.get(key)]
    assert missing == []


def test_no_reason_is_left_of_a_limit_that_is_gone() -> None:
    known = {key for part in limits.PARTS for key, _ in limits.settings(part)}
    assert limits.REASONS.keys() - known == set()


def test_the_page_is_current() -> None:
    assert limits.FILE.read_text() == limits.limits_page(), "run make docs"


@pytest.mark.parametrize(
    ("value", "name", "words"),
    [
        (16 << 10, "header_size", "16 KiB"),
        (1500, "header_size", "1500 bytes"),
        (1 << 10, "body_rate", "1 KiB/s"),
        (30.0, "pool_idle", "30 s"),
        (64, "pool_size", "64"),
        (20_000, "connections", "20 000"),
        (None, "slow_call", "off"),
        (0.1, "jitter", "0.1"),
        ((502, 503), "statuses", "502, 503"),
    ],
)
def test_a_value_has_its_unit(value: object, name: str, words: str) -> None:
    assert limits.value_words(value, name) == words
