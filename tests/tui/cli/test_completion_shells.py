"""A TAB in the shells themselves, with names that would act if a shell read them as its own words.

The program called `abi` is a stand-in: it tells the names, and writes down the words it is given.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from abi_tui.cli import completion, root, tree
from tests.tui.cli.terminals import Shell, on_a_terminal

# Each begins with a digit of its own.
ODD = (
    "/0a b  c",
    "/1it's",
    "/2$(touch HARM)",
    "/3`touch HARM`",
    "/4;touch HARM;",
    "/5ünï→é",
    '/6"quoted"',
    "/7*?[x]",
    "/8{id}/{name}",
    "/9back\\slash",
    "/A|touch HARM&",
    "/B$HOME${PATH}",
    "/C#no comment",
    "/D~<>()",
    "/E" + "x" * 2000,
    "/F%s%d\\n",
    "/G=a:b@c",
)
UPSTREAMS = ("http://[::1]:9000", "http://10.0.0.7:80")

ABI = """\
#!/bin/sh
case "$1 $2" in
  'completions values')
    for word in "$@"; do
      case $word in routes) cat '{names}' ;; upstreams) cat '{upstreams}' ;; esac
    done ;;
  *) printf '%s\\0' "$@" > '{record}' ;;
esac
"""
START = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--private"),
}
PREPARE = {
    "bash": "PS1='>'; bind 'set bell-style none'; source ./script\n",
    "zsh": "PS1='>'; autoload -U compinit; compinit -u -D; source ./script; setopt no_list_beep\n",
    "fish": "function fish_prompt; end; source ./script\n",
}


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Shell, Path]]:
    name: str = request.param
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    home = tmp_path_factory.mktemp(name)
    (home / "script").write_text(completion.script(name, tree.described_tree(root.root())))
    (home / "names").write_text("".join(f"{one}\n" for one in ODD))
    (home / "upstreams").write_text("".join(f"{one}\n" for one in UPSTREAMS))
    (home / "bin").mkdir()
    facts = {"names": home / "names", "upstreams": home / "upstreams", "record": home / "record"}
    program = home / "bin" / "abi"
    program.write_text(ABI.format(**facts))
    program.chmod(0o755)
    with on_a_terminal(START[name], home, home / "record") as typed:
        typed.send(PREPARE[name])
        typed.ready()
        yield name, typed, home


def _ends_unharmed(home: Path) -> None:
    assert not (home / "HARM").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD, ids=[one[1] for one in ODD])
def test_a_tab_hands_over_the_very_name(shell: tuple[str, Shell, Path], name: str) -> None:
    _, typed, home = shell
    assert typed.completed(f"abi gateway routes show {name[:2]}") == [
        *("gateway", "routes", "show"),
        name,
    ]
    _ends_unharmed(home)


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD, ids=[one[1] for one in ODD])
def test_within_a_quote_that_is_open_as_well(shell: tuple[str, Shell, Path], name: str) -> None:
    kind, typed, home = shell
    found = typed.completed(f"abi gateway routes show '{name[:2]}")
    if kind == "bash" and "'" in name:  # readline closes the quote behind what it took
        assert found[:3] == ["gateway", "routes", "show"]
    else:
        assert found == ["gateway", "routes", "show", name]
    _ends_unharmed(home)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("abi gatew", ["gateway"]),
        ("abi gateway routes list --so", ["gateway", "routes", "list", "--sort"]),
        ("abi gateway routes list --sort erro", ["gateway", "routes", "list", "--sort", "errors"]),
        ("abi gateway routes list --sort=erro", ["gateway", "routes", "list", "--sort=errors"]),
        ("abi tui --scr", ["tui", "--screen"]),
        ("abi help exit-", ["help", "exit-codes"]),
        ("abi help gateway rou", ["help", "gateway", "routes"]),
        (
            "abi gateway breakers show http://10",
            ["gateway", "breakers", "show", "http://10.0.0.7:80"],
        ),
        (
            "abi gateway breakers show 'http://[",
            ["gateway", "breakers", "show", "http://[::1]:9000"],
        ),
        (
            "abi --data-dir '/a b' gateway routes show /5",
            ["--data-dir", "/a b", "gateway", "routes", "show", "/5ünï→é"],
        ),
        ("abi --config sc", ["--config", "script"]),
        ("abi --config=sc", ["--config=script"]),
    ],
)
def test_a_tab_completes_the_word(
    shell: tuple[str, Shell, Path], line: str, expected: list[str]
) -> None:
    _, typed, _ = shell
    assert typed.completed(line) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "abi gateway routes show $(touch HARM)",
        "abi gateway routes show '$(touch HARM)'/x",
        'abi gateway routes show "`touch HARM`',
        "abi --data-dir '$(touch HARM)' gateway routes show /",
        "abi gateway '\\",
        "abi \x16\n gateway",
        "abi gateway routes show " + "y" * 3000,
    ],
    ids=range(7),
)
def test_whatever_stands_on_the_line_is_not_carried_out_by_a_tab(
    shell: tuple[str, Shell, Path], line: str
) -> None:
    kind, typed, home = shell
    if kind == "zsh":  # whose TAB by itself carries out a `$(…)` before it asks for completion
        typed.send("bindkey '^I' complete-word\n")
        typed.ready()
    typed.send(f"{line}\t")
    typed.forget()
    typed.ready()
    _ends_unharmed(home)


fish_needed = pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")


@pytest.fixture(scope="module")
def fish(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[tuple[str, str]]]:
    home = tmp_path_factory.mktemp("fish-lines")
    script = home / "abi.fish"
    script.write_text(completion.script("fish", tree.described_tree(root.root())))

    def offered(line: str) -> list[tuple[str, str]]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {script}; complete -C $argv[1]", line],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stderr == ""
        return [
            (one.partition("\t")[0], one.partition("\t")[2]) for one in done.stdout.splitlines()
        ]

    return offered


@fish_needed
def test_fish_says_what_each_word_does(fish: Callable[[str], list[tuple[str, str]]]) -> None:
    assert dict(fish("abi gateway rou")) == {"routes": "where requests go, and what went there"}
    found = dict(fish("abi gateway routes list --s"))
    assert found["--sort"] == "The order."
    assert found["--set"].startswith("A setting for this run")


@fish_needed
@pytest.mark.parametrize("line", ["abi version ", "abi cache ", "abi gateway routes list --at "])
def test_fish_offers_nothing_where_nothing_is_known(
    fish: Callable[[str], list[tuple[str, str]]], line: str
) -> None:
    assert fish(line) == []


@fish_needed
def test_fish_offers_every_command_first(fish: Callable[[str], list[tuple[str, str]]]) -> None:
    assert {name for name, _ in fish("abi ")} == {row.name for row in root.COMMANDS}
