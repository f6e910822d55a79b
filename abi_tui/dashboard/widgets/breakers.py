"""The upstreams with their breakers, those with trouble first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from abi_engine.features.gateway.api import UpstreamStats
from abi_tui.dashboard.keys import BREAKER, Key, bindings
from abi_tui.dashboard.widgets.whole_list import WholeListPane
from abi_tui.views.gateway import breakers_table


class BreakersPane(WholeListPane):
    """Breakers by upstream.

    Args:
        place: as the plan knows it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(BREAKER)]
    keys: ClassVar[tuple[Key, ...]] = (*WholeListPane.keys, *BREAKER)
    footer: ClassVar[tuple[str, ...]] = (
        "reset", "force_open", "force_closed", "release", "open", "filter",
    )  # fmt: skip
    help_text = (
        "Every upstream with its breaker, those with trouble first: ● ok lets everything "
        "through, ◐ half a few trials, ○ OPEN nothing; held means that a person holds it so."
    )
    same_as = "abi gateway breakers list"

    def __init__(self, *, place: str) -> None:
        super().__init__(place=place, title="breakers", flexible="upstream")

    def show(self, upstreams: Sequence[UpstreamStats]) -> None:
        """Show these."""
        self.take(breakers_table(upstreams), upstreams)

    @property
    def upstream(self) -> UpstreamStats | None:
        """The chosen one."""
        chosen = self.object
        return chosen if isinstance(chosen, UpstreamStats) else None
