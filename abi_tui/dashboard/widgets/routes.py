"""The list of routes: a window that the engine cuts, or one cut here from a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from abi_engine.features.gateway.api import GatewayReport, RoutePage, RouteSort, RouteStats
from abi_tui.dashboard.keys import LIST, PANES, ROUTE, Key, bindings
from abi_tui.dashboard.paint import Ink, Line, Span
from abi_tui.dashboard.widgets.table import Fed, ListPane
from abi_tui.views.detail import command_line
from abi_tui.views.gateway import routes_table
from abi_tui.views.window import route_page

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi

SORTS = (
    RouteSort.P99,
    RouteSort.RATE,
    RouteSort.ERRORS,
    RouteSort.LIMITED,
    RouteSort.P50,
    RouteSort.LAST_HIT,
    RouteSort.PATH,
)


class RoutesPane(ListPane):
    """The gateway's routes.

    Where a report has all of them it is cut here, at once. Where there are more than a report
    holds, the engine cuts the window; of the past only the busiest were kept, and it says so.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(ROUTE)]
    keys: ClassVar[tuple[Key, ...]] = (*LIST, *ROUTE, *PANES)
    footer: ClassVar[tuple[str, ...]] = ("open", "filter", "sort", "test_route", "switch_route")
    header_sorts: ClassVar[dict[str, str]] = {
        "path": RouteSort.PATH,
        "traffic.rate_per_s": RouteSort.RATE,
        "traffic.latency.p50_ms": RouteSort.P50,
        "traffic.latency.p99_ms": RouteSort.P99,
        "traffic.error_percent": RouteSort.ERRORS,
        "limit": RouteSort.LIMITED,
    }
    help_text = (
        "Every route of the gateway with the worst of its breakers, its requests a second, its "
        "latencies and errors of the last 60 seconds, and its limit."
    )
    same_as = "abi gateway routes list"

    def __init__(self) -> None:
        super().__init__(place="list", title="gateway routes", flexible="path", sorts=SORTS)
        self._report: GatewayReport | None = None
        self._live = True
        self._page: RoutePage | None = None
        self._offset = 0

    def command(self) -> str:
        """With the order and the filter."""
        words = ["--sort", self.sort]
        words += ["--filter", self.filter] if self.filter else []
        return f"{self.same_as} {command_line(*words)}"

    def asks(self) -> Callable[[EngineApi], tuple[int, RoutePage]] | None:
        """What to ask the engine for; None where a report is enough."""
        if not self._from_engine():
            return None
        offset, limit = self.window()
        sort, words = RouteSort(self.sort), self.filter

        def ask(engine: EngineApi) -> tuple[int, RoutePage]:
            page = engine.gateway.route_stats(sort=sort, limit=limit, offset=offset, filter=words)
            return offset, page

        return ask

    @property
    def route(self) -> RouteStats | None:
        """The chosen one."""
        chosen = self.object
        return chosen if isinstance(chosen, RouteStats) else None

    def show(self, report: GatewayReport | None, *, live: bool, off: str) -> None:
        """Show a report; `off` says why there is none."""
        self._report, self._live = report, live
        if report is None:
            self.feed(Fed(routes_table(RoutePage(0, 0, ()))._replace(empty=off)))
        elif not self._from_engine():
            self.cut()
        elif self._page is not None:
            self.show_page(self._offset, self._page)

    def show_page(self, offset: int, page: RoutePage) -> None:
        """Show a window that the engine cut."""
        self._offset, self._page = offset, page
        self.feed(Fed(routes_table(page), page.rows, offset, page.total))

    def cut(self) -> bool:
        """Cut the window here, if a report is enough; tell whether it was."""
        report = self._report
        if report is None or self._from_engine():
            return False
        sort = RouteSort(self.sort)
        page = route_page(report.routes, sort=sort, limit=10_000, offset=0, filter=self.filter)
        self.feed(Fed(routes_table(page), page.rows, 0, page.total))
        return True

    def facts(self) -> Line:
        """Which rows of how many, and whether the past kept only some."""
        facts = super().facts()
        report = self._report
        if report is None or self._live or len(report.routes) >= report.stats.routes:
            return facts
        words = f"the busiest {len(report.routes)} of {report.stats.routes} · "
        return (Span(words, Ink.DIM), *facts)

    def _from_engine(self) -> bool:
        report = self._report
        return self._live and report is not None and len(report.routes) < report.stats.routes
