"""Everything that the palette finds: screens, keys, themes, commands, and every object that a
screen shows: routes, upstreams, what events tell of, features, settings.
"""

from __future__ import annotations

from collections.abc import Iterator

from abi_engine.catalogue import BUILT_IN
from abi_engine.config import EngineConfig
from abi_engine.core.text import safe
from abi_tui.dashboard.config import DashboardConfig
from abi_tui.dashboard.keys import EVERYWHERE
from abi_tui.dashboard.moment import Moment
from abi_tui.dashboard.places import PLACES
from abi_tui.dashboard.screens.palette import Entry
from abi_tui.dashboard.themes import PALETTES
from abi_tui.views.config import value_text
from abi_tui.views.gateway import route_key, route_name

SELF = ("help", "palette", "jump")


def entries(moment: Moment | None) -> tuple[Entry, ...]:
    """All but commands and settings, in the order in which they stand before anything is typed."""
    return (*_screens(), *_objects(moment), *_subjects(moment), *_features(), *_keys(), *_themes())


def commands() -> tuple[Entry, ...]:
    """Every command of the command line. One that prints what a screen shows leads there; the
    others are copied, to be pasted into a shell.

    Imports every command, which takes a while: to be called in a thread.
    """
    import click

    from abi_tui.cli.root import root
    from abi_tui.cli.tree import walk
    from abi_tui.views.index import VIEWS

    screens = {f"abi {view.command}": view.screen for view in VIEWS}
    nodes = [node for node in walk(root()) if not isinstance(node.command, click.Group)]
    return tuple(
        _command(node.words, getattr(node.command, "summary", ""), screens.get(node.words))
        for node in nodes
    )


def settings() -> tuple[Entry, ...]:
    """Every setting that the configuration has."""
    found = EngineConfig(sections={"dashboard": DashboardConfig()}).settings()
    return tuple(
        Entry("setting", safe(one.key), f"default {value_text(one.default)}", "setting", one.key)
        for one in found
    )


def _command(words: str, summary: str, screen: str | None) -> Entry:
    if screen is not None:
        return Entry("command", words, summary, "go", screen)
    return Entry("command", words, summary, "copy", words)


def _screens() -> Iterator[Entry]:
    for place in PLACES:
        summary = place.summary if place.built else f"{place.summary} (planned)"
        yield Entry("screen", place.name, summary, "go", place.name)


def _objects(moment: Moment | None) -> Iterator[Entry]:
    gateway = moment.gateway if moment is not None else None
    if gateway is None:
        return
    for route in gateway.routes:
        name, key = route_name(route.path, route.methods), route_key(route.path, route.methods)
        yield Entry("route", name, safe(route.limit), "route", key)
    for row in gateway.upstreams:
        state = row.breaker.state.value.replace("_", " ")
        yield Entry("upstream", safe(row.upstream), state, "upstream", row.upstream)


def _subjects(moment: Moment | None) -> Iterator[Entry]:
    """What events tell of: each subject once, the latest first."""
    events = moment.report.events if moment is not None else ()
    for subject in dict.fromkeys(event.subject for event in events if event.subject):
        latest = next(event for event in events if event.subject == subject)
        yield Entry("events", safe(subject), safe(latest.message, limit=120), "events", subject)


def _features() -> Iterator[Entry]:
    for row in BUILT_IN:
        summary = row.summary if row.built else f"{row.summary} (planned)"
        yield Entry("feature", row.name, summary, "feature", row.name)


def _keys() -> Iterator[Entry]:
    for key in EVERYWHERE:
        if key.name not in SELF:
            yield Entry("key", key.label, key.help, key.action)


def _themes() -> Iterator[Entry]:
    for palette in PALETTES:
        yield Entry("theme", palette.name, palette.summary, "theme", palette.name)
