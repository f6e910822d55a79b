"""The configuration file: where it is, what a new one holds, and how it is replaced.

Refuses to put a file there that an engine would not start with.
"""

from __future__ import annotations

import os
import re
from difflib import unified_diff
from pathlib import Path

import msgspec

from abi_engine.config import EngineConfig, default_file, find_file, load
from abi_engine.core.errors import AlreadyExists, DataDirectoryError, InvalidConfig
from abi_engine.core.text import safe
from abi_engine.core.toml_text import value_text
from abi_engine.engine import Engine
from abi_engine.runtime.files import write_atomically
from abi_tui.cli import session
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.settings import all_settings

HEAD = """\
# The configuration of abi. Every setting stands here with its default, commented out.
# Times are seconds, sizes bytes. abi config show --origin tells what is in force.
"""
ROUTE = """
# [[gateway.routes]]
# path = "/users/{id}"
# upstreams = ["http://127.0.0.1:9000"]
"""
LISTS_OF_TABLES = ("gateway.routes", "gateway.keys")
_SECRET = re.compile(
    r"""((?:authorization|cookie|password|secret|token)["']?\s*=\s*)\S.*""", re.IGNORECASE
)


def init(invocation: Invocation) -> Exit:
    """Write a file with every setting commented out.

    Raises:
        AlreadyExists: a file is there.
    """
    given = invocation.config or os.environ.get("ABI_CONFIG")
    file = Path(given) if given else default_file()
    if file.exists():
        raise AlreadyExists(f"{safe(str(file))} is there already", hint="abi config edit")
    change = Change((f"write {file} with every setting commented out",))
    return carry_out(invocation, change, lambda: save(file, template()))


def template() -> str:
    """A file with every setting, commented out."""
    config = load(os.devnull, environ={}, sections=session.sections())
    tables: dict[str, list[str]] = {}
    for setting in all_settings(config):
        section, _, name = setting.key.rpartition(".")
        lines = tables.setdefault(section, [])
        if setting.key in LISTS_OF_TABLES:
            continue
        if setting.default is None:
            lines.append(f"# {name} =  (not set)")
        else:
            lines.append(f"# {name} = {value_text(setting.default)}")
    written = ("\n".join((f"[{name}]", *lines)) for name, lines in tables.items())
    return "\n\n".join((HEAD.rstrip(), *written)) + "\n" + ROUTE


def file_of(invocation: Invocation) -> Path:
    """The file that is read, or the one that would be."""
    given = None if invocation.config is None else Path(invocation.config)
    return find_file(given, os.environ, Path.cwd()) or default_file()


def text_of(file: Path) -> str:
    """What is in it; nothing where it is not there.

    Raises:
        InvalidConfig: it cannot be read, or is no text.
    """
    try:
        return file.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise InvalidConfig(
            f"cannot read {safe(str(file))}: {error.strerror}", hint="name another with --config"
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidConfig(
            f"{safe(str(file))}: {error}", hint="it must be text in UTF-8"
        ) from error


def check(file: Path, text: str) -> EngineConfig:
    """What an engine would make of a file that held `text`.

    Raises:
        AbiError: what would keep an engine from starting with it.
    """
    config = load(file, environ={}, sections=session.sections(), content=text.encode())
    rehearse(config)
    return config


def rehearse(config: EngineConfig) -> None:
    """Build what the settings ask for, in memory, beyond what each value alone can tell.

    Raises:
        AbiError: two settings do not go together, such as two routes with one path.
    """
    if not config.features.get("gateway", True):
        return
    with Engine(msgspec.structs.replace(config, data_dir=None)) as rehearsal:
        rehearsal.gateway.routes(limit=1)


def difference(file: Path, before: str, after: str) -> tuple[str, ...]:
    """How two contents of a file differ, line by line, without what is called like a secret."""
    lines = unified_diff(
        before.splitlines(), after.splitlines(), str(file), str(file), lineterm="", n=2
    )
    return tuple(_SECRET.sub(r"\1•••", one) for one in lines)


def save(file: Path, text: str) -> None:
    """Replace its content at once, or make it; its permissions stay.

    Raises:
        DataDirectoryError: it cannot be written, and is as it was.
    """
    target = file.resolve()  # what a link leads to is replaced, not the link
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryError(
            f"cannot write {safe(str(file))}: {error.strerror}",
            hint="choose another file with --config",
        ) from error
    write_atomically(target, text.encode(), mode=mode)
