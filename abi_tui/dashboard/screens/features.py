"""What is on, off and planned: for each feature what it would do, and the key that turns it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from abi_engine.catalogue import BUILT_IN, Row
from abi_engine.core.feature import State
from abi_engine.core.text import safe
from abi_engine.system import FeatureStatus
from abi_tui.dashboard import plans
from abi_tui.dashboard.keys import FEATURE, Key, bindings
from abi_tui.dashboard.moment import Moment
from abi_tui.dashboard.paint import Ink, Line, Span, wrap
from abi_tui.dashboard.screens.page import Page
from abi_tui.dashboard.widgets.text import TextPane, prose, same_as_lines
from abi_tui.dashboard.widgets.whole_list import WholeListPane
from abi_tui.views import numbers
from abi_tui.views.engine import features_table


class FeaturesPane(WholeListPane):
    """The features of the catalogue."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(FEATURE)]
    keys: ClassVar[tuple[Key, ...]] = (*WholeListPane.keys, *FEATURE)
    footer: ClassVar[tuple[str, ...]] = ("switch_feature", "filter")
    help_text = (
        "Every feature that ABI has or will have: what runs, what is switched off, what is "
        "planned. A feature that is built can be switched on and off until the engine stops."
    )
    same_as = "abi features list"

    def __init__(self) -> None:
        super().__init__(place="list", title="features", flexible="summary")

    def show(self, features: Sequence[FeatureStatus]) -> None:
        """Show these."""
        self.take(features_table(features), features)

    @property
    def feature(self) -> FeatureStatus | None:
        """The chosen one."""
        chosen = self.object
        return chosen if isinstance(chosen, FeatureStatus) else None


class FeaturesPage(Page):
    """The features, and what the chosen one does or would do.

    Args:
        crumb: its name: `features`, or that of the screen the feature will have.
        chosen: the feature that is chosen at first.
    """

    views = ("engine.features",)

    def __init__(self, crumb: str = "features", chosen: str = "") -> None:
        self.features = FeaturesPane()
        self.text = TextPane(place="detail")
        super().__init__(crumb, (self.features, self.text), plans.beside)
        self._chosen = chosen

    def fill(self, answer: object) -> None:  # noqa: ARG002 - reports have it all
        """From the report, and from the catalogue for what is planned."""
        self.features.show(known(self.dashboard.moment))
        if self._chosen:
            self.features.choose(self._chosen)
            self._chosen = ""
        self.explain()

    def explain(self) -> None:
        """Say what the chosen feature does."""
        feature = self.features.feature
        if feature is not None:
            row = next((row for row in BUILT_IN if row.name == feature.name), None)
            key = self.dashboard.key_for("switch_feature")
            self.text.show(safe(feature.name), lambda width: _explained(feature, row, key, width))

    def on_list_pane_chosen(self) -> None:
        """Another feature is chosen."""
        self.explain()


def known(moment: Moment | None) -> tuple[FeatureStatus, ...]:
    """What the engine reports, and what is planned."""
    reported = moment.report.engine.features if moment is not None else ()
    names = {feature.name for feature in reported}
    planned = (
        FeatureStatus(row.name, row.summary, row.default, row.built, State.CREATED)
        for row in BUILT_IN
        if row.name not in names and not row.built
    )
    return (*reported, *planned)


def _explained(feature: FeatureStatus, row: Row | None, key: str, width: int) -> list[Line]:
    flag = row.flag if row is not None else f"features.{feature.name}"
    summary = wrap(safe(feature.summary), max(width - 2, 1))
    lines: list[Line] = [*((Span(" "), Span(text, Ink.STRONG)) for text in summary), ()]
    for paragraph in _state(feature, row, flag, key):
        lines += [*prose([paragraph], width), ()]
    if feature.built:
        verb = "disable" if feature.enabled else "enable"
        lines += same_as_lines(f"abi features {verb} {safe(feature.name)}", width - 2)
    return lines


def _state(feature: FeatureStatus, row: Row | None, flag: str, key: str) -> tuple[str, str]:
    """What it is now, and the way to another state."""
    name = safe(feature.name)
    if not feature.built:
        needs = f" It will need {', '.join(row.needs)}." if row is not None and row.needs else ""
        parent = f" It will belong to {row.parent}." if row is not None and row.parent else ""
        calls = "Calling it says so, and exits with 4."
        switch = f" Its switch will be {flag}, its command abi {name}."
        now = f"Planned, not built: this version only keeps its name.{needs}{parent}"
        return now, calls + switch
    verb, value = ("off", "false") if feature.enabled else ("on", "true")
    way = f"{key} switches it {verb} until the engine stops; {flag} = {value} in the configuration"
    return _now(feature), f"{way} does so for good."


def _now(feature: FeatureStatus) -> str:
    if not feature.enabled:
        return "Switched off: every call of it says so, and nothing of it is loaded."
    health = feature.health
    words = f"{safe(health.message)} ({numbers.span(health.age_s)} ago)" if health else "not tried"
    return f"On, {feature.state.value}. Health: {words}."
