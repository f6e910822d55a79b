"""The settings in force, what they mean, and no secret."""

from __future__ import annotations

from collections.abc import Callable

from abi_engine.config import Setting
from abi_tui.dashboard.core import Settings
from abi_tui.dashboard.screens.config import ConfigPage, SettingsPane
from abi_tui.dashboard.screens.modal import HelpScreen
from tests.tui.dashboard.canned import CannedEngine
from tests.tui.dashboard.still import Still

Run = Callable[..., None]
OWN = (Setting("dashboard.theme", "day", "", "file /etc/abi.toml:40"),)
CONFIG = Settings(screen="config", own=OWN)


def _pane(shown: Still) -> SettingsPane:
    assert isinstance(shown.page, ConfigPage)
    assert isinstance(shown.page.list, SettingsPane)
    return shown.page.list


def test_every_setting_has_its_value_default_and_origin(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        row = next(row for row in shown.text.splitlines() if "service.admin_port" in row)
        words = row.strip("│┃ ").split()
        assert words == ["service.admin_port", "9191", "9090", "environment",
                         "ABI_SERVICE__ADMIN_PORT"]  # fmt: skip
        assert "dashboard.theme" in shown.text

    on_dashboard(test, settings=CONFIG)


def test_o_shows_only_what_somebody_set(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        total = _pane(shown).table.total
        await shown.press("o")
        assert "only what somebody set" in shown.text
        assert _pane(shown).table.keys == (
            "gateway.keys", "gateway.breaker.reset_timeout", "service.admin_port",
            "dashboard.theme",
        )  # fmt: skip
        await shown.tell()
        assert _pane(shown).table.total == 4
        await shown.press("y")
        assert shown.app.clipboard == "abi config show --running --origin --changed"
        await shown.press("o")
        assert _pane(shown).table.total == total

    on_dashboard(test, settings=CONFIG)


def test_where_nothing_was_set_it_says_so(on_dashboard: Run) -> None:
    engine = CannedEngine()
    engine.system.settings = lambda: (Setting("a.b", 1, 1, "default"),)  # type: ignore[method-assign]

    async def test(shown: Still) -> None:
        await shown.press("o")
        assert "every setting is at its default; o shows them" in shown.text

    on_dashboard(test, engine, settings=Settings(screen="config"))


def test_enter_says_what_a_setting_means(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("enter")
        assert isinstance(shown.app.screen, HelpScreen)
        assert "for how long reports are kept, one a second" in shown.text
        assert "≥ 0, ≤ 86400" in shown.text
        assert "same as:  abi config show engine.history --origin" in shown.text

    on_dashboard(test, settings=CONFIG, size=(80, 24))


def test_the_meaning_stands_beside_the_list_where_there_is_room(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert "for how long reports are kept" in shown.text
        await shown.press("j", "j")
        assert "ABI_GATEWAY__PORT" in shown.text
        await shown.press("y")
        assert shown.app.clipboard == "abi config show gateway.port --origin"

    on_dashboard(test, settings=CONFIG, size=(200, 60))


def test_what_the_engine_hides_is_seen_to_be_hidden(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        assert "gateway.keys" in shown.text
        await shown.press("slash", *"gateway.keys", "enter", "enter")
        assert "<hidden>" in shown.text

    on_dashboard(test, settings=CONFIG)


def test_the_filter_finds_by_name_value_and_origin(on_dashboard: Run) -> None:
    async def test(shown: Still) -> None:
        await shown.press("slash", *"environment", "enter")
        assert _pane(shown).table.keys == ("service.admin_port",)

    on_dashboard(test, settings=CONFIG)
