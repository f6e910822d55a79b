"""The screens that are lists of now, asked for with each report; and what happened."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from textual.binding import BindingType

from abi_engine.features.gateway.api import LimitStats
from abi_tui.dashboard import plans
from abi_tui.dashboard.feed import Query
from abi_tui.dashboard.frame import Box
from abi_tui.dashboard.keys import LIMIT, Key, bindings
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.widgets.deck import Pane
from abi_tui.dashboard.widgets.events import EventsPane
from abi_tui.dashboard.widgets.whole_list import WholeListPane
from abi_tui.views.gateway import limits_table
from abi_tui.views.gateway_keys import keys_table
from abi_tui.views.gateway_workers import workers_table
from abi_tui.views.table import Table

if TYPE_CHECKING:
    from abi_engine.engine import EngineApi

ASKING = "asking the engine"
NOT_KEPT = "nothing of {name} is kept of the past"
ROWS = 200


class Listing(NamedTuple):
    """A list: its table, and what the rows tell of."""

    table: Table
    objects: Sequence[object]


class Source(NamedTuple):
    """Where a list comes from.

    Attributes:
        name: of the screen.
        view: the name of its table.
        ask: asks the engine for it.
        flexible: the column that takes what room is left.
        same_as: the command that prints it.
        help: what it lists.
        pane: the kind of list.
        more_views: other views that keys in it lead to.
    """

    name: str
    view: str
    ask: Callable[[EngineApi], Listing]
    flexible: str
    same_as: str
    help: str
    pane: type[WholeListPane] = WholeListPane
    more_views: tuple[str, ...] = ()


def _limits(engine: EngineApi) -> Listing:
    limits = engine.gateway.limits(limit=ROWS)
    return Listing(limits_table(limits), limits)


def _keys(engine: EngineApi) -> Listing:
    keys = engine.gateway.api_keys()[:ROWS]
    return Listing(keys_table(keys), keys)


def _workers(engine: EngineApi) -> Listing:
    workers = engine.gateway.workers()
    return Listing(workers_table(workers), workers)


class LimitsPane(WholeListPane):
    """The limits at work."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(LIMIT)]
    keys: ClassVar[tuple[Key, ...]] = (*WholeListPane.keys, *LIMIT)
    footer: ClassVar[tuple[str, ...]] = ("check_limit", "filter")

    @property
    def limit(self) -> LimitStats | None:
        """The chosen one."""
        chosen = self.object
        return chosen if isinstance(chosen, LimitStats) else None


LIMITS = Source(
    "limits", "gateway.limits", _limits, "path", "abi gateway limits",
    "The limits at work, those that refuse most first.", LimitsPane, ("gateway.check",),
)  # fmt: skip


KEYS = Source(
    "keys", "gateway.keys", _keys, "name", "abi gateway keys list",
    "The API keys by name, and what they were used for; a key itself is shown to nobody.",
)  # fmt: skip


WORKERS = Source(
    "workers", "gateway.workers", _workers, "pid", "abi gateway workers",
    "The processes that serve clients, where these are not the engine's own.",
)  # fmt: skip


def list_pane(source: Source, *, place: str = "list") -> WholeListPane:
    """An empty list for what a source has."""
    pane = source.pane(place=place, title=source.name, flexible=source.flexible)
    pane.same_as, pane.help_text = source.same_as, source.help
    return pane


class ListPage(Page):
    """A list, asked for along with each report."""

    def __init__(self, source: Source) -> None:
        self.list = list_pane(source)
        super().__init__(source.name, (self.list, *self.more()), self.plan())
        self.views = (source.view, *source.more_views, *self.views)
        self._source = source

    def more(self) -> tuple[Pane, ...]:
        """Further panes."""
        return ()

    def plan(self) -> Callable[[int, int], Mapping[str, Box]]:
        """Where the panes are."""
        return plans.whole

    def asks(self) -> Query | None:
        """The list."""
        return self._source.ask

    def fill(self, answer: object) -> None:
        """What the engine said; of the past nothing was kept."""
        app = self.dashboard
        if isinstance(answer, Listing):
            self.list.take(*answer)
        elif app.replaying or app.settings.recording:
            self._say(NOT_KEPT.format(name=self._source.name))
        elif app.moment is None:
            self._say(app.why_nothing())
        elif not self.list.table.columns:
            self._say(ASKING)

    def _say(self, why: str) -> None:
        self.list.take(Table(self._source.view, (), (), (), 0, why), ())


class EventsPage(Page):
    """The newest events of the moment that is shown.

    Args:
        words: the filter at first.
    """

    views = ("engine.events",)

    def __init__(self, words: str = "") -> None:
        self.events = EventsPane(place="list", headed=True)
        self.events.filter = words
        super().__init__("events", (self.events,), plans.whole)

    def fill(self, answer: object) -> None:  # noqa: ARG002 - reports have them
        """Those of the report."""
        moment = self.dashboard.moment
        self.events.show(moment.report.events if moment else ())
