"""Puts a completion script where its shell looks for it. Refuses to change a file of yours unasked.

Its own files carry a mark, by which they are known again; a file without it is never replaced.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import click

from abi_engine.core.errors import AlreadyExists, DataDirectoryError
from abi_engine.core.text import safe
from abi_engine.runtime.files import write_atomically
from abi_tui.cli.changes import Change, carry_out, confirmed
from abi_tui.cli.completion import MARK, SHELLS
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.views.detail import command_line

NAMES = {"bash": "bash", "zsh": "zsh", "fish": "fish", "pwsh": "powershell"}
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")


class Place(NamedTuple):
    """Where a shell's script goes.

    Attributes:
        file: the script.
        startup: the file of the user's own that must tell the shell of it; None where none must.
        first, last: lines to add at the beginning and at the end of that one.
        known: a text that is in it once it does.
    """

    file: Path
    startup: Path | None = None
    first: str = ""
    last: str = ""
    known: str = ""


def install(invocation: Invocation, shell: str | None, script: Callable[[str], str]) -> Exit:
    """Write the script, and where it takes a line in a start-up file, ask to add that.

    Raises:
        UsageError: no shell was named, and none is seen.
        AlreadyExists: another file has the name.
        DataDirectoryError: it cannot be written.
    """
    chosen = shell or called_by(os.environ, os.getppid())
    where = place(chosen, os.environ)
    text = script(chosen)
    there = _read(where.file)
    if there and MARK not in there:
        raise AlreadyExists(
            f"{safe(str(where.file))} is there already, and not from abi",
            hint=f"move it away, or put the script elsewhere: abi completions {chosen} > FILE",
        )
    step = f"write the completion for {chosen} into {where.file}"
    if there == text:
        step = f"leave {where.file} as it is: it is up to date"
    undo = "" if there == text else command_line("rm", str(where.file))
    carry_out(invocation, Change((step,), undo), lambda: _save(where.file, text, 0o644))
    if where.startup is not None and where.known not in _read(where.startup):
        _tell_the_shell(invocation, where)
    elif not invocation.dry_run:
        invocation.note(f"a new {chosen} has it{_needs(chosen, where.file)}")
    return Exit.DONE


def place(shell: str, environ: Mapping[str, str]) -> Place:
    """Where the script of a shell goes, for the user of this environment."""
    home = Path(environ.get("HOME") or Path.home())
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    if shell == "bash":
        own = environ.get("BASH_COMPLETION_USER_DIR", "").split(":")[0]
        return Place(Path(own or data / "bash-completion") / "completions" / "abi")
    if shell == "fish":
        return Place(config / "fish" / "completions" / "abi.fish")
    if shell == "powershell":
        file = config / "powershell" / "abi-completion.ps1"
        profile = config / "powershell" / "Microsoft.PowerShell_profile.ps1"
        return Place(file, profile, last=f". '{_doubled(str(file))}'", known=file.name)
    return _zsh(data, Path(environ.get("ZDOTDIR") or home))


def called_by(environ: Mapping[str, str], parent: int) -> str:
    """The shell that started this process, else the user's own.

    Raises:
        UsageError: neither is one that is known.
    """
    for name in (_command_of(parent), Path(environ.get("SHELL", "")).name):
        if name in NAMES:
            return NAMES[name]
    message = f"which shell? one of {', '.join(SHELLS)}"
    raise click.UsageError(message, click.get_current_context(silent=True))


def _zsh(data: Path, home: Path) -> Place:
    file = data / "zsh" / "site-functions" / "_abi"
    startup = home / ".zshrc"
    starts = "" if "compinit" in _read(startup) else "autoload -Uz compinit && compinit"
    quoted = command_line(str(file.parent))
    return Place(file, startup, f"fpath=({quoted} $fpath)", starts, str(file.parent))


def _tell_the_shell(invocation: Invocation, where: Place) -> None:
    """Add the lines to the start-up file, after a yes; else say what they are."""
    assert where.startup is not None
    shown = " and ".join(f"'{one}'" for one in (where.first, where.last) if one)
    step = f"add {shown} to {where.startup}"
    if invocation.dry_run or not (invocation.yes or invocation.can_ask()):
        word = "it would ask to" if invocation.dry_run else "left to do, --yes does it:"
        invocation.note(f"{word} {safe(step)}")
        return
    if not confirmed(invocation, (step,)):
        invocation.note(f"left to do: {safe(step)}")
        return
    before = _read(where.startup)
    kept = before if not before or before.endswith("\n") else f"{before}\n"
    first = f"{where.first}  # {MARK}\n" if where.first else ""
    last = f"{where.last}  # {MARK}\n" if where.last else ""
    _save(where.startup, f"{first}{kept}{last}", 0o644)
    invocation.note(f"added {safe(shown)} to {safe(str(where.startup))}; a new shell has it")


def _needs(shell: str, file: Path) -> str:
    if shell == "bash" and not BASH_COMPLETION.exists():
        source = safe(command_line("source", str(file)))
        return f" once bash-completion is installed; until then, in ~/.bashrc: {source}"
    return ""


def _command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:  # it has left, or this system has no /proc
        return ""


def _read(file: Path) -> str:
    """Its text; empty where there is no such file.

    Raises:
        DataDirectoryError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise DataDirectoryError(
            f"cannot read {safe(str(file))}: {error.strerror}", hint="abi completions --help"
        ) from error


def _save(file: Path, text: str, mode: int) -> None:
    target = file.resolve()  # it may be a link into a collection of such files
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            mode = target.stat().st_mode & 0o777
    except OSError as error:
        raise DataDirectoryError(
            f"cannot write {safe(str(file))}: {error.strerror}",
            hint="print it instead: abi completions SHELL",
        ) from error
    if _read(target) != text:
        write_atomically(target, text.encode("utf-8", "surrogateescape"), mode=mode)


def _doubled(text: str) -> str:
    return text.replace("'", "''")
