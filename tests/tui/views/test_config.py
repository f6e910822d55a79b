"""Settings with their meaning."""

from __future__ import annotations

from abi_engine.config import EngineConfig, Setting, known_sections
from abi_tui.views.config import setting_detail
from abi_tui.views.detail import Detail

KINDS = known_sections()


def told(detail: Detail) -> dict[str, str]:
    return {line.label: line.cell.text for line in detail.lines}


def test_a_setting_has_its_meaning_type_bounds_and_variable() -> None:
    setting = Setting("engine.history", 60, 900, "file abi.toml:3")
    detail = setting_detail(setting, KINDS)
    assert told(detail) == {
        "value": "60",
        "default": "900",
        "from": "file abi.toml:3",
        "meaning": "for how long reports are kept, one a second",
        "type": "int",
        "bounds": "≥ 0, ≤ 86400",
        "variable": "ABI_ENGINE__HISTORY",
    }
    assert detail.same_as == "abi config show engine.history --origin"


def test_a_deep_setting_and_a_choice_are_described() -> None:
    deep = told(setting_detail(Setting("gateway.breaker.reset_timeout", 1.0, 2.0, "x"), KINDS))
    assert "not described" not in deep["meaning"]
    assert deep["type"] == "float"
    level = told(setting_detail(Setting("engine.log_level", "info", "info", "default"), KINDS))
    assert level["bounds"] == "debug, info, warning, error"
    switch = told(setting_detail(Setting("features.gateway", True, True, "default"), KINDS))
    assert (switch["type"], "gateway" in switch["meaning"]) == ("bool", True)


def test_every_setting_of_the_engine_is_described() -> None:
    for setting in EngineConfig().settings():
        lines = told(setting_detail(setting, KINDS))
        assert lines["meaning"] not in ("", "not described"), setting.key
        assert lines["type"] != "–", setting.key


def test_a_setting_that_nobody_knows_is_shown_all_the_same() -> None:
    lines = told(setting_detail(Setting("gone.with.the", "wind", "", "flag"), KINDS))
    assert (lines["meaning"], lines["type"], lines["bounds"]) == ("not described", "–", "none")
