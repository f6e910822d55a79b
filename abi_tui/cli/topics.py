"""The topics of `abi help` that are no commands. Refuses to say what the code does not."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click

from abi_tui.cli.command import UnknownName
from abi_tui.cli.exits import MEANINGS
from abi_tui.cli.options import environment_topic, shared_options

NAMES = ("exit-codes", "environment", "formats", "config", "options")

_FORMATS = (
    ("(none)", "aligned columns; long texts are cut, and stderr says so"),
    ("--plain", "the same without colour, nothing cut"),
    ("--json", 'one document: {"schema": "abi.gateway.routes/1", "at": …, "data": …}'),
    ("--jsonl", "one object a line; with --watch one document a line"),
    ("--csv", "a header of dotted names and the rows"),
)
_FORMAT_RULES = """\
stdout has the answer and nothing else; what else there is to say goes to stderr. A command that
fails with --json writes nothing to stdout and one line of JSON to stderr. Keys have their unit in
the name (p99_ms). A key may be added to a schema; changing or dropping one raises its number."""

_CONFIG = """\
Each layer wins over the one before: defaults, the file, the environment, flags.

The file is --config FILE, else ABI_CONFIG, else ./abi.toml, else the one that abi config path
names. Environment variables with two underscores are settings: ABI_GATEWAY__PORT=8088 is
gateway.port. Flags are --set gateway.port=8088, --enable NAME and --disable NAME.

An unknown key, or a value that is out of range, is an error with its place.

  abi config init               write a file with every setting, commented out
  abi config show --origin      every setting in force, and where it comes from
  abi config set gateway.port 8088
  abi config validate"""


def alone(path: tuple[str, ...], root: click.Command) -> bool:
    """Whether a path leads to a topic, and to no command of that name."""
    if len(path) != 1 or path[0] not in NAMES:
        return False
    names = root.list_commands(click.Context(root)) if isinstance(root, click.Group) else []
    return path[0] not in names


def text(name: str) -> str:
    """A topic for people."""
    if name == "config":
        return f"{_CONFIG}\n"
    if name == "formats":
        return f"{_columns(_FORMATS)}\n\n{_FORMAT_RULES}\n"
    return _columns(_rows(name)) + "\n"


def data(name: str) -> Any:
    """A topic for programs."""
    if name == "config":
        return {"topic": name, "text": _CONFIG}
    rows = [{"name": left, "meaning": right} for left, right in _rows(name)]
    return {"topic": name, "rows": rows}


def exit_codes() -> tuple[tuple[str, str], ...]:
    """Every exit code with its meaning."""
    return tuple((str(int(code)), meaning) for code, meaning in MEANINGS.items())


def suggest(error: click.UsageError, path: tuple[str, ...]) -> click.UsageError:
    """The same error, with a topic where one is nearer than any command."""
    near = get_close_matches(path[-1], NAMES, n=1) if len(path) == 1 else []
    if near and not getattr(error, "near", ""):
        return UnknownName(f"no command or topic named '{path[0]}'", near[0], error.ctx)
    return error


def _rows(name: str) -> tuple[tuple[str, str], ...]:
    if name == "exit-codes":
        return exit_codes()
    if name == "environment":
        return environment_topic()
    if name == "formats":
        return _FORMATS
    help_row = ("-h, --help", "Show help and leave.")
    shown = ((", ".join(one.opts), one) for one in shared_options())
    return (
        help_row,
        *((f"{names} {one.metavar or ''}".strip(), one.help or "") for names, one in shown),
    )


def _columns(rows: tuple[tuple[str, str], ...]) -> str:
    width = max(len(left) for left, _ in rows)
    return "\n".join(f"{left:{width}}  {right}" for left, right in rows)
