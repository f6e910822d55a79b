from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest

from abi_engine.core.errors import AbiError, EngineBusy, NotFound
from abi_tui.cli.exits import Exit
from abi_tui.cli.failures import as_line, describe, fail
from abi_tui.cli.invocation import Format, Invocation
from tests.tui.cli.conftest import Call


def _line(error: Exception) -> str:
    return as_line(describe(error))


def test_the_way_out_stands_in_brackets() -> None:
    error = NotFound("no index named 'docz'", hint="abi search index list")
    assert _line(error) == "no index named 'docz' (abi search index list)"


def test_a_near_name_is_a_sentence_of_its_own() -> None:
    error = NotFound("no index named 'docz'", hint="did you mean 'docs'? (abi search index list)")
    assert _line(error) == "no index named 'docz'. did you mean 'docs'? (abi search index list)"


def test_an_error_stays_on_one_line_whatever_is_in_it() -> None:
    assert _line(AbiError("a\nb\x1b[2J", hint="c\r\nd")) == "a\\nb\\x1b[2J (c\\r\\nd)"


def test_an_error_without_a_way_out_has_no_brackets() -> None:
    assert _line(AbiError("it broke")) == "it broke"


def test_a_very_long_message_is_cut() -> None:
    assert len(_line(AbiError("x" * 100_000))) < 3000


def test_an_error_of_the_engine_keeps_its_code_and_details() -> None:
    failure = describe(EngineBusy("in use", pid=7))
    assert failure.code == "engine_busy"
    assert failure.exit is Exit.UNAVAILABLE
    assert failure.more["details"] == {"pid": 7}
    assert failure.more["retryable"] is True


def test_what_click_says_becomes_lower_case_without_a_full_stop() -> None:
    assert (
        _line(click.UsageError("Got an unexpected thing.")) == "got an unexpected thing (abi help)"
    )


def test_a_failure_that_is_no_usage_is_one_and_not_two() -> None:
    assert describe(click.ClickException("cannot write")).exit is Exit.FAILED


def test_json_has_one_line_on_stderr_and_nothing_on_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    invocation = Invocation()
    invocation.format = Format.JSON
    invocation.note("not to be said: the command fails")
    assert fail(NotFound("no 'x'", hint="look", near="y"), invocation, ()) is Exit.NOT_FOUND
    out, err = capsys.readouterr()
    assert out == ""
    document = json.loads(err)
    assert err.count("\n") == 1
    assert document["schema"] == "abi.error/1"
    assert document["data"] == {
        "code": "not_found",
        "message": "no 'x'",
        "hint": "look",
        "exit_code": 3,
        "category": "validation",
        "severity": "error",
        "retryable": False,
        "details": {"near": "y"},
    }


def test_a_command_line_that_cannot_be_read_is_json_where_json_was_asked_for(abi: Call) -> None:
    said = abi("gateway", "routes", "lits", "--json")
    assert said.code == Exit.USAGE
    assert said.error["hint"] == "did you mean 'list'? (abi help gateway routes)"


def test_a_defect_keeps_its_traceback_in_a_file_whose_path_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert fail(_defect(), Invocation(), ()) is Exit.FAILED
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "abi: error: a defect of abi: ZeroDivisionError: " in err
    (file,) = tmp_path.iterdir()
    assert str(file) in err
    assert "ZeroDivisionError" in file.read_text()
    assert oct(file.stat().st_mode & 0o777) == "0o600"


def test_what_the_system_refused_is_one_line_with_the_file() -> None:
    assert _line(PermissionError(13, "Permission denied", "/x")) == (
        "/x: Permission denied (ABI_DEBUG=1 shows where)"
    )


def test_a_defect_shows_its_traceback_where_that_was_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABI_DEBUG", "1")
    fail(_defect(), Invocation(), ())
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_defect_without_a_place_for_its_traceback_says_how_to_see_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    fail(_defect(), Invocation(), ())
    assert "(ABI_DEBUG=1 shows where)" in capsys.readouterr().err


def _defect() -> Exception:
    try:
        os.truncate("", 1 // 0)
    except ZeroDivisionError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("verson",), "no command named 'verson'. did you mean 'version'? (abi help)"),
        (("--version",), "no option --version. did you mean 'abi version'? (abi help)"),
        (("zzz",), "no command named 'zzz' (abi help)"),
        (("version", "--jsn"), "no option --jsn. did you mean '--json'? (abi help version)"),
        (("version", "more"), "unexpected: more (abi help version)"),
        (("gateway", "match"), "PATH is missing (abi help gateway match)"),
        (("version", "--timeout", "x"), "--timeout: 'x' is not a number (abi help version)"),
        (("version", "--limit"), "--limit needs a value (abi help version)"),
        (("version", "--json", "--csv"), "--csv and --json exclude each other (abi help version)"),
        (("version", "--set", "port"), "--set port: expected SECTION.KEY=VALUE (abi help version)"),
        (("version", "--limit", "0"), "--limit: 0 is not from 1 to 100000 (abi help version)"),
        (("version", "--timeout", "0"), "--timeout: 0.0 is not above 0 and at most 86400 (abi"),
        (
            ("gateway", "routes", "add", "/x", "u", "--rate", "-1"),
            "--rate: -1.0 is not above 0 (abi",
        ),
        (
            ("gateway", "routes", "add", "/x", "u", "--burst", "0"),
            "--burst: 0 is not at least 1 (abi",
        ),
        (
            ("gateway", "breakers", "force", "u", "opn"),
            "STATE: 'opn' is not one of 'open', 'closed', 'release'. did you mean 'open'?",
        ),
        (("dashbord",), "no command named 'dashbord'. did you mean 'dashboard'? (abi help)"),
        (("cahce",), "no command named 'cahce'. did you mean 'cache'? (abi help)"),
    ],
)
def test_a_wrong_command_line_gets_one_clear_line(
    abi: Call, words: tuple[str, ...], message: str
) -> None:
    said = abi(*words)
    assert said.code == Exit.USAGE
    assert said.out == ""
    if "--json" not in words:
        assert said.err.startswith(f"abi: error: {message}")
        assert said.err.count("\n") == 1
    else:
        assert said.error["message"] == message.partition(" (abi")[0]
