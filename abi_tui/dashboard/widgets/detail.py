"""Everything about the route or the upstream that is chosen beside it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from abi_engine.features.gateway.api import GatewayReport, RouteDetail, UpstreamStats
from abi_tui.dashboard.paint import Ink, Line, Span
from abi_tui.dashboard.widgets.text import TextPane
from abi_tui.views.detail import Detail, line
from abi_tui.views.gateway import route_key, route_name
from abi_tui.views.gateway_details import (
    breaker_detail,
    route_command,
    route_detail,
    traffic_lines,
)

NOTHING = "choose a route or a breaker to see it here"


class DetailPane(TextPane):
    """A route or an upstream, in lines."""

    help_text = (
        "The chosen route or upstream: its breaker's state and for how long, failures against "
        "the threshold, calls refused, trials left, the next try, the last change and why, its "
        "latencies, its last request; and the command that prints the same."
    )
    footer: ClassVar[tuple[str, ...]] = ("copy", "text_down")

    def __init__(self) -> None:
        super().__init__(place="detail", title="detail")
        self._kept: RouteDetail | None = None

    def keep(self, detail: RouteDetail) -> None:
        """Take up what the engine said of a route."""
        self._kept = detail

    def show_route(self, gateway: GatewayReport | None, key: str | None, now: datetime) -> None:
        """Show the route `key`; of the past only what was recorded of it."""
        kept = self._kept
        stats = kept.stats if kept is not None else None
        if kept is not None and stats is not None and route_key(stats.path, stats.methods) == key:
            self.show_detail(route_detail(kept, now))
            return
        rows = gateway.routes if gateway is not None else ()
        found = next((r for r in rows if route_key(r.path, r.methods) == key), None)
        if found is None:
            self.show_nothing()
            return
        row = found
        recorded = Detail(
            "gateway.route",
            route_name(row.path, row.methods),
            (
                line("upstreams", f"{row.upstreams_ok} of {row.upstreams} ok"),
                line("limit", row.limit or "none"),
                *traffic_lines(row.traffic),
            ),
            route_command("show", row.path, row.methods, "--json"),
        )
        self.show_detail(recorded)

    def on_resize(self) -> None:
        """There is room for it now: what it is about may not have been asked for yet."""
        self.dashboard.ask_page()

    def forget(self) -> None:
        """The moment is another one: what the engine says of now does not belong to it."""
        self._kept = None

    def show_upstream(self, upstream: UpstreamStats | None, now: datetime) -> None:
        """Show an upstream and its breaker."""
        if upstream is None:
            self.show_nothing()
        else:
            self.show_detail(breaker_detail(upstream, now))

    def show_nothing(self) -> None:
        """Nothing is chosen."""
        self.same_as = ""
        self.show("detail", lambda _: [_dim(NOTHING)])


def _dim(text: str) -> Line:
    return Span(" "), Span(text, Ink.DIM)
