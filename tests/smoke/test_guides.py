"""The guides are true: their settings load, their programs run, their commands exist and work."""

from __future__ import annotations

import os
import random
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from abi_engine.config import load
from abi_tui.cli import session
from abi_tui.cli.root import root

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "docs" / "commands.md"
GUIDES = [ROOT / "README.md", *sorted({*(ROOT / "docs").glob("*.md")} - {GENERATED})]
BIN = Path(sys.executable).parent
TIMEOUT = 50.0


def blocks(guide: Path, language: str) -> list[str]:
    """The code of a guide in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", guide.read_text(), re.DOTALL | re.MULTILINE)


def found(language: str) -> list[object]:
    """Each block of a language in the guides, as a case of its own."""
    return [
        pytest.param(guide, code, id=f"{guide.name}-{number}")
        for guide in GUIDES
        for number, code in enumerate(blocks(guide, language), 1)
    ]


@pytest.mark.parametrize(("guide", "code"), found("toml"))
def test_settings_in_a_guide_are_valid(guide: Path, code: str, tmp_path: Path) -> None:
    file = tmp_path / "abi.toml"
    file.write_text(code)
    assert load(file, environ={}, sections=session.sections()).origins


@pytest.mark.parametrize(("guide", "code"), found("python"))
def test_a_program_in_a_guide_prints_what_the_guide_says(guide: Path, code: str) -> None:
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    assert child.stdout
    for line in child.stdout.splitlines():
        assert line in guide.read_text()


def commands(guide: Path) -> Iterator[list[str]]:
    """The words of each `abi …` in a guide."""
    text = guide.read_text()
    code = [*blocks(guide, "sh"), *re.findall(r"`(abi [^`\n]+)`", text)]
    for line in "\n".join(code).replace("\\\n", " ").splitlines():
        match = re.search(r"(?:^|\(|&& )(abi(?: .+)?)$", line.strip())
        if match:
            yield shlex.split(match[1].split(" | ")[0].split(" 2>")[0])[1:]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_command_in_a_guide_exists_with_its_flags(guide: Path) -> None:
    for words in commands(guide):
        command: click.Command = root()
        context = click.Context(command, info_name="abi")
        rest = [word for word in words if word != "…"]
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            inner = command.get_command(context, rest[0])
            assert inner is not None, words
            command, rest = inner, rest[1:]
            context = click.Context(command, parent=context, info_name=rest[0] if rest else "")
        flags = {name for option in command.get_params(context) for name in option.opts}
        given = {word.partition("=")[0] for word in rest if re.match("-[^0-9]", word)}
        assert given <= flags, words


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, below those that the system gives to who asks for any."""
    found: list[int] = []
    for port in random.sample(range(20_000, 30_000), 1000):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        found.append(port)
        if len(found) == count:
            break
    return found


def run(script: str, environ: dict[str, str], output: Path) -> str:
    """What a script prints; whatever it starts is stopped, however it ends."""
    tidy = "trap 'set +e; kill $(jobs -p) 2>/dev/null; abi stop >/dev/null 2>&1' EXIT\n"
    command = ["bash", "-euo", "pipefail", "-c", tidy + script]
    with (
        output.open("w") as file,
        subprocess.Popen(
            command, env=environ, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        ) as child,
    ):
        try:
            code = child.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGTERM)
            code = child.wait(TIMEOUT)
    assert code == 0, output.read_text()
    return output.read_text()


@pytest.fixture
def walk(tmp_path: Path) -> str:
    """What the gateway guide prints when all of its commands are run, one after the other."""
    names = ("8080", "9090", "9001", "9002")
    ports = dict(zip(names, map(str, free_ports(len(names))), strict=True))
    script = "\n".join(blocks(ROOT / "docs" / "gateway.md", "sh"))
    for name, port in ports.items():
        script = re.sub(rf"\b{name}\b", port, script)
    environ = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "ABI_GATEWAY__PORT": ports["8080"],
        "ABI_SERVICE__ADMIN_PORT": ports["9090"],
        "TMPDIR": str(tmp_path),
    }
    return run(script, environ, tmp_path / "output")


@pytest.mark.slow
def test_the_gateway_guide_does_what_it_says(walk: str) -> None:
    assert "hello\n" in walk
    codes = re.findall(r"\b(200|429) (?=(?:200|429) |\n)", walk)
    assert 10 <= codes.count("200") < 20
    assert codes.count("200") + codes.count("429") == 20
    assert re.search(r"127\.0\.0\.1:\d+ .*open", walk)
    assert "requests_total{" in walk
