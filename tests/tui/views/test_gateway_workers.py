"""The table of worker processes."""

from __future__ import annotations

from abi_engine.features.gateway.api import WorkerState, WorkerStats
from abi_tui.views.gateway_workers import workers_table
from abi_tui.views.table import Tone


def test_a_worker_is_told_with_its_process_and_what_it_does() -> None:
    first = WorkerStats(0, 4242, WorkerState.SERVING, 3_725.0, 81_204, 41)
    second = WorkerStats(1, 4343, WorkerState.STARTING, 0.2, 0, 0)
    table = workers_table([first, second])
    serving, starting = table.rows
    assert [cell.text for cell in serving[:3]] == ["● serving", "0", "4242"]
    assert serving[4].text == "41"
    assert starting[0].tone is Tone.WARN
    assert table.keys == ("0", "1")


def test_an_engine_without_workers_says_how_to_have_some() -> None:
    table = workers_table(())
    assert table.rows == ()
    assert "workers = 2" in table.empty


def test_every_state_has_its_words() -> None:
    for state in WorkerState:
        (row,) = workers_table([WorkerStats(0, 1, state, 0.0, 0, 0)]).rows
        assert state.value in row[0].text
