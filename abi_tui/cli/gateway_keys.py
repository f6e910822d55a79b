"""What the commands do with API keys. Refuses to show one a second time."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from abi_engine.config import EngineConfig
from abi_engine.core.text import safe
from abi_engine.engine import Engine
from abi_engine.features.gateway.api import ApiKeyStats, KeyExists, KeyNotFound
from abi_tui.cli import session
from abi_tui.cli.changes import Change, Danger, carry_out
from abi_tui.cli.exits import Exit
from abi_tui.cli.gateway_answers import rows_wanted
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.output import Answer, show
from abi_tui.views.detail import Detail, command_line, line
from abi_tui.views.gateway_keys import keys_table

if TYPE_CHECKING:
    from abi_engine.service.connect import OpenEngine

HINT = "abi gateway keys list"


def listed(invocation: Invocation, engine: OpenEngine) -> Answer:
    """The list of keys."""
    found = engine.gateway.api_keys()
    rows = found[: rows_wanted(invocation)]
    return Answer("gateway.keys/1", rows, keys_table(rows), total=len(found))


def add(invocation: Invocation, name: str) -> Exit:
    """Make a key, and show it this once."""
    with session.engine(invocation) as engine:
        if invocation.dry_run:
            _rehearse(engine, name)
            undo = command_line("abi", "gateway", "keys", "remove", name)
            return carry_out(invocation, Change((f"make an API key {name}",), undo), lambda: None)
        new = engine.gateway.add_api_key(name)
    lines = (line("name", safe(new.name)), line("key", safe(new.key)))
    show(invocation, Answer("gateway.new_key/1", new, Detail("gateway.new_key", new.name, lines)))
    invocation.note("this is the only time that the key is shown: it is kept nowhere")
    return Exit.DONE


def remove(invocation: Invocation, name: str) -> Exit:
    """Remove a key."""
    with session.engine(invocation) as engine:
        found = _find(engine, name)
        step = f"remove the API key {found.name} ({found.origin.value})"
        change = Change((step,), danger=Danger.MODERATE)
        return carry_out(invocation, change, lambda: engine.gateway.remove_api_key(name))


def _rehearse(engine: OpenEngine, name: str) -> None:
    """Make one in a gateway that nobody sees.

    Raises:
        AbiError: what would keep a key from being made.
    """
    with Engine(EngineConfig()) as rehearsal:
        rehearsal.gateway.add_api_key(name)
    if any(key.name == name for key in engine.gateway.api_keys()):
        raise KeyExists(f"an API key '{name}' is there already", hint=HINT)


def _find(engine: OpenEngine, name: str) -> ApiKeyStats:
    known = {key.name: key for key in engine.gateway.api_keys()}
    if name in known:
        return known[name]
    near = get_close_matches(name, list(known), n=1)
    hint = f"did you mean '{near[0]}'? ({HINT})" if near else HINT
    raise KeyNotFound(f"no API key is called '{safe(name, limit=100)}'", hint=hint)
