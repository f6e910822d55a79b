"""Every size of terminal has a plan: nothing is refused, nothing overlaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abi_tui.dashboard import plans
from abi_tui.dashboard.frame import Box

Plan = Callable[[int, int], Mapping[str, Box]]
PLANS: dict[str, Plan] = {
    "overview": plans.overview,
    "gateway": partial(plans.gateway, 3),
    "gateway_many": partial(plans.gateway, 200),
    "whole": plans.whole,
    "beside": plans.beside,
    "above": plans.above,
    "halves": plans.halves,
    "stacked": partial(plans.stacked, 2),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS.keys())
@given(width=st.integers(1, 250), height=st.integers(1, 80))
def test_panes_are_inside_and_apart(plan: Plan, width: int, height: int) -> None:
    boxes = list(plan(width, height).values())
    assert boxes
    for box in boxes:
        assert box.width >= 0
        assert box.height >= 0
        if width >= 3 and height >= 3:
            assert box.x >= 1
            assert box.right <= width - 1
            assert box.y >= 1
            assert box.bottom <= height - 1
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            apart = (
                one.right < other.x
                or other.right < one.x
                or one.bottom < other.y
                or other.bottom < one.y
            )
            assert apart or not (one.width and one.height and other.width and other.height)


def test_the_detail_appears_at_150_columns() -> None:
    assert "detail" not in plans.overview(149, 40)
    assert "detail" in plans.overview(150, 40)


def test_graphs_go_first_then_events_and_the_list_stays() -> None:
    large, small = plans.overview(120, 40), plans.overview(120, 24)
    assert large["tile0"].height > plans.FACTS
    assert small["tile0"].height == plans.FACTS
    assert small["events"].height >= 3
    tiny = plans.overview(60, 18)
    assert "events" not in tiny
    assert tiny["list"].height >= 12


def test_the_tiles_are_in_the_same_places_with_and_without_graphs() -> None:
    for width in (60, 80, 120, 200):
        low, high = plans.overview(width, 20), plans.overview(width, 60)
        for name in (f"tile{index}" for index in range(plans.TILES)):
            assert low[name][:3] == high[name][:3]
            assert low[name].width >= 10
