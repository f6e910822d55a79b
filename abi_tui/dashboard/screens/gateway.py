"""The gateway: its routes, its breakers, and everything about the one that is chosen."""

from __future__ import annotations

from collections.abc import Mapping

from abi_tui.dashboard import plans
from abi_tui.dashboard.feed import Query
from abi_tui.dashboard.frame import Box
from abi_tui.dashboard.screens.overview import ask_routes, show_routes
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.widgets.breakers import BreakersPane
from abi_tui.dashboard.widgets.detail import DetailPane
from abi_tui.dashboard.widgets.routes import RoutesPane


class GatewayPage(Page):
    """Routes and breakers."""

    views = (
        "gateway.routes",
        "gateway.breakers",
        "gateway.route",
        "gateway.breaker",
        "gateway.match",
        "gateway.test",
    )

    def __init__(self) -> None:
        self.routes = RoutesPane()
        self.breakers = BreakersPane(place="breakers")
        self.detail = DetailPane()
        super().__init__("gateway", (self.routes, self.breakers, self.detail), self._plan)
        self._about_breaker = False
        self._rows = 0

    def _plan(self, width: int, height: int) -> Mapping[str, Box]:
        return plans.gateway(self._rows, width, height)

    def asks(self) -> Query | None:
        """The window of the routes and the detail, as far as reports lack them."""
        return ask_routes(self.routes, self.detail)

    def command(self) -> str:
        """That of the detail beside the lists, whose end says so; else that of the list."""
        beside = self.focused in (self.routes, self.breakers) and self.detail.size
        return (beside and self.detail.command()) or super().command()

    def row_chosen(self) -> None:
        """The detail follows, where it is shown."""
        if self.detail.size:
            self.fill(None)
            self.dashboard.ask_page()

    def fill(self, answer: object) -> None:
        """Everything from the report."""
        show_routes(self.routes, self.detail, answer)
        moment = self.dashboard.moment
        gateway = moment.gateway if moment else None
        upstreams = gateway.upstreams if gateway else ()
        self.breakers.show(upstreams)
        if len(upstreams) != self._rows:
            self._rows = len(upstreams)
            self.deck.replan()
        if self._about_breaker and moment is not None:
            self.detail.show_upstream(self.breakers.upstream, moment.report.at)

    def on_descendant_focus(self) -> None:
        """The detail is about the list in focus."""
        if self.focused in (self.routes, self.breakers):
            self._about_breaker = self.focused is self.breakers
            self.fill(None)
