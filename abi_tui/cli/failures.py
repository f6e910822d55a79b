"""How an error is said: one line, lower case, with the way out; as JSON where JSON was asked for.

Refuses to show a traceback unless `ABI_DEBUG=1`: it goes into a file whose path is said.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple, cast

import click

from abi_engine.core.text import safe
from abi_tui.cli.command import UnknownName
from abi_tui.cli.exits import Exit, exit_of
from abi_tui.cli.invocation import Format, Invocation, say
from abi_tui.cli.options import debugging

if TYPE_CHECKING:
    from abi_engine.core.errors import AbiError

SCHEMA = "abi.error/1"
MESSAGE_SIZE = 2000

_NOT_ONE_OF = re.compile(r"'([^']*)' is not one of ")
_RANGES = tuple(
    (re.compile(rf"is not in the range {click_says}\.?$"), ours)
    for click_says, ours in (
        (r"(\S+?)<=x<=(\S+?)", r"is not from \1 to \2"),
        (r"(\S+?)<x<=(\S+?)", r"is not above \1 and at most \2"),
        (r"x>=(\S+?)", r"is not at least \1"),
        (r"x>(\S+?)", r"is not above \1"),
    )
)
_NO_VALUE = re.compile(r"Option '([^']*)' requires (?:an argument|\d+ arguments)")
_TOO_MANY = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)
_TYPES = {
    "a valid integer range": "a whole number",
    "a valid integer": "a whole number",
    "a valid float range": "a number",
    "a valid float": "a number",
}


class Failure(NamedTuple):
    """What is said of an error.

    Attributes:
        code: a stable word; message: what failed with which value; hint: the way out.
        exit: the code of the process.
        more: further facts for programs.
    """

    code: str
    message: str
    hint: str
    exit: Exit
    more: dict[str, object]


def fail(error: Exception, invocation: Invocation, arguments: Sequence[str]) -> Exit:
    """Say what went wrong, and tell the exit code."""
    machine = invocation.format in (Format.JSON, Format.JSONL) or _asked_for_json(arguments)
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not machine:
        sys.stderr.write(error.message + "\n")
        return Exit.USAGE
    failure = describe(error)
    if machine:
        sys.stderr.write(as_json(failure) + "\n")
    else:
        say(f"error: {as_line(failure)}")
    return failure.exit


def describe(error: Exception) -> Failure:
    """What is said of an error, whatever its kind."""
    if isinstance(error, click.UsageError):
        return _of_usage(error)
    if isinstance(error, click.ClickException):
        return Failure("failed", error.message, "", Exit.FAILED, {})
    known = _of_the_engine(error)
    if known is not None:
        return _of_engine(known)
    if isinstance(error, OSError) and not debugging():
        return _of_system(error)
    return _of_defect(error)


def as_line(failure: Failure) -> str:
    """`no index named 'docz'. did you mean 'docs'? (abi search index list)`, safe to show."""
    message = safe(failure.message, limit=MESSAGE_SIZE).rstrip(".")
    hint = safe(failure.hint, limit=MESSAGE_SIZE)
    if hint.startswith("did you mean"):
        return f"{message}. {hint}"
    return f"{message} ({hint})" if hint else message


def as_json(failure: Failure) -> str:
    """One line of JSON, in ASCII."""
    data = {
        "code": failure.code,
        "message": failure.message,
        "hint": failure.hint,
        "exit_code": int(failure.exit),
        **failure.more,
    }
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"schema": SCHEMA, "at": at, "data": data})


def _of_the_engine(error: Exception) -> AbiError | None:
    """The error, if it is of the engine's family, which may not have been loaded at all."""
    errors = sys.modules.get("abi_engine.core.errors")
    if errors is None or not isinstance(error, errors.AbiError):
        return None
    return cast("AbiError", error)


