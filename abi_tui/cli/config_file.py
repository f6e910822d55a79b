"""The configuration file: where it is, what a new one holds, and how it is replaced.

Refuses to put a file there that an engine would not start with.
"""

from __future__ import annotations

import os
import re
import tomllib
from difflib import unified_diff
from pathlib import Path

import msgspec

from abi_engine.config import EngineConfig, default_file, find_file, known_sections, load
from abi_engine.core.errors import AlreadyExists, DataDirectoryError, InvalidConfig
from abi_engine.core.secret import HIDDEN
from abi_engine.core.text import safe
from abi_engine.core.toml_text import value_text
from abi_engine.engine import Engine
from abi_engine.features.gateway.config import GatewayConfig, check_files
from abi_engine.hidden import secrets_in
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
TABLES = """
# Routes, certificates and API keys, as many as needed. abi config schema has all that they know.

# [[gateway.routes]]
# path = "/users/{id}"
# upstreams = ["http://127.0.0.1:9000", "http://127.0.0.1:9001"]
# limit.rate = 50.0
# limit.burst = 100
# timeouts.total = 60.0
# retries.attempts = 1
# health_check.path = "/healthz"
# auth.keys = ["mobile.app"]

# [[gateway.keys]]
# name = "mobile.app"
# sha256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

# [[gateway.tls.certificates]]
# certificate = "/etc/abi/tls/example.com.pem"
# key = "/etc/abi/tls/example.com.key"
"""
LISTS_OF_TABLES = ("gateway.routes", "gateway.keys", "gateway.tls.certificates")
_CALLED_SECRET = re.compile(
    r"""((?:authorization|cookie|password|secret|token)["']?\s*=\s*)\S.*""", re.IGNORECASE
)
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'[^']*'")


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
    return "\n\n".join((HEAD.rstrip(), *written)) + "\n" + TABLES


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
    check_files(config.section("gateway", GatewayConfig))
    with Engine(msgspec.structs.replace(config, data_dir=None)) as rehearsal:
        rehearsal.gateway.routes(limit=1)


def difference(file: Path, before: str, after: str) -> tuple[str, ...]:
    """How two contents of a file differ, line by line, with `<hidden>` for every secret."""
    lines = unified_diff(
        before.splitlines(), after.splitlines(), str(file), str(file), lineterm="", n=2
    )
    secrets = _secrets(before) | _secrets(after)
    return tuple(_without(one, secrets) for one in lines)


def _secrets(text: str) -> frozenset[str]:
    """The secrets that a file with this content holds."""
    kinds = known_sections() | session.sections()
    tree = tomllib.loads(text)
    return frozenset().union(*(secrets_in(tree[name], kinds.get(name)) for name in tree))


def _without(line: str, secrets: frozenset[str]) -> str:
    """A line with each text that is a secret hidden, in a comment too if it is called like one."""

    def told(found: re.Match[str]) -> str:
        try:
            meant = tomllib.loads(f"text = {found[0]}")["text"]
        except tomllib.TOMLDecodeError:  # a piece of a comment
            return found[0]
        return f'"{HIDDEN}"' if meant in secrets else found[0]

    hidden = _TEXT.sub(told, line)
    return _CALLED_SECRET.sub(rf"\1{HIDDEN}", hidden) if "#" in hidden else hidden


def save(file: Path, text: str) -> None:
    """Replace its content at once, or make it; its owner and its permissions stay.

    Raises:
        DataDirectoryError: it cannot be written, and is as it was.
    """
    target = file.resolve()  # what a link leads to is replaced, not the link
    try:
        before = target.stat() if target.exists() else None
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryError(
            f"cannot write {safe(str(file))}: {error.strerror}",
            hint="choose another file with --config",
        ) from error
    if before is None:
        write_atomically(target, text.encode())
        return
    owner = before.st_uid, before.st_gid  # a service of another user reads it
    write_atomically(target, text.encode(), mode=before.st_mode & 0o777, owner=owner)
