"""A click on a header orders every list that has columns; so does a key."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from abi_tui.dashboard.widgets.whole_list import WholeListPane
from tests.tui.dashboard.still import Still

pytestmark = pytest.mark.slow

Run = Callable[..., None]


def _pane(shown: Still) -> WholeListPane:
    panes = (pane for pane in shown.page.panes if isinstance(pane, WholeListPane))
    return next(panes)


def _column(pane: WholeListPane, key: str) -> int:
    return next(one.x for one in pane._placed if one.column.key == key)


def test_a_click_on_a_header_orders_turns_round_and_puts_back(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("2")
        pane = _pane(shown)
        given = pane.table.keys
        names = sorted(given)
        assert given != tuple(names)
        for expected in (tuple(names), tuple(reversed(names)), given):
            await shown.pilot.click(pane, offset=(_column(pane, "upstream"), 0))
            await shown.settle()
            assert pane.table.keys == expected
        assert "sort" not in shown.text.partition("breakers")[2].split("\n")[0]

    on_dashboard(test, size=(200, 60))


def test_figures_begin_with_the_largest(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("2")
        pane = _pane(shown)
        await shown.pilot.click(pane, offset=(_column(pane, "breaker.failures"), 0))
        await shown.settle()
        figures = [one.breaker.failures for one in pane.objects]  # type: ignore[attr-defined]
        assert figures == sorted(figures, reverse=True)
        assert len(set(figures)) > 1
        assert "sort failures ↓" in shown.text

    on_dashboard(test, size=(200, 60))


def test_the_key_goes_through_the_columns_and_back(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("2")
        pane = _pane(shown)
        pane.focus()
        given = pane.table.keys
        for column in pane.table.columns:
            await shown.press("s")
            assert pane.sort == column.title
            assert sorted(pane.table.keys) == sorted(given)
        await shown.press("s")
        assert (pane.sort, pane.table.keys) == ("", given)

    on_dashboard(test, size=(200, 60))
