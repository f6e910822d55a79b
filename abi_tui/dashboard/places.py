"""Where one can go: the screens by name, number and letter. Refuses to import any of them."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A screen.

    Attributes:
        name: in the breadcrumbs, the palette and `abi dashboard --screen`.
        letter: after `g`.
        summary: one line.
        feature: the feature that it stands for; empty for the engine's own screens.
        built: False where the screen only says what the feature would do.
    """

    name: str
    letter: str
    summary: str
    feature: str = ""
    built: bool = True


PLACES = (
    Place("overview", "o", "everything at a glance"),
    Place("gateway", "g", "routes and breakers", "gateway"),
    Place("cache", "h", "in-memory cache", "cache", built=False),
    Place("messaging", "m", "topics and subscriptions", "messaging", built=False),
    Place("search", "s", "full-text search", "search", built=False),
    Place("storage", "r", "objects", "storage", built=False),
    Place("database", "d", "vectors", "database", built=False),
    Place("compute", "u", "devices and kernels", "gpu", built=False),
    Place("agents", "a", "agents and their work", "agents", built=False),
    Place("bench", "b", "measured suites", "benchmarks", built=False),
    Place("engine", "n", "the process and its gateway as a whole"),
    Place("limits", "i", "rate limits at work", "gateway"),
    Place("keys", "k", "API keys and their use", "gateway"),
    Place("workers", "w", "processes that serve clients", "gateway"),
    Place("events", "e", "what happened, newest first"),
    Place("logs", "l", "the engine's log"),
    Place("config", "c", "settings in force and their origins"),
    Place("features", "f", "what is on, off and planned"),
    Place("toolchain", "t", "what this machine has"),
    Place("plugins", "p", "what extends the engine"),
)
BY_NAME = {place.name: place for place in PLACES}
BY_LETTER = {place.letter: place for place in PLACES}
DIGITS = {str(number): place for number, place in enumerate(PLACES[:9], 1)}
