"""One run of the command line: the flags every command shares, and the talk on stderr.

Refuses to touch stdout: that is for the answer, and `output` gives it.
"""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import TextIO


class Format(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class Invocation:
    """What was asked for on every level of the command line, the innermost last.

    Attributes:
        format: how the answer is written.
        color: `auto`, `always` or `never`.
        quiet, verbose: less and more talk on stderr.
        no_input: never ask; dry_run: say what would be done, and do nothing; yes: do not ask.
        attach: a control socket or `ssh://host`, where the engine is not the usual one.
        config, data_dir: the file to read, the directory to use.
        timeout: how many seconds to wait for an engine, or for its answer.
        limit: how many rows.
        switches: features switched on or off for this run; settings: by dotted key.
    """

    def __init__(self) -> None:
        self.format = Format.TABLE
        self.color = "auto"
        self.quiet = False
        self.verbose = 0
        self.no_input = False
        self.dry_run = False
        self.yes = False
        self.attach: str | None = None
        self.config: str | None = None
        self.data_dir: str | None = None
        self.timeout: float | None = None
        self.limit: int | None = None
        self.switches: dict[str, bool] = {}
        self.settings: dict[str, str] = {}
        self._held: list[str] = []

    @property
    def flags(self) -> dict[str, str]:
        """What the flags say about the configuration, by dotted key."""
        switched = {f"features.{name}": str(on).lower() for name, on in self.switches.items()}
        return switched | self.settings

    @property
    def machine(self) -> bool:
        """Whether a program reads the answer."""
        return self.format in (Format.JSON, Format.JSONL, Format.CSV)

    def note(self, text: str) -> None:
        """Say something on stderr, unless it was asked to be quiet.

        With `--json` it waits for `flush_notes`: a command that fails has one line to say.
        """
        if self.quiet:
            return
        if self.format is Format.JSON:
            self._held.append(text)
        else:
            say(text)

    def warn(self, text: str) -> None:
        """Say on stderr that something may not be what was wanted."""
        self.note(f"warning: {text}")

    def detail(self, text: str) -> None:
        """Say something on stderr where more talk was asked for."""
        if self.verbose:
            self.note(text)

    def flush_notes(self) -> None:
        """Say what was held back."""
        for text in self._held:
            say(text)
        self._held.clear()

    def can_ask(self) -> bool:
        """Whether somebody is there to answer a question."""
        return not self.no_input and is_terminal(sys.stdin) and is_terminal(sys.stderr)

    def colored(self, stream: TextIO) -> bool:
        """Whether colours belong on a stream."""
        if self.format is Format.PLAIN or self.color == "never":
            return False
        if self.color == "always":
            return True
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return not plain and is_terminal(stream)


def say(text: str) -> None:
    """One line on stderr, with the program's name."""
    if sys.stderr is not None:
        sys.stderr.write(f"abi: {text}\n")
        sys.stderr.flush()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is there, open, and a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it was closed
        return False
