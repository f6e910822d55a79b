"""Writes the configuration file, atomically, with its comments. Refuses what would not load."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from abi_engine.config import DEFAULT, Setting, default_file, find_file, load
from abi_engine.core.errors import AlreadyExists, DataDirectoryError, InvalidConfig
from abi_engine.core.text import safe
from abi_engine.runtime.files import write_atomically
from abi_tui.cli import session
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.settings import all_settings, matching
from abi_tui.views.config import value_text
from abi_tui.views.detail import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tomlkit import TOMLDocument

HEAD = """\
# The configuration of abi. Every setting stands here with its default, commented out.
# Times are seconds, sizes bytes. abi config show --origin tells what is in force.
"""
ROUTE = """
# [[gateway.routes]]
# path = "/users/{id}"
# upstreams = ["http://127.0.0.1:9000"]
"""


def set_value(invocation: Invocation, key: str, value: str | None, *, remove: bool) -> Exit:
    """Write one setting into the file, or take it out.

    Raises:
        UsageError: neither a value nor `--remove`, or both.
        InvalidConfig: the setting is unknown, or the value does not fit.
    """
    if (value is None) != remove:
        message = "VALUE is missing" if value is None else "--remove takes no VALUE"
        raise click.UsageError(message, click.get_current_context())
    file = _file(invocation)
    before = _setting(file, key, None)
    was_set = before.origin != DEFAULT
    if remove:
        step = f"take {key} out of {file}"
        after: Any = None
    else:
        after = _setting(file, key, value).value
        step = f"set {key} = {value_text(after)} in {file}"
    at_file = ("--config", str(file)) if invocation.config else ()
    undo_words = (key, _typed(before.value)) if was_set else (key, "--remove")
    undo = command_line("abi", "config", "set", *undo_words, *at_file)
    return carry_out(invocation, Change((step,), undo), lambda: _write(file, key, after))


def init(invocation: Invocation) -> Exit:
    """Write a file with every setting commented out.

    Raises:
        AlreadyExists: a file is there.
    """
    given = invocation.config or os.environ.get("ABI_CONFIG")
    file = Path(given) if given else default_file()
    if file.exists():
        raise AlreadyExists(f"{safe(str(file))} is there already", hint="abi config show --origin")
    change = Change((f"write {file} with every setting commented out",))
    return carry_out(invocation, change, lambda: _save(file, template()))


def template() -> str:
    """A file with every setting, commented out."""
    config = load(os.devnull, environ={}, sections=session.sections())
    tables: dict[str, list[str]] = {}
    for setting in all_settings(config):
        section, _, name = setting.key.rpartition(".")
        lines = tables.setdefault(section, [])
        if setting.key == "gateway.routes":
            continue
        if setting.default is None:
            lines.append(f"# {name} =  (not set)")
        else:
            lines.append(f"# {name} = {_toml(setting.default)}")
    written = ("\n".join((f"[{name}]", *lines)) for name, lines in tables.items())
    return "\n\n".join((HEAD.rstrip(), *written)) + "\n" + ROUTE


def _toml(value: Any) -> str:
    """A value as it stands behind the equals sign."""
    import tomlkit

    if isinstance(value, dict):
        table = tomlkit.inline_table()
        table.update(value)
        return str(table.as_string())
    return str(tomlkit.item(value).as_string())


def _file(invocation: Invocation) -> Path:
    given = None if invocation.config is None else Path(invocation.config)
    return find_file(given, os.environ, Path.cwd()) or default_file()


def _setting(file: Path, key: str, value: str | None) -> Setting:
    """The setting as the file has it, or as it would be with `value`."""
    flags = {} if value is None else {key: value}
    source = file if file.exists() else os.devnull
    config = load(source, environ={}, flags=flags, sections=session.sections())
    found = matching(all_settings(config), key)
    if len(found) != 1 or found[0].key != key:
        raise InvalidConfig(
            f"'{safe(key)}' is no single setting", hint=f"edit {safe(str(file))} by hand"
        )
    return found[0]


def _write(file: Path, key: str, value: Any) -> None:
    import tomlkit

    text = file.read_bytes().decode() if file.exists() else ""
    document = tomlkit.parse(text)
    tables = list(_tables(document, key.split(".")[:-1], make=value is not None))
    if not tables:
        return
    name = key.rpartition(".")[2]
    if value is None:
        tables[-1].pop(name, None)
    else:
        tables[-1][name] = _without_nothing(value)
    _save(file, tomlkit.dumps(document))


def _without_nothing(value: Any) -> Any:
    """The same without `None`, for which TOML has no word: what is not there is None."""
    if isinstance(value, dict):
        return {key: _without_nothing(one) for key, one in value.items() if one is not None}
    return [_without_nothing(one) for one in value] if isinstance(value, list) else value


def _tables(document: TOMLDocument, words: list[str], *, make: bool) -> Iterator[Any]:
    """The table at a path, last; nothing where it is not there and must not be made."""
    import tomlkit

    table: Any = document
    found = []
    for word in words:
        if word not in table:
            if not make:
                return
            table[word] = tomlkit.table()
        table = table[word]
        found.append(table)
    yield from found


def _save(file: Path, text: str) -> None:
    try:
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryError(
            f"cannot write {safe(str(file))}: {error.strerror}",
            hint="choose another file with --config",
        ) from error
    write_atomically(file.resolve(), text.encode(), mode=mode)


def _typed(value: object) -> str:
    """A value as one types it on the command line."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
