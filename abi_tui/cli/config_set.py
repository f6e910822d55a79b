"""Writes one setting into the file, however deep it is; comments and order stay.

Refuses a change after which the file would not hold what was asked for, and nothing else new.
"""

from __future__ import annotations

import json
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from abi_engine.config import parse_value
from abi_engine.core.errors import InvalidConfig, NotFound
from abi_engine.core.text import safe
from abi_engine.hidden import hides_at, without_secrets
from abi_engine.toml_lines import Key, dotted
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.config_file import check, difference, file_of, save, text_of
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.setting_keys import parse
from abi_tui.cli.setting_types import known_beside, sections, type_of
from abi_tui.views.config import value_text
from abi_tui.views.detail import command_line

if TYPE_CHECKING:
    from pathlib import Path

NOTHING: Any = object()
BY_HAND = "abi config edit"


class Edit(NamedTuple):
    """What is to be done to a file.

    Attributes:
        file: which; text: what it holds.
        key: of the setting; value: what it gets, or `NOTHING` to take it out.
    """

    file: Path
    text: str
    key: Key
    value: Any


def set_value(invocation: Invocation, key: str, value: str | None, *, remove: bool) -> Exit:
    """Write one setting into the file, or take it out.

    Raises:
        UsageError: neither a value nor `--remove`, or both.
        NotFound: there is no such setting.
        InvalidConfig: the value does not fit.
    """
    if (value is None) != remove:
        message = "VALUE is missing" if value is None else "--remove takes no VALUE"
        raise click.UsageError(message, click.get_current_context())
    file = file_of(invocation)
    text = text_of(file)
    check(file, text)  # what is wrong already is not blamed on this change
    words = _settled(parse(key), tomllib.loads(text))
    wanted = NOTHING if value is None else _value(words, value)
    edit = Edit(file, text, words, wanted)
    after = _edited(edit)
    check(file, after)
    change = Change(
        (_step(edit),), _undo(invocation, edit), diff=difference(file, edit.text, after)
    )
    return carry_out(invocation, change, lambda: _save(edit, after))


def _settled(key: Key, tree: dict[str, Any]) -> Key:
    """The key with indexes as numbers, if it leads to a setting.

    Raises:
        NotFound: it leads nowhere.
    """
    found: list[str | int] = []
    here: Any = tree
    for word in key:
        index = isinstance(here, list) and isinstance(word, str) and word.isdecimal()
        settled = int(word) if index else word
        if isinstance(settled, int) and settled > (len(here) if isinstance(here, list) else 0):
            count = len(here) if isinstance(here, list) else 0
            raise NotFound(
                f"{safe(dotted(tuple(found)))} has {count} entries: [{settled}] is not there",
                hint=f"abi config get {safe(dotted(tuple(found)))}",
            )
        found.append(settled)
        here = _inside(here, settled)
    settled_key = tuple(found)
    if len(settled_key) == 1 and settled_key[0] in (*sections(), "features"):
        name = safe(str(settled_key[0]))
        raise InvalidConfig(f"'{name}' is a section", hint=f"abi config show {name}")
    if type_of(settled_key) is None:
        raise _no_setting(settled_key)
    return settled_key


def _inside(here: Any, word: str | int) -> Any:
    if isinstance(here, dict):
        return here.get(str(word))
    if isinstance(here, list) and isinstance(word, int) and word < len(here):
        return here[word]
    return None


def _no_setting(key: Key) -> NotFound:
    full = safe(dotted(key))
    near = get_close_matches(dotted(key), known_beside(key), n=1)
    way_out = "abi config show"
    hint = f"did you mean '{near[0]}'? ({way_out})" if near else way_out
    return NotFound(f"no setting named '{full}'", hint=hint)


def _value(key: Key, text: str) -> Any:
    """What was typed, as a plain value; of a list or a table no more than what was given."""
    checked = parse_value(_as_json(text), type_of(key), key, "command line")
    if not isinstance(checked, (dict, list, tuple)):
        return checked
    return _without_nothing(json.loads(_as_json(text)))


