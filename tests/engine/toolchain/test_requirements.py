"""Requirements are read from metadata, and versions compared as the bounds say."""

from __future__ import annotations

import tomllib
from itertools import zip_longest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.toolchain.requirements import (
    Requirement,
    installed_version,
    parse,
    requirements,
    satisfies,
)

PROJECT = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("click>=8.5", Requirement("click", ">=8.5")),
        ("click", Requirement("click", "")),
        ("pytest<8.5,>=8.4; extra == 'dev'", Requirement("pytest", ">=8.4,<8.5", "dev")),
        ('falcon >=4 ; extra == "bench"', Requirement("falcon", ">=4", "bench")),
        ("pyright[nodejs]>=1.1.400; extra == 'dev'", Requirement("pyright", ">=1.1.400", "dev")),
    ],
)
def test_a_line_of_metadata_is_a_requirement(line: str, requirement: Requirement) -> None:
    assert parse(line) == requirement


def test_a_line_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="not a requirement: '@@'"):
        parse("@@")


def test_the_installed_metadata_asks_for_what_the_project_asks_for() -> None:
    needed = {parse(line) for line in PROJECT["dependencies"]}
    assert needed == {need for need in requirements() if not need.extra}


def test_a_distribution_that_is_not_there_has_no_version() -> None:
    assert installed_version("pytest").startswith("8.4")
    assert installed_version("no-such-distribution-anywhere") == ""


@pytest.mark.parametrize(
    ("version", "bounds", "answer"),
    [
        ("8.4.2", "", True),
        ("8.4.2", ">=8.4", True),
        ("8.4", ">=8.4.0", True),
        ("8.3.9", ">=8.4", False),
        ("8.10", ">=8.9", True),
        ("8.5", ">=8.4,<8.5", False),
        ("2.0rc1", ">=2", True),
        ("2.1", "!=2.1", False),
        ("2.1", "==2.1", True),
        ("unknown", ">=1", False),
    ],
)
def test_versions_are_compared_by_release(version: str, bounds: str, answer: bool) -> None:
    assert satisfies(version, bounds) is answer


releases = st.lists(st.integers(0, 30), min_size=1, max_size=4)


@given(releases, releases)
def test_exactly_one_of_less_equal_and_greater_holds(left: list[int], right: list[int]) -> None:
    version, other = (".".join(map(str, release)) for release in (left, right))
    pairs = list(zip_longest(left, right, fillvalue=0))
    first = next((a - b for a, b in pairs if a != b), 0)
    assert satisfies(version, f"<{other}") is (first < 0)
    assert satisfies(version, f"=={other}") is (first == 0)
    assert satisfies(version, f">{other}") is (first > 0)
