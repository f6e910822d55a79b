"""The figures that the soak goes by are those that are there."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.engine.features.gateway.mixed.figures import Held, descriptors, resident, slope, threads


def test_the_slope_of_a_line_is_found_whatever_swings_about_it() -> None:
    swinging = [(float(at), 7 + 3 * at + (5, -5)[at % 2]) for at in range(1000)]
    assert slope([(at, 7 + 3 * at) for at in (1.0, 2.0, 4.0)]) == pytest.approx(3)
    assert slope(swinging) == pytest.approx(3, abs=0.01)
    assert slope([(1.0, 5.0), (2.0, 5.0)]) == 0


def test_more_of_anything_is_not_within() -> None:
    before = Held(10, 5, 3)
    assert before.within(before)
    assert Held(9, 5, 0).within(before)
    assert not Held(11, 5, 3).within(before)
    assert not Held(10, 6, 3).within(before)
    assert not Held(10, 5, 4).within(before)


def test_what_a_process_holds_is_seen_from_outside(tmp_path: Path) -> None:
    pid, over = os.getpid(), Event()
    files, running = descriptors(pid), threads(pid)
    thread = Thread(target=over.wait)
    thread.start()
    with (tmp_path / "file").open("w"):
        assert (descriptors(pid), threads(pid)) == (files + 1, running + 1)
    over.set()
    thread.join(10)
    assert resident(pid) > 1 << 20