def _of_engine(error: AbiError) -> Failure:
    more = {
        "category": str(error.category),
        "severity": str(error.severity),
        "retryable": error.retryable,
        "details": error.details,
    }
    return Failure(error.code, error.message, error.hint, exit_of(error.code), more)


def _asked_for_json(arguments: Sequence[str]) -> bool:
    """Whether the words say so, where they could not be read to the end."""
    own = list(arguments[: arguments.index("--")] if "--" in arguments else arguments)
    return "--json" in own or "--jsonl" in own


def _of_usage(error: click.UsageError) -> Failure:
    ctx = getattr(error, "ctx", None)
    path = ctx.command_path.split()[1:] if ctx is not None else []
    way_out = " ".join(("abi", "help", *path))
    near = _nearest(error)
    hint = f"did you mean '{near}'? ({way_out})" if near else way_out
    return Failure("usage", _usage_message(error), hint, Exit.USAGE, {})


def _nearest(error: click.UsageError) -> str:
    if isinstance(error, UnknownName):
        return error.near
    if isinstance(error, click.NoSuchOption):
        if error.option_name == "--version":
            return "abi version"
        return error.possibilities[0] if error.possibilities else ""
    if isinstance(error, click.BadParameter) and error.param is not None:
        return _nearest_choice(error.message, error.param.type)
    return ""


def _nearest_choice(message: str, kind: object) -> str:
    found = _NOT_ONE_OF.match(message)
    if found is None or not isinstance(kind, click.Choice):
        return ""
    near = get_close_matches(found[1], [str(one) for one in kind.choices], n=1)
    return near[0] if near else ""


def _usage_message(error: click.UsageError) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"{error.ctx.command_path}: a command is missing"
    if isinstance(error, click.NoSuchOption):
        return f"no option {error.option_name}"
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return f"{_parameter(error)} is missing"
    if isinstance(error, click.BadParameter):
        return f"{_parameter(error)}: {_lower(error.message)}"
    return _plainly(error.format_message())


def _plainly(message: str) -> str:
    """Two messages of click's in words of ours, the others as they are."""
    if found := _NO_VALUE.match(message):
        return f"{found[1]} needs a value"
    if found := _TOO_MANY.match(message):
        return f"unexpected: {found[1]}"
    return _lower(message)


def _parameter(error: click.BadParameter) -> str:
    if isinstance(error.param, click.Argument):
        return error.param.human_readable_name
    return max(error.param.opts, key=len) if error.param is not None else "value"


def _lower(sentence: str) -> str:
    """A sentence of click's as ours: lower case at the start, no full stop at the end."""
    for pattern, ours in _RANGES:
        sentence = pattern.sub(ours, sentence)
    first = sentence.split(" ", 1)[0]
    for word, ours in _TYPES.items():
        sentence = sentence.replace(word, ours)
    small = sentence if first.isupper() and len(first) > 1 else sentence[:1].lower() + sentence[1:]
    return small.rstrip(".")


def _of_system(error: OSError) -> Failure:
    """What the operating system refused; whatever asked for it should have said more."""
    where = f"{error.filename}: " if error.filename else ""
    message = f"{where}{error.strerror or error}"
    return Failure("io", message, "ABI_DEBUG=1 shows where", Exit.FAILED, {})


def _of_defect(error: Exception) -> Failure:
    message = f"a defect of abi: {type(error).__name__}: {error}"
    if debugging():
        traceback.print_exception(error, file=sys.stderr)
        return Failure("internal", message, "", Exit.FAILED, {})
    path = _keep_traceback(error)
    hint = f"traceback in {path}; ABI_DEBUG=1 shows it" if path else "ABI_DEBUG=1 shows where"
    return Failure("internal", message, hint, Exit.FAILED, {"traceback": path})


def _keep_traceback(error: Exception) -> str:
    """The path of a file with the traceback; empty where none can be written."""
    text = "".join(traceback.format_exception(error))
    try:
        descriptor, path = tempfile.mkstemp(prefix="abi-traceback-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return ""
    return path
