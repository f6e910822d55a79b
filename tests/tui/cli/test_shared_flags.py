from __future__ import annotations

import io
import sys

import click
import pytest

from abi_tui.cli.command import command, group
from abi_tui.cli.invocation import Format, Invocation
from abi_tui.cli.options import shared_options
from tests.tui.cli.conftest import Call


def _seen(*words: str) -> Invocation:
    """What a command two levels down sees of the flags."""
    found: list[Invocation] = []

    @group("top")
    def top() -> None: ...

    @top.command("leaf", cls=type(command("leaf")(lambda: None)))
    @click.pass_obj
    def leaf(invocation: Invocation) -> None:
        found.append(invocation)

    with top.make_context("top", list(words), obj=Invocation()) as ctx:
        top.invoke(ctx)
    return found[0]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(
    ("flags", "name", "value"),
    [
        (("-q",), "quiet", True),
        (("-vv",), "verbose", 2),
        (("--color", "never"), "color", "never"),
        (("--no-input",), "no_input", True),
        (("-n",), "dry_run", True),
        (("-y",), "yes", True),
        (("--attach", "ssh://host"), "attach", "ssh://host"),
        (("--config", "x.toml"), "config", "x.toml"),
        (("--data-dir", "/x"), "data_dir", "/x"),
        (("--timeout", "2.5"), "timeout", 2.5),
        (("--limit", "7"), "limit", 7),
        (("--json",), "format", Format.JSON),
        (("--jsonl",), "format", Format.JSONL),
        (("--csv",), "format", Format.CSV),
        (("--plain",), "format", Format.PLAIN),
        (("--enable", "cache", "--disable", "web"), "switches", {"cache": True, "web": False}),
        (("--set", "a.b=c=d"), "settings", {"a.b": "c=d"}),
    ],
)
def test_a_flag_means_the_same_on_every_level(
    place: int, flags: tuple[str, ...], name: str, value: object
) -> None:
    words = ("leaf", *flags) if place else (*flags, "leaf")
    assert getattr(_seen(*words), name) == value


def test_every_shared_flag_is_tried_above() -> None:
    assert len(shared_options()) == 18


def test_the_innermost_flag_wins() -> None:
    assert _seen("--limit", "1", "leaf", "--limit", "2").limit == 2


def test_a_flag_that_is_not_given_further_in_does_not_undo_one_further_out() -> None:
    assert _seen("--json", "leaf").format is Format.JSON


def test_switches_and_settings_become_flags_of_the_configuration() -> None:
    seen = _seen("--disable", "gateway", "leaf", "--set", "engine.log_level=debug")
    assert seen.flags == {"features.gateway": "false", "engine.log_level": "debug"}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("color", "environment", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {}, True, False),
    ],
)
def test_colours_go_to_terminals_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
    color: str,
    environment: dict[str, str],
    terminal: bool,
    expected: bool,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    invocation = Invocation()
    invocation.color = color
    assert invocation.colored(_Terminal() if terminal else io.StringIO()) is expected


def test_plain_has_no_colour_whatever_was_asked_for() -> None:
    invocation = Invocation()
    invocation.format, invocation.color = Format.PLAIN, "always"
    assert not invocation.colored(_Terminal())


def test_colour_can_be_had_in_a_pipe(abi: Call) -> None:
    assert "\x1b[" in abi("version", "--color", "always").out
    assert "\x1b[" not in abi("version").out


def test_quiet_says_nothing_but_errors(capsys: pytest.CaptureFixture[str]) -> None:
    invocation = Invocation()
    invocation.quiet = True
    invocation.note("x")
    invocation.warn("y")
    invocation.flush_notes()
    assert capsys.readouterr().err == ""


def test_with_json_notes_wait_until_the_command_has_succeeded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    invocation = Invocation()
    invocation.format = Format.JSON
    invocation.note("later")
    assert capsys.readouterr().err == ""
    invocation.flush_notes()
    assert capsys.readouterr().err == "abi: later\n"


def test_nobody_is_asked_where_there_is_no_terminal_or_it_was_forbidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invocation = Invocation()
    monkeypatch.setattr(sys, "stdin", _Terminal())
    monkeypatch.setattr(sys, "stderr", _Terminal())
    assert invocation.can_ask()
    invocation.no_input = True
    assert not invocation.can_ask()
    invocation.no_input = False
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert not invocation.can_ask()
