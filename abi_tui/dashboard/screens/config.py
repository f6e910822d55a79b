"""The settings in force: their values, defaults and origins, and what each of them means."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.binding import BindingType

from abi_engine.config import DEFAULT, Setting, known_sections
from abi_tui.dashboard import plans
from abi_tui.dashboard.config import DashboardConfig
from abi_tui.dashboard.frame import Box
from abi_tui.dashboard.keys import SETTING, Key, bindings
from abi_tui.dashboard.paint import Ink, Line, Span
from abi_tui.dashboard.screens.lists import Listing, ListPage, Source
from abi_tui.dashboard.widgets.text import TextPane
from abi_tui.dashboard.widgets.whole_list import WholeListPane
from abi_tui.views.config import Variable, environment_table, setting_detail, settings_table
from abi_tui.views.detail import Detail, command_line
from abi_tui.views.table import Table

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi

SHOW = "abi config show --running --origin"


def kinds() -> Mapping[str, type[msgspec.Struct]]:
    """The struct of each section of the configuration."""
    return known_sections() | {"dashboard": DashboardConfig}


class SettingsPane(WholeListPane):
    """Settings, by section."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(SETTING)]
    keys: ClassVar[tuple[Key, ...]] = (*WholeListPane.keys, *SETTING)
    footer: ClassVar[tuple[str, ...]] = ("changed_only", "filter", "open")

    def __init__(self, *, place: str, title: str, flexible: str) -> None:
        super().__init__(place=place, title=title, flexible=flexible)
        self.changed_only = False
        self._all: tuple[Setting, ...] = ()

    def take(self, table: Table, objects: Sequence[object]) -> None:
        """Show settings, all of them or those that somebody set."""
        self._all = tuple(one for one in objects if isinstance(one, Setting))
        if not self.changed_only or not self._all:
            super().take(table, objects)
            return
        rows = tuple(one for one in self._all if one.origin != DEFAULT)
        shown = settings_table(rows)
        key = self.dashboard.key_for("changed_only")
        empty = f"every setting is at its default; {key} shows them"
        super().take(shown._replace(empty=empty), rows)

    def action_changed_only(self) -> None:
        """Only what somebody set, or everything."""
        self.changed_only = not self.changed_only
        self.take(settings_table(self._all), self._all)
        self.post_message(self.Chosen(self))

    def choose(self, key: str) -> None:
        """Put the cursor on a setting, whatever is shown now."""
        if self.changed_only and key not in self.table.keys:
            self.action_changed_only()
        super().choose(key)

    def command(self) -> str:
        """That of the chosen setting's section, with what is left out."""
        return f"{SHOW} --changed" if self.changed_only else SHOW

    def facts(self) -> Line:
        """Which of them are shown."""
        only = (Span("only what somebody set · ", Ink.DIM),) if self.changed_only else ()
        return (*only, *super().facts())

    @property
    def setting(self) -> Setting | None:
        """The chosen one."""
        chosen = self.object
        return chosen if isinstance(chosen, Setting) else None

    def row_detail(self) -> Detail:
        """The chosen setting with its meaning."""
        setting = self.setting
        return super().row_detail() if setting is None else setting_detail(setting, kinds())


def _settings(own: tuple[Setting, ...], engine: EngineApi) -> Listing:
    settings = (*engine.system.settings(), *own)
    return Listing(settings_table(settings), settings)


def settings_source(own: tuple[Setting, ...]) -> Source:
    """Where the settings come from: the engine, and the dashboard's own configuration."""
    return Source(
        "config", "config.settings", partial(_settings, own), "value", SHOW,
        "Every setting of the running engine and of this dashboard, its default, and where its "
        "value comes from; secrets are hidden.",
        SettingsPane, ("config.setting",),
    )  # fmt: skip


class ConfigPage(ListPage):
    """The settings, the chosen one, and the environment variables that set some here.

    Args:
        own: the settings of the dashboard itself.
        chosen: the setting that is chosen at first.
    """

    views = ("config.environment",)

    def __init__(self, own: tuple[Setting, ...] = (), chosen: str = "") -> None:
        self.text = TextPane(place="detail", title="setting")
        self.environment = WholeListPane(
            place="below", title="environment of this dashboard", flexible="value"
        )
        self.environment.same_as = "abi config env"
        self.environment.help_text = (
            "The variables that set something, as this dashboard and an engine that it starts "
            "see them. A variable that is not set leaves its setting to the file or the default."
        )
        super().__init__(settings_source(own))
        self._chosen = chosen

    def more(self) -> tuple[TextPane, WholeListPane]:
        """The chosen setting, and the environment."""
        return self.text, self.environment

    def plan(self) -> Callable[[int, int], Mapping[str, Box]]:
        """One above the other, and the chosen setting where there is room."""
        return plans.settings

    def fill(self, answer: object) -> None:
        """The settings as the engine has them, and the variables of their names."""
        super().fill(answer)
        if not isinstance(answer, Listing):
            return
        if self._chosen:
            self.list.choose(self._chosen)
            self._chosen = ""
        self.row_chosen()
        rows = (one.key for one in answer.objects if isinstance(one, Setting))
        keys = (("ABI_CONFIG", ""), ("ABI_DATA_DIR", ""), *map(_named, rows))
        found = [Variable(name, os.environ.get(name), key) for name, key in keys]
        found.sort(key=lambda variable: variable.value is None)
        self.environment.take(environment_table(found), [one._asdict() for one in found])

    def row_chosen(self) -> None:
        """The detail follows."""
        if self.list.object is not None:
            self.text.show_detail(self.list.row_detail())

    def command(self) -> str:
        """That of the detail beside the list, whose end says so; else that of the list."""
        setting = self.list.object
        if self.focused is self.list and self.text.size and isinstance(setting, Setting):
            return command_line("abi", "config", "show", setting.key, "--origin")
        return super().command()


def _named(key: str) -> tuple[str, str]:
    return f"ABI_{key.replace('.', '__').upper()}", key
