"""Where one is: places, breadcrumbs, going there and coming back."""

from __future__ import annotations

from collections.abc import Callable

from textual.screen import Screen

from abi_engine.core.text import safe
from abi_tui.dashboard.core import Core
from abi_tui.dashboard.places import BY_NAME, DIGITS
from abi_tui.dashboard.screens.config import ConfigPage
from abi_tui.dashboard.screens.detail import DetailPage
from abi_tui.dashboard.screens.features import FeaturesPage
from abi_tui.dashboard.screens.gateway import GatewayPage
from abi_tui.dashboard.screens.lists import KEYS, LIMITS, WORKERS, EventsPage, ListPage
from abi_tui.dashboard.screens.logs import LogsPage
from abi_tui.dashboard.screens.machine import EnginePage, PluginsPage, ToolchainPage
from abi_tui.dashboard.screens.modal import JumpScreen
from abi_tui.dashboard.screens.overview import OverviewPage
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.widgets.table import ListPane
from abi_tui.views.gateway import route_name, split_route_key

PAGES: dict[str, Callable[[], Page]] = {
    "overview": OverviewPage,
    "gateway": GatewayPage,
    "engine": EnginePage,
    "limits": lambda: ListPage(LIMITS),
    "keys": lambda: ListPage(KEYS),
    "workers": lambda: ListPage(WORKERS),
    "events": EventsPage,
    "logs": LogsPage,
    "config": ConfigPage,
    "features": FeaturesPage,
    "toolchain": ToolchainPage,
    "plugins": PluginsPage,
}


def page_for(name: str) -> Page:
    """The page of a place, made anew."""
    place = BY_NAME[name]
    if name in PAGES:
        return PAGES[name]()
    return FeaturesPage(place.name, place.feature)


TILES = ("rate", "p99", "errors", "", "breakers")


class Journey(Core):
    """Going from place to place. The overview is at the bottom; a page is in the way once."""

    def get_default_screen(self) -> Screen[object]:
        """The overview."""
        return OverviewPage()  # type: ignore[return-value]  # screens that return nothing

    def go(self, name: str) -> None:
        """Go to a place, from the overview; back to it, if one came through it."""
        for page in [page for page in self.screen_stack if isinstance(page, Page)]:
            if page.crumb == name:
                self.back_to(page)
                return
        self.back_to(self.bottom)
        self.push_screen(self._page_for(name))

    def _page_for(self, name: str) -> Page:
        return ConfigPage(self.settings.own) if name == "config" else page_for(name)

    def show_setting(self, key: str) -> None:
        """The settings, and one of them chosen."""
        self.back_to(self.bottom)
        self.push_screen(ConfigPage(self.settings.own, key))

    def show_feature(self, name: str) -> None:
        """The features, and one of them chosen."""
        self.back_to(self.bottom)
        self.push_screen(FeaturesPage("features", name))

    def show_events(self, words: str) -> None:
        """What happened, narrowed to what has these letters."""
        self.back_to(self.bottom)
        self.push_screen(EventsPage(words))

    def show_tile(self, index: int) -> None:
        """The list that a figure of the overview is made of, in its order."""
        wanted = TILES[index]
        self.go("gateway" if wanted else "limits")
        page = self.page
        if not isinstance(page, GatewayPage):
            return
        if wanted == "breakers":
            page.breakers.focus()
        else:
            page.routes.focus()
            page.routes.sort_by(wanted)

    @property
    def bottom(self) -> Page:
        """The overview, which every place is one step from."""
        return next(page for page in self.screen_stack if isinstance(page, Page))

    def back_to(self, page: Page) -> None:
        """Leave everything that came after a page."""
        while self.screen is not page:
            self.pop_screen()

    def show_route(self, key: str) -> None:
        """Everything about a route."""
        path, method = split_route_key(key)
        self.push_screen(DetailPage(route_name(path, (method,) if method else ()), route=key))

    def show_upstream(self, upstream: str) -> None:
        """Everything about an upstream."""
        self.push_screen(DetailPage(safe(upstream), upstream=upstream))

    def leave_page(self) -> bool:
        """Go back one page; tell whether there was one to go to."""
        if len(self.crumbs) <= 1:
            return False
        self.pop_screen()
        return True

    def leave_filter(self) -> bool:
        """Leave the filter in focus; tell whether there was one."""
        pane = self.focused
        return isinstance(pane, ListPane) and pane.clear()

    def action_digit(self, digit: str) -> None:
        """Go to a place by its number."""
        self.go(DIGITS[digit].name)

    def action_jump(self) -> None:
        """Ask for a letter, and go there."""

        def go(name: str | None) -> None:
            if name is not None:
                self.go(name)

        self.push_screen(JumpScreen(), go)
