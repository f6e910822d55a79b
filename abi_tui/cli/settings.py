"""Settings as commands show them. Refuses to write: `config_file` does that."""

from __future__ import annotations

import json
import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from abi_engine.catalogue import BUILT_IN
from abi_engine.config import (
    DEFAULT,
    EngineConfig,
    Setting,
    default_file,
    find_file,
    known_sections,
    load,
)
from abi_engine.core.errors import AbiError, NotFound
from abi_engine.core.secret import HIDDEN
from abi_engine.core.text import safe
from abi_engine.hidden import hides_at, without_secrets
from abi_engine.toml_lines import dotted
from abi_tui.cli import session
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.output import Answer, plain, show, write
from abi_tui.views.config import Variable, environment_table, settings_table, value_text
from abi_tui.views.detail import Detail, line
from abi_tui.views.table import Tone

OTHER_VARIABLES = ("ABI_CONFIG", "ABI_DATA_DIR", "ABI_DEBUG", "NO_COLOR")


def show_settings(
    invocation: Invocation, prefix: str, *, origin: bool, changed: bool, running: bool
) -> None:
    """The settings under a prefix."""
    found = _running(invocation) if running else all_settings(session.configuration(invocation))
    rows = matching(found, prefix)
    if changed:
        rows = tuple(row for row in rows if row.origin != DEFAULT)
    cut = rows[: invocation.limit]
    table = settings_table(cut, origin=origin)
    show(invocation, Answer("config.settings/1", cut, table, total=len(rows)))


def get(invocation: Invocation, key: str) -> None:
    """One setting, or those of a section."""
    config = session.configuration(invocation)
    deeper = _within(config, key)
    rows = (deeper,) if deeper else matching(all_settings(config), key)
    if len(rows) == 1 and rows[0].key == key:
        if invocation.machine:
            table = settings_table(rows)
            show(invocation, Answer("config.setting/1", rows[0], table))
        else:
            write(f"{value_text(rows[0].value)}\n")
        return
    show(invocation, Answer("config.settings/1", rows, settings_table(rows, origin=False)))


def _within(config: EngineConfig, key: str) -> Setting | None:
    """The value at a key that leads into a list, such as `gateway.routes[0].path`.

    Raises:
        NotFound: the list is not so long, or what is in it has no such value.
    """
    from abi_tui.cli.setting_keys import parse
    from abi_tui.cli.setting_types import type_of

    if "[" not in key:
        return None
    words = parse(key)
    found: Any = {name: plain(section) for name, section in config.sections.items()}
    for at, word in enumerate(words):
        there = isinstance(found, (dict, list, tuple))
        try:
            found = found[word] if there else None
        except (KeyError, IndexError, TypeError):
            raise NotFound(
                f"no setting named '{safe(dotted(words))}'",
                hint=f"abi config get {safe(dotted(words[:at]))}" if at else "abi config show",
            ) from None
    name = dotted(words)
    outer = [
        one for one in config.origins if name == one or name.startswith((f"{one}.", f"{one}["))
    ]
    origin = config.origins[max(outer, key=len)] if outer else DEFAULT
    return Setting(name, without_secrets(found, type_of(words), words[-1]), None, origin)


def validate(invocation: Invocation, file: str | None) -> Exit:
    """Whether the configuration holds."""
    chosen = Path(file) if file is not None else None
    given = None if invocation.config is None else Path(invocation.config)
    where = chosen or find_file(given, os.environ, Path.cwd())
    if chosen is not None and not chosen.exists():
        raise NotFound(f"there is no {safe(str(chosen))}", hint="abi config path names the usual")
    problem, hint = _problem(invocation, where)
    data = {"file": str(where or ""), "valid": not problem, "problem": problem, "hint": hint}
    words = safe(f"{problem}. {hint}" if hint else problem) if problem else "ok"
    tone = Tone.BAD if problem else Tone.OK
    named = safe(str(where)) if where else "no file: all defaults"
    lines = (line("file", named), line("found", words, tone))
    show(invocation, Answer("config.validate/1", data, Detail("config.validate", "file", lines)))
    return Exit.FAILED if problem else Exit.DONE


