"""The scripts in the shells themselves: bash as it is, zsh on a terminal of its own."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abi_engine.engine import Engine
from abi_engine.features.gateway.api import Route
from abi_tui.cli import completion, live_values, root, tree
from tests.tui.cli.conftest import Call

COMPLETE = """
source {script}
COMP_LINE={line}
COMP_POINT=${{#COMP_LINE}}
COMP_WORDS=($COMP_LINE)
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
compopt() {{ :; }}
_abi
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

zsh_needed = pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("completions")
    described = tree.described_tree(root.root())
    (directory / "abi.bash").write_text(completion.script("bash", described))
    (directory / "_abi").write_text(completion.script("zsh", described))
    (directory / "bin").mkdir()
    program = directory / "bin" / "abi"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {directory}/called\nexec {sys.executable} -m abi_tui.cli "$@"\n'
    )
    program.chmod(0o755)
    return directory


@pytest.fixture
def bash(scripts: Path) -> Callable[[str], list[str]]:
    """What bash offers for a line that is cut at its end."""
    (scripts / "called").unlink(missing_ok=True)

    def offered(line: str) -> list[str]:
        quoted = "'" + line.replace("'", "'\\''") + "'"
        done = subprocess.run(
            ["bash", "--norc", "-c", COMPLETE.format(script=scripts / "abi.bash", line=quoted)],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env={**os.environ, "PATH": f"{scripts / 'bin'}:{os.environ['PATH']}"},
        )
        assert done.stderr == ""
        return [word.rstrip(" ") for word in done.stdout.splitlines() if word]

    return offered


def test_the_function_is_registered(scripts: Path) -> None:
    done = subprocess.run(
        ["bash", "--norc", "-c", f"source {scripts / 'abi.bash'}; complete -p abi"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "complete -o nospace -F _abi abi"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("abi ga", ["gateway"]),
        ("abi gateway r", ["routes"]),
        ("abi gateway routes ", ["list", "show", "add", "remove", "enable", "disable"]),
        ("abi --json gateway breakers f", ["force"]),
        ("abi --timeout 5 gateway breakers f", ["force"]),
        ("abi --limit 5 gateway routes list --sort p", ["path", "p50", "p99"]),
        ("abi gateway routes list --so", ["--sort"]),
        ("abi version --js", ["--json", "--jsonl"]),
        ("abi version --color ", ["auto", "always", "never"]),
        ("abi gateway breakers force http://127.0.0.1:9 ", ["open", "closed", "release"]),
        ("abi help gateway rou", ["routes"]),
        ("abi help exit", ["exit-codes"]),
        ("abi tui --scr", ["--screen"]),
        ("abi tui --screen ov", ["overview"]),
        ("abi completions ", ["bash", "zsh", "fish", "powershell", "install"]),
        ("abi gateway routes list --sort=p", ["path", "p50", "p99"]),
        ("abi completions install z", ["zsh"]),
        ("abi gateway routes list -- --s", []),
        ("abi gateway routes list --at ", []),
        ("abi cache ", []),
        ("abi version ", []),
    ],
)
def test_bash_offers_what_may_come_next_and_starts_nothing_for_it(
    bash: Callable[[str], list[str]], scripts: Path, line: str, expected: list[str]
) -> None:
    assert bash(line) == expected
    assert not (scripts / "called").exists()


def test_bash_offers_every_command_first(bash: Callable[[str], list[str]]) -> None:
    assert bash("abi ") == [row.name for row in root.COMMANDS]


def test_bash_offers_files_where_a_file_is_wanted(
    bash: Callable[[str], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "one.toml").write_text("")
    assert bash(f"abi --config {tmp_path}/o") == [f"{tmp_path}/one.toml"]


def test_bash_offers_the_routes_of_the_running_engine_ready_for_the_shell(
    bash: Callable[[str], list[str]], scripts: Path, engine: Engine
) -> None:
    for path in ("/users/{id}", "/users/*", "/items"):
        engine.gateway.add_route(Route(path, ("http://127.0.0.1:9",)))
    assert bash("abi gateway routes show /u") == ["/users/\\*", "/users/\\{id\\}"]
    assert bash("abi gateway routes show '/users/{") == ["/users/{id}"]
    assert (scripts / "called").read_text().splitlines() == ["completions values routes"] * 2


def test_bash_offers_what_follows_the_colon_of_an_upstream(
    bash: Callable[[str], list[str]], engine: Engine
) -> None:
    engine.gateway.add_route(Route("/x", ("http://127.0.0.1:9",)))
    assert bash("abi gateway breakers show ht") == ["http://127.0.0.1:9"]
    assert bash("abi gateway breakers show http://127.0.0.1:") == ["9"]


def test_bash_offers_features_and_settings_without_an_engine(
    bash: Callable[[str], list[str]],
) -> None:
    assert bash("abi features enable ") == ["gateway"]
    assert bash("abi version --disable ga") == ["gateway"]
    assert bash("abi config get gateway.po") == [
        "gateway.port",
        "gateway.pool_size",
        "gateway.pool_idle",
    ]


def test_bash_offers_what_a_setting_may_be(bash: Callable[[str], list[str]]) -> None:
    assert bash("abi config set engine.log_level ") == ["debug", "info", "warning", "error"]
    assert bash("abi config set gateway.tls.client_certificates o") == ["optional"]
    assert bash("abi config set gateway.port ") == []
    assert bash("abi config set 'no such' ") == []
    assert "gateway.port=" in bash("abi serve --set gateway.po")
    assert bash("abi serve --set gateway.trace_context=st") == ["start"]


def test_bash_offers_the_names_of_api_keys(
    bash: Callable[[str], list[str]], engine: Engine
) -> None:
    engine.gateway.add_api_key("ci.main")
    assert bash("abi gateway keys remove c") == ["ci.main"]
    assert bash("abi gateway routes add /x http://a --auth-key ") == ["ci.main"]


def test_bash_asks_the_engine_that_the_line_names(
    bash: Callable[[str], list[str]], scripts: Path, tmp_path: Path
) -> None:
    assert bash(f"abi --data-dir '{tmp_path}/no one' --attach=/x gateway routes show ") == []
    called = (scripts / "called").read_text()
    assert called == f"completions values --data-dir {tmp_path}/no one --attach=/x routes\n"


def test_bash_offers_sources_themes_and_screens(bash: Callable[[str], list[str]]) -> None:
    assert bash("abi events --source ") == ["engine", "gateway"]
    assert "night" in bash("abi dashboard --theme ")
    assert bash("abi dashboard --screen li") == ["limits"]


def test_without_an_engine_nothing_is_offered_and_nothing_is_said(
    bash: Callable[[str], list[str]],
) -> None:
    assert bash("abi gateway routes show /") == []


def test_a_name_that_would_act_is_offered_to_no_shell(
    abi: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["/fine", "/\x1b[2J", "/a\nb", "/\u202ex", "/fine"]
    monkeypatch.setattr(live_values, "_asked", lambda *_: iter(names))
    assert abi("completions", "values", "routes").out == "/fine\n"


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_the_script_is_printed_and_has_no_place_left_open(abi: Call, shell: str) -> None:
    script = abi("completions", shell).out
    assert re.findall("@[A-Z_]+@", script) == []
    assert "gateway routes" in script
    assert abi("completions", shell, "--json").data == {"shell": shell, "script": script}


def test_the_script_has_no_error_of_syntax_for_bash(scripts: Path) -> None:
    subprocess.run(["bash", "-n", scripts / "abi.bash"], check=True, timeout=60)


@zsh_needed
def test_the_script_has_no_error_of_syntax_for_zsh(scripts: Path) -> None:
    subprocess.run(["zsh", "-n", scripts / "_abi"], check=True, timeout=60)


@pytest.fixture
def zsh(scripts: Path, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """What zsh makes of a line after a TAB, on a terminal of its own."""
    controller, terminal = pty.openpty()
    environment = {**os.environ, "PATH": f"{scripts / 'bin'}:{os.environ['PATH']}", "TERM": "dumb"}
    with subprocess.Popen(
        ["zsh", "-f", "-i"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment,
        cwd=tmp_path,
        start_new_session=True,
    ) as process:
        os.close(terminal)

        def until(word: str) -> str:
            seen, deadline = "", time.monotonic() + 30
            while word not in seen:
                assert time.monotonic() < deadline, seen
                if select.select([controller], [], [], 0.1)[0]:
                    seen += os.read(controller, 4096).decode(errors="replace")
            return seen

        def send(text: str) -> None:
            os.write(controller, text.encode())

        send(f"PS1='>'; autoload -U compinit; compinit -u -D; source {scripts / '_abi'}\n")
        send("setopt no_auto_menu no_list_beep; print RE''ADY\n")
        until("READY\r\n")

        def completed(line: str) -> str:
            send(line + "\t")
            send("\x01print -r -- '<\x05>'\n")
            seen = until(">\r\n")
            send("print DO''NE\n")
            until("DONE\r\n")
            return seen.rpartition("\n<")[2].partition(">")[0].rstrip()

        yield completed
        process.kill()
        process.wait(10)
    os.close(controller)


@pytest.mark.slow
@zsh_needed
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("abi gatew", "abi gateway"),
        ("abi gateway br", "abi gateway breakers"),
        ("abi gateway routes list --so", "abi gateway routes list --sort"),
        ("abi gateway routes list --sort erro", "abi gateway routes list --sort errors"),
        ("abi help gateway rou", "abi help gateway routes"),
        ("abi help exit-", "abi help exit-codes"),
        ("abi tui --scr", "abi tui --screen"),
        ("abi --json gateway breakers fo", "abi --json gateway breakers force"),
        ("abi features enable ga", "abi features enable gateway"),
    ],
)
def test_zsh_completes_a_word(zsh: Callable[[str], str], line: str, expected: str) -> None:
    assert zsh(line) == expected
