"""One line between neighbours, titles on it, and nothing inside the panes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from abi_tui.dashboard import plans
from abi_tui.dashboard.frame import Box, Framed, Thumb, draw
from abi_tui.dashboard.paint import Ink, Span, width_of


def _text(width: int, height: int, panes: list[Framed]) -> list[str]:
    return ["".join(piece.text for piece in line) for line in draw(width, height, panes)]


def test_neighbours_share_a_line_and_its_corners_join() -> None:
    panes = [
        Framed(Box(1, 1, 9, 1), "left", (Span("0–9", Ink.DIM),)),
        Framed(Box(11, 1, 8, 1), "right"),
        Framed(Box(1, 3, 18, 2), "below", thumb=Thumb(1, 2)),
    ]
    assert _text(20, 6, panes) == [
        "╭─ left ──┬─ right ╮",
        "│         │        │",
        "├─ below ─┴────────┤",
        "│                  │",
        "│                  ┃",
        "╰──────────────────╯",
    ]


def test_only_the_frame_of_the_pane_in_focus_has_the_colour_of_focus() -> None:
    panes = [
        Framed(Box(1, 1, 6, 1), "a", focused=True),
        Framed(Box(1, 3, 6, 1), "b"),
    ]
    inks = [{piece.ink for piece in line} for line in draw(8, 5, panes)]
    assert Ink.ACCENT in inks[0] | inks[1] | inks[2]
    assert inks[3] | inks[4] == {Ink.FRAME}


def test_facts_go_where_they_do_not_fit_beside_the_title() -> None:
    facts = (Span("24 of 24", Ink.DIM),)
    assert "24 of 24" in _text(30, 3, [Framed(Box(1, 1, 28, 1), "routes", facts)])[0]
    assert "24 of 24" not in _text(16, 3, [Framed(Box(1, 1, 14, 1), "routes", facts)])[0]


def test_a_title_is_shown_as_it_is_whatever_it_holds() -> None:
    top = _text(40, 3, [Framed(Box(1, 1, 38, 1), "[/x] 世界")])[0]
    assert " [/x] 世界 " in top
    assert width_of((Span(top),)) == 40


@given(st.integers(1, 90), st.integers(1, 40))
def test_at_every_size_the_frame_leaves_the_panes_alone(width: int, height: int) -> None:
    boxes = plans.overview(width, height)
    panes = [Framed(box, name, (Span("1 of 2"),)) for name, box in boxes.items()]
    drawn = draw(width, height, panes)
    assert len(drawn) == height
    assert all(width_of(line) == width for line in drawn)
    for box in boxes.values():
        for y in range(box.y, box.bottom):
            row = "".join(piece.text for piece in drawn[y])
            assert not row[box.x : box.right].strip()