def _problem(invocation: Invocation, file: Path | None) -> tuple[str, str]:
    """What would keep an engine from starting, and the way out; nothing where nothing would."""
    from abi_tui.cli import config_file

    try:
        config = load(
            file,
            environ=os.environ,
            flags=invocation.flags,
            data_dir=invocation.data_dir,
            sections=session.sections(),
        )
        config_file.rehearse(config)
    except AbiError as error:
        return error.message, error.hint
    return "", ""


def path(invocation: Invocation) -> None:
    """The file that is read, or would be."""
    given = None if invocation.config is None else Path(invocation.config)
    found = find_file(given, os.environ, Path.cwd()) or default_file()
    there = found.is_file()
    data = {
        "file": str(found),
        "found": there,
        "data_dir": str(session.data_dir(invocation)),
    }
    if not invocation.machine:
        write(f"{safe(str(found))}\n")
    else:
        show(invocation, Answer("config.path/1", data, Detail("config.path", "file", ())))
    if not there:
        invocation.note("it is not there: all settings are defaults (abi config init)")


def environment(invocation: Invocation, *, set_only: bool) -> None:
    """The environment variables that are read."""
    keys = [row.key for row in all_settings(EngineConfig())]
    named = [(f"ABI_{key.replace('.', '__').upper()}", key) for key in keys]
    others = [(name, "") for name in OTHER_VARIABLES]
    found = [Variable(name, _told(name, key), key) for name, key in (*others, *named)]
    rows = tuple(one for one in found if one.value is not None or not set_only)
    cut = rows[: invocation.limit]
    table = environment_table(cut)
    data = [one._asdict() for one in cut]
    show(invocation, Answer("config.environment/1", data, table, total=len(rows)))


def _told(name: str, key: str) -> str | None:
    """What a variable holds; `<hidden>` where that is a secret, or has one inside."""
    from abi_tui.cli.setting_keys import parse
    from abi_tui.cli.setting_types import type_of

    value = os.environ.get(name)
    words = parse(key) if key else (name,)
    hides = hides_at(words, type_of(words)) if value else False
    return HIDDEN if hides else value


def schema(invocation: Invocation) -> None:
    """The JSON Schema of the file."""
    found = json_schema()
    if invocation.format is Format.JSON:
        show(invocation, Answer("config.schema/1", found, Detail("config.schema", "schema", ())))
    else:
        write(json.dumps(found, indent=2) + "\n")


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file: a table for each section, and the switches."""
    kinds = known_sections() | session.sections()
    references, components = msgspec.json.schema_components(tuple(kinds.values()))
    switches = {
        row.name: {"type": "boolean", "description": row.summary, "default": row.default}
        for row in BUILT_IN
    }
    features = {"type": "object", "properties": switches, "additionalProperties": False}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "abi.toml",
        "type": "object",
        "properties": {"features": features} | dict(zip(kinds, references)),
        "additionalProperties": False,
        "$defs": components,
    }


def all_settings(config: EngineConfig) -> tuple[Setting, ...]:
    """Every setting in force, those of this package as well."""
    own: dict[str, msgspec.Struct] = {
        name: config.section(name, kind)
        for name, kind in session.sections().items()
        if name not in config.sections
    }
    whole = msgspec.structs.replace(config, sections=config.sections | own)
    return tuple(msgspec.structs.replace(one, value=plain(one.value)) for one in whole.settings())


def matching(found: tuple[Setting, ...], prefix: str) -> tuple[Setting, ...]:
    """The settings whose keys begin with `prefix`, whole words only.

    Raises:
        NotFound: there is none.
    """
    rows = tuple(one for one in found if not prefix or f"{one.key}.".startswith(f"{prefix}."))
    if rows:
        return rows
    keys = [one.key for one in found]
    near = get_close_matches(prefix, [*keys, *{key.partition(".")[0] for key in keys}], n=1)
    way_out = "abi config show"
    hint = f"did you mean '{near[0]}'? ({way_out})" if near else way_out
    raise NotFound(f"no setting named '{safe(prefix)}'", hint=hint)


def _running(invocation: Invocation) -> tuple[Setting, ...]:
    with session.running(invocation) as engine:
        return engine.system.settings()
