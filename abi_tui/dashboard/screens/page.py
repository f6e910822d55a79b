"""The base of every screen: the top bar, panes in one frame, the footer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen

from abi_tui.dashboard.feed import Query
from abi_tui.dashboard.keys import EVERYWHERE, Key
from abi_tui.dashboard.tail import Logged
from abi_tui.dashboard.widgets.bars import Footer, Hint, TopBar
from abi_tui.dashboard.widgets.deck import Deck, Pane, Plan
from abi_tui.dashboard.widgets.lines import Lines
from abi_tui.views.table import Cell

if TYPE_CHECKING:
    from abi_tui.dashboard.app import Dashboard

ALWAYS = ("help", "filter", "palette", "pause", "quit")


class Page(Screen[None]):
    """A screen of panes.

    A subclass makes its panes once in its constructor, and fills them in `fill`.

    Attributes:
        views: the names of the views that it shows.
        keys: those that mean something whatever pane has focus.
        footer: the names of those that the footer offers.
        tails: whether it shows the engine's log as it is written.

    Args:
        crumb: its name in the breadcrumbs.
        panes: by their ids the plan knows them.
        plan: where each is.
    """

    views: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()
    footer: tuple[str, ...] = ()
    tails = False
    AUTO_FOCUS: ClassVar[str | None] = "ListPane, TextPane"
    ALLOW_SELECT: ClassVar[bool] = True

    def __init__(self, crumb: str, panes: Sequence[Pane], plan: Plan) -> None:
        super().__init__()
        self.crumb = crumb
        self.panes = tuple(panes)
        self.top = TopBar()
        self.deck = Deck(panes, plan)
        self.foot = Footer()

    @property
    def dashboard(self) -> Dashboard:
        """The application."""
        return cast("Dashboard", self.app)

    def compose(self) -> ComposeResult:
        """The bars and the panes between them."""
        yield self.top
        yield self.deck
        yield self.foot

    def asks(self) -> Query | None:
        """What to ask the engine along with each report; None where reports have it all."""
        return None

    def fill(self, answer: object) -> None:
        """Put the dashboard's report, and the answer to the query, into the panes."""

    def hear(self, news: Logged) -> None:
        """Lines of the log, for a page that tails it."""

    def show(self, answer: object = None) -> None:
        """Show how things are now."""
        self.top.show(self.dashboard.top_line())
        self.fill(answer)

    def command(self) -> str:
        """The command that prints what is in focus; empty where there is none."""
        pane = self.focused
        return pane.command() if isinstance(pane, Pane) else ""

    def row_chosen(self) -> None:
        """Another row of a list is chosen."""

    def hint(self) -> None:
        """Offer the keys of what is in focus."""
        pane = self.focused
        wanted = (*(pane.footer if isinstance(pane, Pane) else ()), *self.footer)
        known = {key.name: key for key in (*self.own_keys(), *EVERYWHERE)}
        names = dict.fromkeys((*wanted[:2], *ALWAYS, *wanted, "jump", "theme", "export", "copy"))
        self.foot.show(tuple(self._hint(known[name]) for name in names if name in known))

    def own_keys(self) -> tuple[Key, ...]:
        """The keys of what is in focus and those of the page, each once."""
        pane = self.focused
        own = pane.keys if isinstance(pane, Pane) else ()
        return tuple(dict.fromkeys((*own, *self.keys)))

    def _hint(self, key: Key) -> Hint:
        return Hint(self.dashboard.shown_key(key), key.label, key.action)

    def say(self, words: Cell | None) -> None:
        """Say something where the keys are, until the next key."""
        self.foot.say(words)

    def restyle(self) -> None:
        """Paint everything in the theme that is chosen now."""
        for widget in self.query_all():
            widget.restyle()

    def query_all(self) -> Sequence[Lines]:
        """Every widget that paints itself."""
        return (self.top, self.deck, self.foot, *self.panes)

    def on_screen_resume(self) -> None:
        """It is the one in sight now."""
        self.dashboard.page_changed()
        self.hint()
        for pane in self.panes:
            pane.repaint()

    def on_screen_suspend(self) -> None:
        """Something covers it: keys go there now."""
        for pane in self.panes:
            pane.repaint()

    def on_descendant_focus(self) -> None:
        """The footer belongs to what is in focus."""
        self.hint()

    def on_key(self) -> None:
        """What was said has been read."""
        self.foot.say(None)
