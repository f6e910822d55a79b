"""The script for PowerShell, read by a small strict reader: no PowerShell is at hand to run it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abi_tui.cli import completion, root, tree

GOLDEN = Path(__file__).parent / "completions" / "small.ps1"

TOKENS = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<single>'(?:[^'\u2018\u2019\u201a\u201b]|''|\u2018\u2018|\u2019\u2019)*')
      | (?P<double>"(?:[^"`$]|`.|\$[A-Za-z]\w*)*")
      | (?P<open>[({\[]|@[({])
      | (?P<close>[)}\]])
      | (?P<splat>@[A-Za-z]\w*)
      | (?P<variable>\$[A-Za-z]\w*)
      | (?P<redirection>2>\$null)
      | (?P<number>\d+)
      | (?P<operator>-(?:eq|ne|ge|gt|in|is|not|and|ceq|clike|cmatch|cnotmatch|creplace
          |ccontains|split)\b)
      | (?P<parameter>-[A-Z][A-Za-z]*)
      | (?P<word>[A-Za-z][\w-]*)
      | (?P<mark>\+=|::|[-+=,;|&.])
      | (?P<space>\s+)
    """,
    re.VERBOSE,
)
PAIRS = {"(": ")", "{": "}", "[": "]"}
ROW = re.compile(r"    '((?:[^']|'')*)' = '((?:[^']|'')*)'")

SMALL: dict[str, Any] = {
    "path": [],
    "options": [],
    "arguments": [],
    "shared_options": [
        {"flags": ["-q"], "value": "", "choices": [], "help": "Don't talk.", "live": ""},
        {"flags": ["--config"], "value": "FILE", "choices": [], "help": "A file.", "live": ""},
    ],
    "commands": [
        {
            "path": ["show"],
            "summary": "it's \u2018here\u2019",
            "aliases": ["view"],
            "options": [
                {
                    "flags": ["-s", "--sort"],
                    "value": "NAME",
                    "choices": ["up", "down"],
                    "help": "The order.",
                    "live": "",
                }
            ],
            "arguments": [{"name": "PATH", "choices": [], "live": "routes"}],
        }
    ],
}


def tokens(script: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(script):
        found = TOKENS.match(script, at)
        assert found, f"no token of PowerShell: {script[at : at + 60]!r}"
        assert found.lastgroup is not None
        yield found.lastgroup, found[0]
        at = found.end()


@pytest.fixture(scope="module")
def script() -> str:
    return completion.script("powershell", tree.described_tree(root.root()))


def test_it_is_made_of_tokens_and_every_bracket_is_closed(script: str) -> None:
    expected = []
    for kind, text in tokens(script):
        if kind == "open":
            expected.append(PAIRS[text[-1]])
        elif kind == "close":
            assert expected.pop() == text
    assert expected == []


def test_the_reader_refuses_a_quote_that_is_open() -> None:
    with pytest.raises(AssertionError, match="no token"):
        list(tokens("$x = 'it's'"))


def test_no_table_has_a_key_twice_whatever_its_case(script: str) -> None:
    """A table that is written so is an error for PowerShell, which tells no case apart."""
    for table in re.findall(r"= @\{\n(.*?)\n  \}", script, re.DOTALL):
        keys = Counter(key.lower() for key, _ in ROW.findall(table))
        assert [key for key, count in keys.items() if count > 1] == []
        assert len(ROW.findall(table)) == len([one for one in table.splitlines() if one])


def test_a_small_tree_gives_the_script_that_is_kept() -> None:
    written = completion.script("powershell", SMALL)
    assert written == GOLDEN.read_text(encoding="utf-8"), "look at it, then write it there"
