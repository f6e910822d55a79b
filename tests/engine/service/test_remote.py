"""An engine on another machine: what is asked of ssh, and what is said when it cannot.

`ssh` here is a program that does on this machine what the real one would do over there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from abi_engine.core.errors import EngineNotRunning, InvalidArguments, TimedOut, Unavailable
from abi_engine.service.connect import connect
from abi_engine.service.remote import RemoteClient, RemoteHost, parse
from abi_engine.service.server import Server
from tests.engine.service.conftest import until
from tests.engine.service.serving import alive

SSH = f"""#!{sys.executable}
import json, os, socket, sys, threading
log = os.environ["FAKE_SSH_LOG"]
with open(log, "a") as file:
    file.write(json.dumps([os.getpid(), *sys.argv[1:]]) + "\\n")
way = os.environ["FAKE_SSH"]
if way == "unreachable":
    sys.exit("ssh: connect to host far port 22: No route to host")
if "-N" not in sys.argv:
    if way == "no abi":
        sys.exit("sh: 1: abi: not found")
    found = "" if way == "not listening" else os.environ["FAKE_SOCKET"]
    print(json.dumps({{"schema": "abi.status/1", "at": 0, "data": {{"socket": found, "more": 1}}}}))
    sys.exit(0)
if way == "no forwarding":
    sys.exit("Error: remote port forwarding failed")
if way == "silent":
    threading.Event().wait(60)
near, _, far = sys.argv[sys.argv.index("-L") + 1].partition(":")
listener = socket.socket(socket.AF_UNIX)
listener.bind(near)
listener.listen()

def pump(source, target):
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)

while True:
    ours, _ = listener.accept()
    theirs = socket.socket(socket.AF_UNIX)
    theirs.connect(far)
    for pair in ((ours, theirs), (theirs, ours)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


class Ssh:
    """The stand-in: how it behaves, and what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, directory: Path, far: Path) -> None:
        self._monkeypatch = monkeypatch
        self._log = directory / "log"
        program = directory / "ssh"
        program.write_text(SSH)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
        monkeypatch.setenv("FAKE_SSH_LOG", str(self._log))
        monkeypatch.setenv("FAKE_SOCKET", str(far))
        self.behave("well")

    def behave(self, way: str) -> None:
        self._monkeypatch.setenv("FAKE_SSH", way)

    def asked(self) -> list[list[Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def ssh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: Server) -> Iterator[Ssh]:
    ssh = Ssh(monkeypatch, tmp_path, server.path)
    yield ssh
    until(lambda: not any(alive(line[0]) for line in ssh.asked()))


def test_a_far_engine_answers_as_a_near_one(ssh: Ssh) -> None:
    with connect(attach="ssh://ada@far:2222") as engine:
        assert engine.system.status().pid == os.getpid()
        with engine.system.watch() as reports:
            assert next(reports).engine.pid == os.getpid()


def test_what_is_asked_of_ssh_is_no_shells_business(ssh: Ssh) -> None:
    RemoteClient("ssh://ada@far:2222/data/o'neil%20$(x)").close()
    status, forward = [line[1:] for line in ssh.asked()]
    assert status[-3:-1] == ["--", "ada@far"]
    assert status[-1] == "ABI_DATA_DIR='/data/o'\\''neil $(x)' abi status --json"
    assert forward[-2:] == ["--", "ada@far"]
    assert all(words[words.index("-p") + 1] == "2222" for words in (status, forward))
    assert all("BatchMode=yes" in words for words in (status, forward))


@pytest.mark.parametrize(
    ("way", "kind", "word"),
    [
        ("unreachable", Unavailable, "No route to host"),
        ("no abi", Unavailable, "abi: not found"),
        ("not listening", EngineNotRunning, "no engine listens"),
        ("no forwarding", Unavailable, "forwarding failed"),
        ("silent", TimedOut, "not reached"),
    ],
)
def test_why_the_far_engine_is_not_reached_is_said(
    ssh: Ssh, way: str, kind: type[Exception], word: str
) -> None:
    ssh.behave(way)
    with pytest.raises(kind, match=word):
        RemoteClient("ssh://far", reach=1.5)


def test_without_ssh_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable) as caught:
        RemoteClient("ssh://far")
    assert "openssh" in caught.value.hint


def test_an_address_is_taken_apart() -> None:
    assert parse("ssh://far") == RemoteHost("far", None, "")
    assert parse("ssh://ada@far:22/") == RemoteHost("ada@far", 22, "")
    assert parse("ssh://far/var/lib/a%20b") == RemoteHost("far", None, "/var/lib/a b")


@pytest.mark.parametrize(
    "address",
    [
        "ssh://",
        "ssh:///data",
        "ssh://-oProxyCommand=touch",
        "ssh://-l@far",
        "ssh://a:secret@far",
        "ssh://far:notaport",
        "ssh://far:99999",
        "ssh://far?x=1",
        "ssh://[::1",
    ],
)
def test_what_is_no_address_is_refused_before_ssh_sees_it(address: str) -> None:
    with pytest.raises(InvalidArguments, match="attach"):
        parse(address)
