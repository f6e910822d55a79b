from __future__ import annotations

import io
import json
import sys

import click
import pytest

from abi_tui.cli.changes import Change, Danger, carry_out
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Format, Invocation

MILD = Change(("hold the door",), undo="abi door release")
MODERATE = Change(("remove the door",), danger=Danger.MODERATE)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _do(invocation: Invocation, change: Change) -> tuple[Exit, list[str]]:
    done: list[str] = []
    return carry_out(invocation, change, lambda: done.append("done")), done


def _answers(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal(text))
    monkeypatch.setattr(Invocation, "can_ask", lambda self: True)


def test_a_mild_change_is_done_and_says_how_to_undo_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert _do(Invocation(), MILD) == (Exit.DONE, ["done"])
    out, err = capsys.readouterr()
    assert out == "done  hold the door\n"
    assert err == "abi: undo: abi door release\n"


@pytest.mark.parametrize(
    ("attribute", "value", "undo"),
    [
        ("attach", "/run/abi sock", "abi door release --attach '/run/abi sock'"),
        ("data_dir", "/data", "abi door release --data-dir /data"),
    ],
)
def test_what_undoes_a_change_reaches_the_same_engine(
    capsys: pytest.CaptureFixture[str], attribute: str, value: str, undo: str
) -> None:
    invocation = Invocation()
    setattr(invocation, attribute, value)
    _do(invocation, MILD)
    assert capsys.readouterr().err == f"abi: undo: {undo}\n"
    _do(invocation, MODERATE._replace(danger=Danger.MILD))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("change", [MILD, MODERATE])
def test_a_dry_run_does_nothing_and_says_the_same(
    capsys: pytest.CaptureFixture[str], change: Change
) -> None:
    invocation = Invocation()
    invocation.dry_run = True
    assert _do(invocation, change) == (Exit.DONE, [])
    assert capsys.readouterr() == (f"would  {change.steps[0]}\n", "")


def test_a_moderate_change_without_a_terminal_needs_a_yes() -> None:
    with pytest.raises(click.UsageError, match="--yes does it"):
        _do(Invocation(), MODERATE)


def test_a_moderate_change_with_yes_asks_nobody() -> None:
    invocation = Invocation()
    invocation.yes = True
    assert _do(invocation, MODERATE) == (Exit.DONE, ["done"])


@pytest.mark.parametrize("answer", ["y\n", "YES\n", " yes \n"])
def test_a_moderate_change_is_done_after_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    _answers(monkeypatch, answer)
    assert _do(Invocation(), MODERATE) == (Exit.DONE, ["done"])
    assert "abi: remove the door? [y/N] " in capsys.readouterr().err


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yep\n"])
def test_anything_but_yes_does_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    _answers(monkeypatch, answer)
    assert _do(Invocation(), MODERATE) == (Exit.FAILED, [])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("abi: nothing was done\n")


@pytest.mark.parametrize("dry_run", [False, True])
def test_json_has_the_plan_and_whether_it_was_carried_out(
    capsys: pytest.CaptureFixture[str], dry_run: bool
) -> None:
    invocation = Invocation()
    invocation.format, invocation.dry_run = Format.JSON, dry_run
    _do(invocation, MILD)
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "abi.change/1"
    assert document["data"] == {
        "dry_run": dry_run,
        "steps": ["hold the door"],
        "undo": "abi door release",
        "diff": [],
    }


def test_what_is_asked_about_is_shown_safely(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _answers(monkeypatch, "n\n")
    _do(Invocation(), Change(("remove \x1b[2J",), danger=Danger.MODERATE))
    assert "\x1b" not in capsys.readouterr().err
