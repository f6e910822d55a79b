"""The overview: tiles, the routes, the chosen one, and what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from abi_engine.core.errors import AbiError
from abi_engine.features.gateway.api import RouteDetail, RoutePage
from abi_tui.dashboard import plans
from abi_tui.dashboard.feed import Query
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.widgets.detail import DetailPane
from abi_tui.dashboard.widgets.events import EventsPane
from abi_tui.dashboard.widgets.routes import RoutesPane
from abi_tui.dashboard.widgets.tile import TilePane
from abi_tui.views import overview
from abi_tui.views.gateway import split_route_key

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi


class RoutesAnswer(NamedTuple):
    """A window of the routes, where a report was not enough, and the detail of one route."""

    offset: int = 0
    page: RoutePage | None = None
    detail: RouteDetail | None = None


def ask_routes(routes: RoutesPane, detail: DetailPane) -> Query | None:
    """What lists of routes ask: their window, and the chosen route where its detail is shown."""
    window = routes.asks()
    key = routes.chosen if detail.size else None
    if window is None and key is None:
        return None

    def ask(engine: EngineApi) -> RoutesAnswer:
        offset, page = window(engine) if window else (0, None)
        return RoutesAnswer(offset, page, _detail(engine, key))

    return ask


def _detail(engine: EngineApi, key: str | None) -> RouteDetail | None:
    if key is None:
        return None
    try:
        return engine.gateway.route_detail(*split_route_key(key))
    except AbiError:  # it was removed meanwhile; the list tells
        return None


class OverviewPage(Page):
    """Everything at a glance."""

    views = ("engine.overview", "gateway.routes", "gateway.route", "engine.events")

    def __init__(self) -> None:
        self.tiles = tuple(TilePane(index, place=f"tile{index}") for index in range(plans.TILES))
        self.routes = RoutesPane()
        self.detail = DetailPane()
        self.events = EventsPane(place="events")
        panes = (*self.tiles, self.routes, self.detail, self.events)
        super().__init__("overview", panes, plans.overview)

    def asks(self) -> Query | None:
        """The window of the routes and the detail, as far as reports lack them."""
        return ask_routes(self.routes, self.detail)

    def command(self) -> str:
        """That of the detail beside the list, whose end says so; else that of the list."""
        beside = self.focused is self.routes and self.detail.size
        return (beside and self.detail.command()) or super().command()

    def row_chosen(self) -> None:
        """The detail follows, where it is shown."""
        if self.detail.size:
            show_routes(self.routes, self.detail, None)
            self.dashboard.ask_page()

    def fill(self, answer: object) -> None:
        """Everything from the report."""
        app = self.dashboard
        moment = app.moment
        until = moment.report.at.timestamp() if moment else 0.0
        shown = overview.tiles(moment.gateway) if moment else overview.unknown()
        for pane, tile in zip(self.tiles, shown):
            pane.show(tile, app.history, until)
        show_routes(self.routes, self.detail, answer)
        self.events.show(moment.report.events if moment else ())


def show_routes(routes: RoutesPane, detail: DetailPane, answer: object) -> None:
    """Fill a list of routes and the detail of the chosen one."""
    app = routes.dashboard
    moment = app.moment
    gateway = moment.gateway if moment else None
    routes.show(gateway, live=app.live, off=app.why_no_gateway())
    if isinstance(answer, RoutesAnswer):
        if answer.page is not None:
            routes.show_page(answer.offset, answer.page)
        if answer.detail is not None:
            detail.keep(answer.detail)
    if app.replaying:
        detail.forget()
    if moment is not None:
        detail.show_route(gateway, routes.chosen, moment.report.at)
