"""Which pane is where, for every size of terminal. Pure.

Where room is short graphs go first, then the detail, then the events; the list stays.
"""

from __future__ import annotations

from collections.abc import Mapping

from abi_tui.dashboard.frame import Box

TILES = 5
TILES_FROM_COLUMNS = 30
DETAIL_FROM_COLUMNS = 150
TRACE_FROM_ROWS = 32
TRACE_FROM_COLUMNS = 100
EVENTS_FROM_ROWS = 21
FACTS = 2


def overview(width: int, height: int) -> Mapping[str, Box]:
    """Tiles above, the list, the detail at its right, and the events below."""
    plan: dict[str, Box] = {}
    y = 1
    if height >= 10 and width >= TILES_FROM_COLUMNS:
        tall = FACTS + _trace_rows(width, height)
        plan |= {f"tile{i}": box for i, box in enumerate(_columns(width, y, tall))}
        y += tall + 1
    events = _event_rows(height)
    bottom = height - 1
    if events:
        plan["events"] = Box(1, bottom - events, max(width - 2, 0), events)
        bottom -= events + 1
    return plan | _list_and_detail(width, y, bottom)


def gateway(upstreams: int, width: int, height: int) -> Mapping[str, Box]:
    """The routes above the breakers, and the detail at their right.

    Args:
        upstreams: how many there are; they get the room they need, and at most a third.
        width: of the page.
        height: of the page.
    """
    bottom = height - 1
    if height < 12:
        return _list_and_detail(width, 1, bottom)
    breakers = max(3, min(height // 3, upstreams + 1))
    plan = dict(_list_and_detail(width, 1, bottom - breakers - 1))
    inside = plan["list"].width
    plan["breakers"] = Box(1, bottom - breakers, inside, breakers)
    if "detail" in plan:
        plan["detail"] = plan["detail"]._replace(height=max(bottom - 1, 0))
    return plan


def whole(width: int, height: int) -> Mapping[str, Box]:
    """One pane."""
    return {"list": Box(1, 1, max(width - 2, 0), max(height - 2, 0))}


def beside(width: int, height: int) -> Mapping[str, Box]:
    """A list and, below it or from 150 columns at its right, what it means."""
    if width >= DETAIL_FROM_COLUMNS:
        return _list_and_detail(width, 1, height - 1)
    text = max(min(height // 2, height - 8), 0)
    inside = max(width - 2, 0)
    if text < 3:
        return whole(width, height)
    bottom = height - 1
    return {
        "list": Box(1, 1, inside, bottom - text - 2),
        "detail": Box(1, bottom - text, inside, text),
    }


def above(width: int, height: int) -> Mapping[str, Box]:
    """A list above another; where room is short only the first."""
    inside, bottom = max(width - 2, 0), height - 1
    if height < 14:
        return whole(width, height)
    below = (height - 3) * 2 // 5
    return {
        "list": Box(1, 1, inside, bottom - below - 2),
        "below": Box(1, bottom - below, inside, below),
    }


def settings(width: int, height: int) -> Mapping[str, Box]:
    """A list above another, and from 150 columns what the chosen row means at the right."""
    if width < DETAIL_FROM_COLUMNS or height < 14:
        return above(width, height)
    bottom = height - 1
    below = (height - 3) // 4
    plan = _list_and_detail(width, 1, bottom - below - 1)
    return {**plan, "below": Box(1, bottom - below, max(width - 2, 0), below)}


def halves(width: int, height: int) -> Mapping[str, Box]:
    """Two texts, beside each other where there is room."""
    if width < TRACE_FROM_COLUMNS:
        return above(width, height)
    left, tall = (width - 3) // 2, max(height - 2, 0)
    return {"list": Box(1, 1, left, tall), "below": Box(left + 2, 1, width - 3 - left, tall)}


def stacked(rows: int, width: int, height: int) -> Mapping[str, Box]:
    """A text above a list of so many rows, which gets at most a quarter."""
    below = max(2, min(height // 4, rows + 1))
    if height < 12:
        return {"detail": Box(1, 1, max(width - 2, 0), max(height - 2, 0))}
    bottom = height - 1
    inside = max(width - 2, 0)
    return {
        "detail": Box(1, 1, inside, bottom - below - 2),
        "list": Box(1, bottom - below, inside, below),
    }


def _list_and_detail(width: int, top: int, bottom: int) -> dict[str, Box]:
    tall = max(bottom - top, 0)
    if width < DETAIL_FROM_COLUMNS:
        return {"list": Box(1, top, max(width - 2, 0), tall)}
    right = max(62, width * 2 // 5)
    left = width - 3 - right
    return {"list": Box(1, top, left, tall), "detail": Box(left + 2, top, right, tall)}


def _trace_rows(width: int, height: int) -> int:
    if height < TRACE_FROM_ROWS or width < TRACE_FROM_COLUMNS:
        return 0
    return min(4 + (height - TRACE_FROM_ROWS) // 8, 7)


def _event_rows(height: int) -> int:
    return 0 if height < EVENTS_FROM_ROWS else min(max(height // 7, 3), 9)


def _columns(width: int, top: int, tall: int) -> list[Box]:
    """Equal columns with a line between them; what does not divide goes to the first ones."""
    room = max(width - TILES - 1, 0)
    share, rest = divmod(room, TILES)
    boxes, x = [], 1
    for index in range(TILES):
        wide = share + (index < rest)
        boxes.append(Box(x, top, wide, tall))
        x += wide + 1
    return boxes
