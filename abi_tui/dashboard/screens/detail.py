"""One route or one upstream, where the screen is too narrow to show it beside its list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from abi_engine.core.errors import AbiError
from abi_engine.features.gateway.api import GatewayReport, RouteDetail, RouteStats, UpstreamStats
from abi_tui.dashboard import plans
from abi_tui.dashboard.feed import Query
from abi_tui.dashboard.frame import Box
from abi_tui.dashboard.keys import BREAKER, ROUTE, bindings
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.widgets.breakers import BreakersPane
from abi_tui.dashboard.widgets.detail import DetailPane
from abi_tui.views.gateway import route_key, split_route_key

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi


class DetailPage(Page):
    """A route with its breakers, or one breaker.

    Args:
        crumb: its name, safe to show.
        route: the key of the route; None for an upstream.
        upstream: the upstream; None for a route.
    """

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(BREAKER), *bindings(ROUTE)]
    views = ("gateway.route", "gateway.breaker", "gateway.breakers")

    def __init__(
        self, crumb: str, *, route: str | None = None, upstream: str | None = None
    ) -> None:
        self.detail = DetailPane()
        self.breakers = BreakersPane(place="list")
        super().__init__(crumb, (self.detail, self.breakers), self._plan)
        self._rows = 0
        self.route = route
        self.upstream = upstream
        self.stats: RouteStats | None = None
        self.keys = (*BREAKER, *(ROUTE if route is not None else ()))
        self.footer = ("test_route", "switch_route") if route is not None else ()
        self._upstreams: frozenset[str] = frozenset({upstream} if upstream else ())

    def _plan(self, width: int, height: int) -> Mapping[str, Box]:
        return plans.stacked(self._rows, width, height)

    def on_screen_resume(self) -> None:
        """The breakers have the keys that do something; a small screen has only the text."""
        if self.focused is None:
            (self.breakers if self.breakers.allow_focus() else self.detail).focus()

    def command(self) -> str:
        """That of the detail, whose end says so."""
        return self.detail.command()

    def asks(self) -> Query | None:
        """The route."""
        if self.route is None:
            return None
        path, method = split_route_key(self.route)

        def ask(engine: EngineApi) -> RouteDetail | None:
            try:
                return engine.gateway.route_detail(path, method)
            except AbiError:  # it was removed; what is shown stays
                return None

        return ask

    def fill(self, answer: object) -> None:
        """From the report, and from what the engine said of the route."""
        moment = self.dashboard.moment
        if moment is None:
            return
        if self.dashboard.replaying:
            self.detail.forget()
        elif isinstance(answer, RouteDetail):
            self.detail.keep(answer)
            self._upstreams = frozenset(one.upstream for one in answer.upstreams)
        self.stats = self._row(moment.gateway, answer)
        found = self._concerned(moment.gateway)
        self.breakers.show(found)
        if len(found) != self._rows:
            self._rows = len(found)
            self.deck.replan()
        if self.route is not None:
            self.detail.show_route(moment.gateway, self.route, moment.report.at)
        else:
            self.detail.show_upstream(found[0] if found else None, moment.report.at)

    def _row(self, gateway: GatewayReport | None, answer: object) -> RouteStats | None:
        """The route as the engine or, where it does not say, the report has it."""
        if isinstance(answer, RouteDetail):
            return answer.stats
        rows = gateway.routes if gateway is not None else ()
        named = (row for row in rows if route_key(row.path, row.methods) == self.route)
        return next(named, self.stats)

    def _concerned(self, gateway: GatewayReport | None) -> tuple[UpstreamStats, ...]:
        rows = gateway.upstreams if gateway is not None else ()
        return tuple(row for row in rows if row.upstream in self._upstreams)
