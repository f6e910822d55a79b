"""Settings with their meaning, and nothing of a secret."""

from __future__ import annotations

import pytest

from abi_engine.config import EngineConfig, Setting, known_sections
from abi_tui.views.config import (
    HIDDEN,
    Variable,
    environment_table,
    setting_detail,
    settings_table,
    value_text,
)
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


@pytest.mark.parametrize(
    "name",
    ["Authorization", "cookie", "password", "client_secret", "sha256", "api_key", "X-API-Key",
     "token", "bot-token"],
)  # fmt: skip
def test_a_secret_is_hidden_however_deep_it_lies(name: str) -> None:
    value = [{"path": "/a", "request_headers": {"set": {name: "s3cr3t"}}}]
    assert "s3cr3t" not in value_text(value)
    assert HIDDEN in value_text(value)
    row = settings_table([Setting(f"a.{name}", "s3cr3t", "", "file")]).rows[0]
    assert "s3cr3t" not in " ".join(cell.text for cell in row)
    variable = environment_table([Variable(f"ABI_A__{name.upper()}", "s3cr3t", f"a.{name}")])
    assert "s3cr3t" not in variable.rows[0][1].text


@pytest.mark.parametrize("name", ["token_file", "key", "keys", "header", "tokens"])
def test_what_only_sounds_like_a_secret_is_shown(name: str) -> None:
    assert "visible" in value_text({name: "visible"})


def test_a_secret_that_is_not_set_is_seen_to_be_not_set() -> None:
    assert value_text({"password": ""}) == '{"password": ""}'
