from __future__ import annotations

import pytest

from abi_engine.core.errors import Severity
from abi_engine.core.events import Event
from abi_engine.core.feature import Health, State
from abi_engine.plugins import Plugin
from abi_engine.system import LogLine
from abi_engine.toolchain.status import Status, Tool
from abi_tui.views import engine, events, logs, plugins, toolchain
from abi_tui.views.config import Variable, environment_table, settings_table, value_text
from abi_tui.views.table import Cell, Tone
from tests.tui.views.reports import NOW, feature, gateway_report, gateway_stats, status


def test_the_status_has_how_long_it_is_up_and_what_it_takes() -> None:
    lines = {line.label: line.cell.text for line in engine.status_detail(status()).lines}
    assert lines["engine"] == "● running"
    assert lines["up"] == "0:12:41"
    assert lines["memory"] == "12.1 MiB"
    assert lines["admin"] == "none"
    assert lines["gateway"] == "● accepts connections"


def test_trouble_is_part_of_the_status() -> None:
    found = engine.status_detail(status(trouble=("no port",)))
    assert found.lines[-1].cell == Cell("no port", Tone.BAD)


@pytest.mark.parametrize(
    ("facts", "cell"),
    [
        ({"built": False}, Cell("planned", Tone.DIM)),
        ({"enabled": False}, Cell("– off: abi features enable gateway", Tone.DIM)),
        (
            {"state": State.CREATED, "health": None},
            Cell("● ready, starts when used", Tone.OK),
        ),
        ({"state": State.FAILED, "health": None}, Cell("○ FAILED", Tone.BAD)),
        ({"state": State.STOPPING, "health": None}, Cell("◐ stopping", Tone.WARN)),
        ({"health": Health(False, "no socket", NOW)}, Cell("○ SICK no socket", Tone.BAD)),
        ({"health": Health(True, "works", NOW, 8.0)}, Cell("● works, 8.0 s ago", Tone.OK)),
    ],
)
def test_a_feature_says_what_it_does_now(facts: dict[str, object], cell: Cell) -> None:
    assert engine.feature_cell(feature(**facts)) == cell


def test_features_have_a_row_each() -> None:
    table = engine.features_table([feature(), feature("cache", built=False, health=None)])
    assert [row[1].text for row in table.rows] == ["● running", "planned"]
    assert table.keys == ("gateway", "cache")


def test_what_is_wrong_with_the_engine_comes_before_the_gateway() -> None:
    gateway = gateway_report(gateway_stats(breakers_open=1))
    cells = engine.trouble_cells(status(trouble=("no disk",)), gateway)
    assert [cell.text for cell in cells] == ["▲ no disk", "▲ 1 breaker open"]
    assert engine.trouble_cells(status(), None) == ()


def test_an_event_has_its_time_source_and_words_and_no_kind_that_repeats_them() -> None:
    event = Event(7, NOW, "gateway", "breaker_opened", "up", severity=Severity.WARNING)
    table = events.events_table([event])
    assert [cell.text for cell in table.rows[0]] == [
        "12:04:11",
        "gateway",
        "up",
    ]
    assert table.rows[0][2].tone is Tone.WARN
    assert table.keys == ("7",)


def test_a_log_line_has_the_tone_of_its_level() -> None:
    line = LogLine(NOW, "error", "abi_engine.service", "broke")
    row = logs.logs_table([line]).rows[0]
    assert [cell.text for cell in row] == ["12:04:11", "error", "service", "broke"]
    assert row[1].tone is Tone.BAD
    assert row[3].tone is Tone.PLAIN


def test_a_tool_that_is_missing_says_what_brings_it() -> None:
    tool = Tool("glslc", "", "", Status.MISSING, "shaders", "apt-get install glslc")
    row = toolchain.tools_table([tool]).rows[0]
    assert row[0] == Cell("○ MISSING", Tone.BAD)
    assert row[5].text == "apt-get install glslc"


def test_every_standing_of_a_tool_has_a_shape() -> None:
    for standing in Status:
        tool = Tool("x", "1", "", standing, "", "")
        assert toolchain.tools_table([tool]).rows[0][0].text[0] in "●◐○–"


def test_a_plugin_has_a_row() -> None:
    table = plugins.plugins_table([Plugin("p", "abi-p", "1.0", "does p", "p:plugin")])
    assert [cell.text for cell in table.rows[0]] == ["– off", "p", "1.0", "abi-p", "does p"]
    assert "abi.plugins" in plugins.plugins_table([]).empty


def test_a_setting_that_somebody_set_stands_out() -> None:
    from abi_engine.config import Setting

    rows = [Setting("a.b", 1, 1, "default"), Setting("a.c", "x", "", "flag a.c")]
    table = settings_table(rows)
    assert [row[1].tone for row in table.rows] == [Tone.DIM, Tone.STRONG]
    assert [cell.text for cell in table.rows[1]] == ["a.c", '"x"', '""', "flag a.c"]
    assert len(settings_table(rows, origin=False).rows[0]) == 2


def test_a_value_is_written_as_in_the_file() -> None:
    assert value_text(True) == "true"
    assert value_text(["a", 1]) == '["a", 1]'
    assert value_text("\x1b[2J") == '"\\u001b[2J"'


def test_a_variable_that_is_not_set_is_told_from_one_that_is_empty() -> None:
    table = environment_table([Variable("A", None, "a"), Variable("B", "", "b")])
    assert [row[1].text for row in table.rows] == ["–", ""]


def test_a_line_of_the_log_is_told_whole_and_safely() -> None:
    said = LogLine(NOW, "warning", "abi_engine.gateway", "first\nsecond \x1b[2J" + "x" * 5000)
    detail = logs.log_detail(said)
    shown = {line.label: line.cell.text for line in detail.lines}
    assert shown["at"] == "2026-11-22 12:04:11.000 UTC"
    assert shown["logger"] == "abi_engine.gateway"
    assert shown["message"].startswith("first\nsecond ")
    assert "\x1b" not in shown["message"]
    assert shown["message"].endswith("x" * 5000)


def test_a_level_that_nobody_knows_is_as_bad_as_can_be() -> None:
    ranks = [logs.level_rank(level) for level in ("debug", "INFO", "warning", "error", "critical")]
    assert ranks == [0, 1, 2, 3, 3]
