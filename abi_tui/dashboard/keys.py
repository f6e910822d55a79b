"""Every key of the dashboard: one table, from which bindings, footer and help are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import NamedTuple

from textual.binding import Binding

from abi_engine.core.errors import InvalidConfig
from abi_engine.core.text import safe


class Key(NamedTuple):
    """A thing that a key does.

    Attributes:
        name: its stable name, by which `[dashboard] keys` gives it other keys.
        keys: the keys, separated by commas, in the words of the toolkit.
        action: what is called.
        shown: the key as the footer and the help show it.
        label: what it does, in a word or two.
        help: what it does, in a sentence.
        danger: it changes something in the engine, so a read-only dashboard refuses it.
    """

    name: str
    keys: str
    action: str
    shown: str
    label: str
    help: str
    danger: bool = False


EVERYWHERE = (
    Key("help", "question_mark,f1", "app.help", "?", "help", "what is in focus, and its keys"),
    Key("palette", "ctrl+p,colon", "app.palette", "^p", "commands",
        "every command, screen, route and upstream by name"),
    Key("quit", "q,ctrl+q", "app.quit", "q", "quit", "leave; an engine of its own is stopped"),
    Key("pause", "space", "app.pause", "space", "pause",
        "hold everything still, or go on; nothing is sent meanwhile"),
    Key("back", "escape", "app.back", "esc", "back",
        "leave the filter, then the past, then this screen"),
    Key("jump", "g", "app.jump", "g", "go to", "a screen by its letter"),
    Key("theme", "t", "app.next_theme", "t", "theme", "the next theme"),
    Key("export", "e", "app.export", "e", "export", "this list to a file: json, csv, or a picture"),
    Key("copy", "y", "app.copy_command", "y", "copy",
        "copy the command that prints the same to the clipboard"),
    Key("earlier", "comma,left_square_bracket", "app.rewind(-1)", ",", "earlier",
        "one report back in time"),
    Key("later", "full_stop,right_square_bracket", "app.rewind(1)", ".", "later",
        "one report forward in time"),
    Key("minute_earlier", "left_curly_bracket", "app.rewind(-60)", "{", "-1 min",
        "a minute back in time"),
    Key("minute_later", "right_curly_bracket", "app.rewind(60)", "}", "+1 min",
        "a minute forward in time"),
    Key("live", "L", "app.live", "L", "live", "back to now"),
)  # fmt: skip

PANES = (
    Key("next_pane", "tab,right,l", "app.focus_next", "tab", "next pane", "the next pane"),
    Key("previous_pane", "shift+tab,left,h", "app.focus_previous", "S-tab", "pane before",
        "the pane before"),
)  # fmt: skip

LIST = (
    Key("open", "enter", "open", "enter", "open", "everything about the chosen row"),
    Key("filter", "slash", "filter", "/", "filter",
        "show what has these letters in this order; ! in front: what has not"),
    Key("sort", "s", "sort", "s", "sort", "the next order"),
    Key("down", "down,j", "move(1)", "j", "down", "a row down"),
    Key("up", "up,k", "move(-1)", "k", "up", "a row up"),
    Key("page_down", "pagedown,ctrl+d", "page(1)", "pgdn", "page down", "a page down"),
    Key("page_up", "pageup,ctrl+u", "page(-1)", "pgup", "page up", "a page up"),
    Key("first", "home", "first", "home", "first", "the first row"),
    Key("last", "end,G", "last", "end", "last", "the last row"),
)  # fmt: skip

TEXT = (
    Key("text_down", "down,j", "scroll(1)", "j", "down", "a line down"),
    Key("text_up", "up,k", "scroll(-1)", "k", "up", "a line up"),
    Key("text_page_down", "pagedown,ctrl+d", "page(1)", "pgdn", "page down", "a page down"),
    Key("text_page_up", "pageup,ctrl+u", "page(-1)", "pgup", "page up", "a page up"),
)

BREAKER = (
    Key("reset", "r", "app.reset_breaker", "r", "reset",
        "close the breaker, forget its counts, release it", danger=True),
    Key("force_open", "o", "app.force_open", "o", "open",
        "hold the breaker open: nothing passes", danger=True),
    Key("force_closed", "c", "app.force_closed", "c", "close",
        "hold the breaker closed: everything passes", danger=True),
    Key("release", "f", "app.release_breaker", "f", "free", "release a held breaker", danger=True),
)  # fmt: skip

ROUTE = (
    Key("switch_route", "d", "app.switch_route", "d", "on/off",
        "switch the route off (it answers 503) or on again", danger=True),
    Key("match_route", "m", "app.match_route", "m", "match",
        "which route a path would take; nothing is sent or counted"),
    Key("test_route", "p", "app.test_route", "p", "probe",
        "send one real request through the gateway, and see the answer", danger=True),
)  # fmt: skip

LIMIT = (
    Key("check_limit", "c", "app.check_limit", "c", "check",
        "count one request of a client, and see whether its limit lets it pass", danger=True),
)  # fmt: skip

FEATURE = (
    Key("switch_feature", "o", "app.switch_feature", "o", "on/off",
        "switch the feature on or off until the engine stops", danger=True),
)  # fmt: skip

LOG = (
    Key("follow", "f", "follow", "f", "follow", "stay at the end as lines come, or stand still"),
    Key("level", "v", "level", "v", "level",
        "all lines, information and worse, warnings and worse, only errors"),
)  # fmt: skip

SETTING = (
    Key("changed_only", "o", "changed_only", "o", "changed",
        "only what somebody set, or every setting"),
)  # fmt: skip

PLAY = (
    Key("slower", "less_than_sign,minus", "app.speed(-1)", "<", "slower",
        "play the recording more slowly"),
    Key("faster", "greater_than_sign,plus", "app.speed(1)", ">", "faster",
        "play the recording faster"),
)  # fmt: skip

SCOPES = tuple(
    (*EVERYWHERE, *PLAY, *PANES, *own)
    for own in (
        *((*LIST, *more) for more in (ROUTE, (*BREAKER, *ROUTE), LIMIT, FEATURE, LOG, SETTING)),
        (*TEXT, *BREAKER, *ROUTE),
    )
)
ALL = (*EVERYWHERE, *PLAY, *PANES, *LIST, *TEXT, *BREAKER, *ROUTE, *LIMIT, *FEATURE, *LOG,
       *SETTING)  # fmt: skip
NAMES = tuple(key.name for key in ALL)


def check(given: Mapping[str, str]) -> None:
    """See that other keys, by the name of what they do, can be used.

    Raises:
        InvalidConfig: a name is unknown, or two things would have one key.
    """
    for name, keys in given.items():
        if name not in NAMES:
            near = get_close_matches(name, NAMES, 1)
            guess = f"; did you mean '{near[0]}'?" if near else ""
            message = f"[dashboard] keys: no key does '{safe(name)}'{guess}"
            raise InvalidConfig(message, hint="the names: " + ", ".join(NAMES))
        if not all(part.strip() for part in keys.split(",")):
            message = f"[dashboard] keys: {name} = '{safe(keys)}': no key"
            raise InvalidConfig(message, hint="such as p, ctrl+k, question_mark")
    for scope in SCOPES:
        _check_scope(scope, given)


def _check_scope(scope: Iterable[Key], given: Mapping[str, str]) -> None:
    taken = dict.fromkeys("123456789", "a screen by its number")
    for key in scope:
        for part in given.get(key.name, key.keys).split(","):
            other = taken.setdefault(part.strip(), key.name)
            if other != key.name:
                message = f"[dashboard] keys: '{safe(part.strip())}' is both {other} and {key.name}"
                raise InvalidConfig(message, hint="give one of them another key")


def bindings(keys: Iterable[Key]) -> list[Binding]:
    """The toolkit's form of keys; their names let configuration remap them."""
    return [Binding(key.keys, key.action, key.label, show=False, id=key.name) for key in keys]
