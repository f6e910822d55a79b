"""Opens a copy of the configuration file in an editor, and puts it in place if it holds.

Refuses to put a file there that an engine would not start with, and to lose what was written.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click

from abi_engine.core.errors import AbiError, InvalidConfig, NotFound, Unavailable
from abi_engine.core.text import safe
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.config_file import check, difference, file_of, save, text_of
from abi_tui.cli.exits import Exit
from abi_tui.cli.failures import as_line, describe
from abi_tui.cli.invocation import Invocation, say

USUAL = ("sensible-editor", "nano", "vim", "vi")


class Copy(NamedTuple):
    """What is edited: the file it is of, what that held, and where the copy is."""

    file: Path
    before: str
    path: Path


def edit(invocation: Invocation) -> Exit:
    """Let somebody edit the file.

    Raises:
        UsageError: nobody is to be asked anything.
        NotFound: there is no file.
        Unavailable: there is no editor, or it failed.
        InvalidConfig: what was written does not hold.
    """
    if invocation.no_input:
        message = "config edit opens an editor, and --no-input forbids it: abi config set"
        raise click.UsageError(message, click.get_current_context(silent=True))
    file = file_of(invocation)
    if not file.is_file():
        raise NotFound(f"there is no {safe(str(file))}", hint="abi config init writes one")
    words = editor(os.environ, sys.stdin.isatty())
    before = text_of(file)
    copy = Copy(file, before, Path(tempfile.mkdtemp(prefix="abi-edit-")) / file.name)
    _write(copy.path, before)
    after = _edited(invocation, copy, words)
    if after == before:
        _forget(copy)
        kept = Change((f"leave {file} as it is: nothing was changed",))
        return carry_out(invocation, kept, lambda: None)
    change = Change((f"replace {file}",), diff=difference(file, before, after))
    done = carry_out(invocation, change, lambda: _install(copy, after))
    _forget(copy)
    return done


def editor(environ: Mapping[str, str], terminal: bool) -> list[str]:
    """The command of an editor: `$VISUAL`, `$EDITOR`, else a usual one that is here.

    Raises:
        Unavailable: there is none.
    """
    for name in ("VISUAL", "EDITOR"):
        if given := environ.get(name, "").strip():
            try:
                return shlex.split(given)
            except ValueError as error:
                raise Unavailable(
                    f"{name} is no command: {safe(given)}: {str(error).lower()}",
                    hint=f"set {name} to a program, such as nano",
                ) from error
    found = next((name for name in USUAL if shutil.which(name)), None)
    if found is None or not terminal:
        why = "there is no terminal for one" if found else "none of the usual ones is installed"
        raise Unavailable(f"no editor: {why}", hint="set VISUAL or EDITOR, or use abi config set")
    return [found]


def _edited(invocation: Invocation, copy: Copy, words: list[str]) -> str:
    """What was written, once it holds.

    Raises:
        AbiError: it does not, and nobody mends it.
    """
    while True:
        _run(words, copy)
        try:
            text = text_of(copy.path)
            if text != copy.before:
                check(copy.file, text)
        except AbiError as error:
            if not _again(invocation, error):
                raise _refused(error, copy) from error
        else:
            return text


def _run(words: list[str], copy: Copy) -> None:
    try:
        with _interrupts_left_to_the_editor():
            code = subprocess.call([*words, str(copy.path)])  # noqa: S603 - the user's own editor
    except OSError as error:
        _forget(copy)
        message = f"cannot start the editor {safe(words[0])}: {error.strerror}"
        raise Unavailable(message, hint="set VISUAL or EDITOR") from error
    if code != 0:
        kept = "" if text_of(copy.path) == copy.before else f"; the copy is kept in {copy.path}"
        if not kept:
            _forget(copy)
        message = f"the editor {safe(words[0])} ended with {code}: nothing was changed{kept}"
        raise Unavailable(message, hint="abi config edit")


@contextmanager
def _interrupts_left_to_the_editor() -> Iterator[None]:
    """Ctrl-C reaches every program on the terminal; within it only the editor acts on it."""
    # A function, for what is ignored here would be ignored by the editor too.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _again(invocation: Invocation, error: AbiError) -> bool:
    if not invocation.can_ask():
        return False
    say(f"error: {as_line(describe(error))}")
    sys.stderr.write("abi: edit it again? [Y/n] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def _refused(error: AbiError, copy: Copy) -> InvalidConfig:
    message = f"{error.message.rstrip('.')}; {copy.file} stays as it was, your copy is {copy.path}"
    return InvalidConfig(message, hint=error.hint)


def _install(copy: Copy, after: str) -> None:
    if text_of(copy.file) != copy.before:
        raise InvalidConfig(
            f"{safe(str(copy.file))} was changed by somebody else meanwhile",
            hint=f"your copy is {copy.path}",
        )
    save(copy.file, after)


def _write(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123 - opens a descriptor
        file.write(text.encode())


def _forget(copy: Copy) -> None:
    shutil.rmtree(copy.path.parent, ignore_errors=True)
