"""Scripts put where shells look: once, with a way to undo it, and no file of the user's unasked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from abi_tui.cli import completion_install
from tests.tui.cli.conftest import Call, spawn

HERE = {"bash": "bash", "zsh": "zsh", "fish": "fish", "powershell": "pwsh"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "home dir"
    found.mkdir()
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR", "BASH_COMPLETION_USER_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(found))
    return found


def _all(home: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(home)): one.read_bytes() for one in home.rglob("*") if one.is_file()
    }


def _with_abi(home: Path) -> Path:
    """A directory with a program of that name: fish completes none that is not there."""
    program = home / "bin" / "abi"
    program.parent.mkdir()
    program.touch(0o755)
    return program.parent


PLACES = {
    "bash": ".local/share/bash-completion/completions/abi",
    "zsh": ".local/share/zsh/site-functions/_abi",
    "fish": ".config/fish/completions/abi.fish",
    "powershell": ".config/powershell/abi-completion.ps1",
}


@pytest.mark.parametrize(("shell", "place"), PLACES.items())
def test_the_script_goes_where_the_shell_looks(
    abi: Call, home: Path, shell: str, place: str
) -> None:
    said = abi("completions", "install", shell)
    assert said.code == 0
    assert _all(home) == {place: abi("completions", shell).out.encode()}
    assert f"undo: rm '{home / place}'" in said.err


def test_without_bash_completion_the_way_out_is_said(
    abi: Call, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abi_tui.cli.completion_install.BASH_COMPLETION", home / "absent")
    said = abi("completions", "install", "bash")
    assert f"until then, in ~/.bashrc: source '{home / PLACES['bash']}'" in said.err
    assert "undo" not in abi("completions", "install", "bash").err


@pytest.mark.parametrize("shell", PLACES)
def test_a_dry_run_writes_nothing(abi: Call, home: Path, shell: str) -> None:
    said = abi("completions", "install", shell, "--dry-run")
    assert said.out.startswith("would")
    assert str(home / PLACES[shell]) in said.out
    assert _all(home) == {}


@pytest.mark.parametrize("shell", PLACES)
def test_again_changes_nothing(abi: Call, home: Path, shell: str) -> None:
    abi("completions", "install", shell, "--yes")
    before = _all(home)
    said = abi("completions", "install", shell, "--yes")
    assert "it is up to date" in said.out
    assert _all(home) == before


def test_an_older_script_of_abi_is_replaced(abi: Call, home: Path) -> None:
    file = home / PLACES["fish"]
    file.parent.mkdir(parents=True)
    file.write_text("# old; written by: abi completions fish\n")
    assert abi("completions", "install", "fish").code == 0
    assert file.read_text() == abi("completions", "fish").out


def test_a_file_of_somebody_else_stays(abi: Call, home: Path) -> None:
    file = home / PLACES["bash"]
    file.parent.mkdir(parents=True)
    file.write_text("mine\n")
    said = abi("completions", "install", "bash", "--yes")
    assert said.code == 1
    assert "is there already, and not from abi" in said.err
    assert file.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("shell", "startup"),
    [("zsh", ".zshrc"), ("powershell", ".config/powershell/Microsoft.PowerShell_profile.ps1")],
)
def test_a_start_up_file_is_changed_after_a_yes_alone(
    abi: Call, home: Path, shell: str, startup: str
) -> None:
    file = home / startup
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"# mine \xff\nlast line without an end")
    file.chmod(0o640)
    said = abi("completions", "install", shell)
    assert "left to do, --yes does it: add " in said.err
    assert file.read_bytes() == b"# mine \xff\nlast line without an end"
    abi("completions", "install", shell, "--yes")
    text = file.read_bytes()
    assert b"# mine \xff\nlast line without an end\n" in text
    assert file.stat().st_mode & 0o777 == 0o640
    abi("completions", "install", shell, "--yes")
    assert file.read_bytes() == text


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
@pytest.mark.parametrize("before", ["", "autoload -U compinit\ncompinit -u\n"])
def test_a_new_zsh_has_it(abi: Call, home: Path, before: str) -> None:
    (home / ".zshrc").write_text(before)
    abi("completions", "install", "zsh", "--yes")
    done = subprocess.run(
        ["zsh", "-i", "-c", "print $_comps[abi]"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "HOME": str(home)},
    )
    assert done.stdout == "_abi\n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_a_new_fish_has_it(abi: Call, home: Path) -> None:
    abi("completions", "install", "fish")
    done = subprocess.run(
        ["fish", "-c", "complete -C 'abi gatew'"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "HOME": str(home), "PATH": f"{_with_abi(home)}:{os.environ['PATH']}"},
    )
    assert done.stdout.startswith("gateway\t")


@pytest.mark.parametrize(("shell", "program"), HERE.items())
def test_the_shell_is_told_from_the_environment(shell: str, program: str) -> None:
    assert completion_install.called_by({"SHELL": f"/usr/bin/{program}"}, -1) == shell


def test_a_shell_that_is_not_known_is_asked_for(home: Path) -> None:
    said = spawn("completions", "install", env={**os.environ, "SHELL": "/bin/tcsh"})
    assert said.code == 2
    assert "which shell? one of bash, zsh, fish, powershell" in said.err
    assert _all(home) == {}


def test_a_place_that_cannot_be_written_is_said(abi: Call, home: Path) -> None:
    (home / ".config").write_text("a file")
    said = abi("completions", "install", "fish")
    assert said.code == 1
    assert "cannot" in said.err
