"""`abi config edit` with real programs as editors."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from abi_tui.cli.exits import Exit
from tests.tui.cli.conftest import ABI, Call, spawn
from tests.tui.cli.terminals import on_a_terminal

FILE = "# mine\n[gateway]\nport = 8081\n"


@pytest.fixture
def file(config_file: Path) -> Path:
    config_file.write_text(FILE)
    config_file.chmod(0o640)
    return config_file


Editor = Callable[[str], Path]


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Make a shell script the editor; `$1` is the copy."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    monkeypatch.delenv("VISUAL", raising=False)

    def make(script: str) -> Path:
        program = tmp_path / "an editor"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("EDITOR", f"'{program}'")
        return program

    return make


def _copies(tmp_path: Path) -> list[Path]:
    return [one for one in (tmp_path / "temporary").rglob("*") if one.is_file()]


def test_what_holds_is_put_in_place(abi: Call, file: Path, editor: Editor, tmp_path: Path) -> None:
    editor("""sed -i 's/8081/8082/' "$1" """)
    said = abi("config", "edit")
    assert said.code == Exit.DONE, said
    assert file.read_text() == FILE.replace("8081", "8082")
    assert file.stat().st_mode & 0o777 == 0o640
    assert _copies(tmp_path) == []


def test_a_link_stays_one(abi: Call, file: Path, editor: Editor, tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    file.rename(real)
    file.symlink_to(real)
    editor("""sed -i 's/8081/8082/' "$1" """)
    assert abi("config", "edit").code == Exit.DONE
    assert file.is_symlink()
    assert "8082" in real.read_text()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("[gateway]\\nprt = 1", "unknown setting 'gateway.prt'"),
        ("[gateway", "Expected ']'"),
        ("\\377", "utf-8"),
        ('[[gateway.routes]]\\npath = "/x"\\nupstreams = ["x"]', "it is no URL"),
    ],
)
def test_what_does_not_hold_is_refused_and_kept_beside(
    abi: Call, file: Path, editor: Editor, tmp_path: Path, wrong: str, message: str
) -> None:
    editor(f"""printf '{wrong}' > "$1" """)
    said = abi("config", "edit")
    assert said.code == Exit.USAGE
    assert message in said.err
    assert file.read_text() == FILE
    (copy,) = _copies(tmp_path)
    assert f"your copy is {copy}" in said.err
    assert copy.stat().st_mode & 0o777 == 0o600


def test_the_place_that_is_named_is_of_the_file_itself(
    abi: Call, file: Path, editor: Editor
) -> None:
    editor("""printf '[gateway]\\nport = "x"\\n' > "$1" """)
    said = abi("config", "edit")
    assert f"gateway.port = 'x': expected a whole number, got text (file {file}:2)" in said.err


def test_what_was_not_changed_is_not_written(
    abi: Call, file: Path, editor: Editor, tmp_path: Path
) -> None:
    editor("true")
    before = file.stat()
    said = abi("config", "edit")
    assert said.code == Exit.DONE
    assert "nothing was changed" in said.out
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert _copies(tmp_path) == []


def test_a_file_that_was_wrong_may_stay_so(abi: Call, file: Path, editor: Editor) -> None:
    file.write_text("[gateway]\nprt = 1\n")
    editor("true")
    assert abi("config", "edit").code == Exit.DONE


def test_an_editor_that_fails_changes_nothing(
    abi: Call, file: Path, editor: Editor, tmp_path: Path
) -> None:
    editor("""echo >> "$1"; exit 3""")
    said = abi("config", "edit")
    assert said.code == Exit.UNAVAILABLE
    assert "ended with 3: nothing was changed; the copy is kept in" in said.err
    assert file.read_text() == FILE
    assert len(_copies(tmp_path)) == 1


def test_a_change_of_somebody_else_meanwhile_is_not_lost(
    abi: Call, file: Path, editor: Editor, tmp_path: Path
) -> None:
    editor(f"""echo >> "$1"; echo '# theirs' >> '{file}'""")
    said = abi("config", "edit")
    assert said.code == Exit.USAGE
    assert "was changed by somebody else meanwhile" in said.err
    assert file.read_text() == FILE + "# theirs\n"
    assert len(_copies(tmp_path)) == 1


def test_a_dry_run_shows_the_difference(abi: Call, file: Path, editor: Editor) -> None:
    editor("""sed -i 's/8081/8082/' "$1" """)
    said = abi("config", "edit", "--dry-run")
    assert "-port = 8081" in said.out
    assert "+port = 8082" in said.out
    assert file.read_text() == FILE


def test_visual_comes_before_editor(
    abi: Call, file: Path, editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor("exit 1")
    monkeypatch.setenv("VISUAL", "sed -i s/8081/8083/")
    assert abi("config", "edit").code == Exit.DONE
    assert "8083" in file.read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("/no/such/editor", "cannot start the editor /no/such/editor: No such file"),
        ("'", "EDITOR is no command: ': no closing quotation"),
    ],
)
def test_an_editor_that_is_none_is_said(
    abi: Call,
    file: Path,
    editor: Editor,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    given: str,
    message: str,
) -> None:
    monkeypatch.setenv("EDITOR", given)
    said = abi("config", "edit")
    assert said.code == Exit.UNAVAILABLE
    assert message in said.err
    assert _copies(tmp_path) == []


def test_without_an_editor_or_a_terminal_it_says_what_to_set(file: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("EDITOR", "VISUAL")}
    said = spawn("config", "edit", env=environment)
    assert said.code == Exit.UNAVAILABLE
    assert "(set VISUAL or EDITOR, or use abi config set)" in said.err


def test_without_a_file_it_says_how_to_get_one(abi: Call, config_file: Path) -> None:
    said = abi("config", "edit")
    assert said.code == Exit.NOT_FOUND
    assert "(abi config init writes one)" in said.err


def test_no_input_forbids_it(abi: Call, file: Path) -> None:
    assert abi("config", "edit", "--no-input").code == Exit.USAGE


def test_on_a_terminal_it_can_be_edited_again(file: Path, editor: Editor, tmp_path: Path) -> None:
    editor(
        """if grep -q wrong "$1"; then sed -i 's/wrong = 1/port = 8090/' "$1"
        else printf '[gateway]\\nwrong = 1\\n' > "$1"; fi"""
    )
    with on_a_terminal(("sh",), tmp_path, tmp_path / "record") as shell:
        shell.send(f"ABI_CONFIG='{file}' {' '.join(ABI)} config edit; echo EN''DED\n")
        assert "unknown setting 'gateway.wrong'" in shell.until("edit it again? [Y/n] ")
        shell.send("\n")
        shell.until("ENDED")
    assert file.read_text() == "[gateway]\nport = 8090\n"


def test_ctrl_c_is_left_to_the_editor(file: Path, editor: Editor, tmp_path: Path) -> None:
    editor(
        """trap 'echo "[gateway]" > "$1"; exit 0' INT; echo ready; while :; do sleep 0.1; done"""
    )
    with subprocess.Popen(
        [*ABI, "config", "edit"], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        assert process.returncode == Exit.DONE
    assert file.read_text() == "[gateway]\n"
