"""The screens that tell of this machine: what is installed, and what the engine is.

What is installed is looked up once, in a thread: finding out takes a while and does not change.
"""

from __future__ import annotations

from abi_tui.dashboard import plans
from abi_tui.dashboard.screens.lists import Listing
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.widgets.text import TextPane
from abi_tui.dashboard.widgets.whole_list import WholeListPane
from abi_tui.views.detail import Detail
from abi_tui.views.engine import status_detail
from abi_tui.views.gateway_details import stats_detail
from abi_tui.views.table import Table

LOOKING = "looking it up"


def _tools() -> tuple[Listing, Detail]:
    from abi_engine.toolchain.status import status
    from abi_engine.toolchain.system_info import system_info
    from abi_tui.views.toolchain import system_info_detail, tools_table

    found = status()
    return Listing(tools_table(found), found), system_info_detail(system_info())


def _plugins() -> Listing:
    from abi_engine.plugins import installed
    from abi_tui.views.plugins import plugins_table

    found = installed()
    return Listing(plugins_table(found), found)


class ToolchainPage(Page):
    """The tools of this machine, and the machine."""

    views = ("toolchain.status", "system.info")

    def __init__(self) -> None:
        self.tools = WholeListPane(place="list", title="toolchain", flexible="enables")
        self.tools.same_as = "abi toolchain status"
        self.tools.help_text = "What ABI runs on: tools with their versions, and what is missing."
        self.text = TextPane(place="detail", title="system")
        super().__init__("toolchain", (self.tools, self.text), plans.beside)

    def on_mount(self) -> None:
        """Look it up."""
        self.tools.take(Table("toolchain.status", (), (), (), 0, LOOKING), ())
        self.dashboard.feed.run(_tools, self._show)

    def _show(self, found: tuple[Listing, Detail]) -> None:
        listing, detail = found
        self.tools.take(*listing)
        self.text.show_detail(detail)


class PluginsPage(Page):
    """The plugins that are installed."""

    views = ("plugins.list",)

    def __init__(self) -> None:
        self.plugins = WholeListPane(place="list", title="plugins", flexible="summary")
        self.plugins.same_as = "abi plugins list"
        self.plugins.help_text = "The installed plugins; none of them is imported to list it."
        super().__init__("plugins", (self.plugins,), plans.whole)

    def on_mount(self) -> None:
        """Look them up."""
        self.plugins.take(Table("plugins.list", (), (), (), 0, LOOKING), ())
        self.dashboard.feed.run(_plugins, lambda found: self.plugins.take(*found))


class EnginePage(Page):
    """The engine itself, and its gateway as a whole."""

    views = ("engine.status", "engine.served", "gateway.stats")

    def __init__(self) -> None:
        self.engine = TextPane(place="list", title="engine")
        self.engine.help_text = (
            "The process, where it can be reached and keeps its data, its features with their "
            "health, and what is wrong."
        )
        self.gateway = TextPane(place="below", title="gateway")
        self.gateway.help_text = "Everything that went through the gateway, in figures."
        super().__init__("engine", (self.engine, self.gateway), plans.halves)

    def fill(self, answer: object) -> None:  # noqa: ARG002 - reports have it all
        """From the report."""
        moment = self.dashboard.moment
        if moment is None:
            return
        self.engine.show_detail(status_detail(moment.report.engine))
        if moment.gateway is not None:
            self.gateway.show_detail(stats_detail(moment.gateway.stats, moment.report.at))
