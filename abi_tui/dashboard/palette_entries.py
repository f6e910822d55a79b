"""Everything that the palette finds: screens, keys, themes, routes, upstreams, commands."""

from __future__ import annotations

from collections.abc import Iterator

from abi_engine.core.text import safe
from abi_tui.dashboard.keys import EVERYWHERE
from abi_tui.dashboard.moment import Moment
from abi_tui.dashboard.places import PLACES
from abi_tui.dashboard.screens.palette import Entry
from abi_tui.dashboard.themes import PALETTES
from abi_tui.views.gateway import route_key, route_name

SELF = ("help", "palette", "jump")


def entries(moment: Moment | None) -> tuple[Entry, ...]:
    """All but the commands, in the order in which they stand before anything is typed."""
    return (*_screens(), *_objects(moment), *_keys(), *_themes())


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


def _keys() -> Iterator[Entry]:
    for key in EVERYWHERE:
        if key.name not in SELF:
            yield Entry("key", key.label, key.help, key.action)


def _themes() -> Iterator[Entry]:
    for palette in PALETTES:
        yield Entry("theme", palette.name, palette.summary, "theme", palette.name)