def _as_json(text: str) -> str:
    """Lists and tables may be written as in TOML too."""
    if text.lstrip()[:1] not in ("[", "{"):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        try:
            return json.dumps(tomllib.loads(f"value = {text}")["value"], default=str)
        except (ValueError, RecursionError):
            return text
    return text


def _without_nothing(value: Any) -> Any:
    """The same without `None`, for which TOML has no word: what is not there is None."""
    if isinstance(value, dict):
        return {key: _without_nothing(one) for key, one in value.items() if one is not None}
    return [_without_nothing(one) for one in value] if isinstance(value, list) else value


def _edited(edit: Edit) -> str:
    """The text with the change in it.

    Raises:
        InvalidConfig: it cannot be put there without changing more.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    expected = tomllib.loads(edit.text)
    _put(expected, edit.key, edit.value, lambda _: {})
    try:
        document = tomlkit.parse(edit.text)
        _put(document, edit.key, edit.value, _table_within)
        after = tomlkit.dumps(document)
        if _pruned(tomllib.loads(after)) == _pruned(expected):
            return after
    except (TOMLKitError, ValueError, TypeError):
        pass  # tomlkit has gaps, and what it makes is not trusted unread
    raise InvalidConfig(
        f"{safe(dotted(edit.key))} cannot be changed in {safe(str(edit.file))} as it is written",
        hint=BY_HAND,
    )


def _put(here: Any, key: Key, value: Any, table: Any) -> None:
    """Set, append or remove what is at a key, and make the tables on the way."""
    *way, last = key
    for word in way:
        inner = _inside(here, word)
        if inner is None:
            if value is NOTHING:
                return
            _assign(here, word, table(here))
            inner = _inside(here, word)
        here = inner
    if value is not NOTHING:
        _assign(here, last, value)
    elif isinstance(here, dict):
        here.pop(last, None)
    elif isinstance(last, int) and last < len(here):
        del here[last]


def _assign(here: Any, word: str | int, value: Any) -> None:
    if isinstance(here, dict):
        here[str(word)] = value
    elif word == len(here):
        here.append(value)
    else:
        here[word] = value


def _table_within(here: Any) -> Any:
    import tomlkit
    from tomlkit.items import Array, InlineTable

    return tomlkit.inline_table() if isinstance(here, (InlineTable, Array)) else tomlkit.table()


def _pruned(tree: Any) -> Any:
    """A tree without tables that hold nothing: a header may stay."""
    if not isinstance(tree, dict):
        return tree
    inner = {key: _pruned(one) for key, one in tree.items()}
    return {key: one for key, one in inner.items() if one != {}}


def _save(edit: Edit, after: str) -> None:
    if text_of(edit.file) != edit.text:
        raise InvalidConfig(f"{safe(str(edit.file))} was changed meanwhile", hint="try again")
    save(edit.file, after)


def _step(edit: Edit) -> str:
    key = dotted(edit.key)
    if edit.value is NOTHING:
        return f"take {key} out of {edit.file}"
    told = without_secrets(edit.value, type_of(edit.key), edit.key[-1])
    return f"set {key} = {value_text(told)} in {edit.file}"


def _undo(invocation: Invocation, edit: Edit) -> str:
    """The command that puts back what was there; none where it would tell a secret."""
    before: Any = tomllib.loads(edit.text)
    for word in edit.key:
        before = _inside(before, word)
    if before is None and edit.value is NOTHING:
        return ""
    if before is not None and hides_at(edit.key, type_of(edit.key)):
        return ""
    typed = before if isinstance(before, str) else json.dumps(before, default=str)
    back = ("--remove",) if before is None else (typed,)
    at_file = ("--config", str(edit.file)) if invocation.config else ()
    return command_line("abi", "config", "set", dotted(edit.key), *back, *at_file)
