"""The dashboard in a browser: a real server, its page over HTTP, and a first frame of it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from websockets.sync.client import ClientConnection, connect

from abi_engine.service.connect import joined
from abi_tui.cli import root
from abi_tui.cli.exits import Exit

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "abi_tui.cli", "dashboard", "--web")
PORTS = ("--set", "gateway.port=0", "--set", "service.admin_port=0")


class Web(NamedTuple):
    """A server of the dashboard, and the address that it told."""

    process: subprocess.Popen[str]
    address: str


@pytest.fixture
def web() -> Iterator[Web]:
    process = subprocess.Popen([*COMMAND, *PORTS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield Web(process, process.stdout.readline().strip())
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        assert process.wait(30) == 0


def _read(url: str) -> str:
    with urlopen(url, timeout=10) as answer:
        found: str = answer.read().decode()
    return found


def _wait_for(visit: ClientConnection, words: str) -> None:
    """Until the words were drawn, whatever moved the cursor or coloured them between."""
    text = ""
    until = time.monotonic() + 20
    while words not in text:
        data = visit.recv(timeout=max(until - time.monotonic(), 0.01))
        if isinstance(data, bytes):
            text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode())


def test_the_page_is_on_loopback_and_names_no_other_server(web: Web) -> None:
    parts = urlsplit(web.address)
    assert (parts.scheme, parts.hostname) == ("http", "127.0.0.1")
    page = _read(web.address)
    named = re.findall(r"(?:https?:|wss?:)?//[^\s\"'<>)]+", page)
    assert named
    assert {urlsplit(one).netloc for one in named} == {parts.netloc}
    for file in re.findall(r'"(http://[^"]+\.(?:css|js|ttf))"', page):
        with urlopen(file, timeout=10) as answer:
            assert answer.status == 200
            policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert parts.netloc in policy


def test_the_address_is_known_to_nobody_who_was_not_told(web: Web) -> None:
    parts = urlsplit(web.address)
    for path in ("/", "/ws", "/static/js/textual.js", f"{parts.path[:-2]}/", "/x" + parts.path):
        with pytest.raises(HTTPError, match="404"):
            _read(f"http://{parts.netloc}{path}")
    assert len(parts.path) > 30


def test_a_visitor_gets_a_first_frame_and_may_change_nothing(web: Web) -> None:
    page = _read(web.address)
    found = re.search(r'data-session-websocket-url="([^"]+)"', page)
    assert found is not None
    with connect(f"{found[1]}?width=120&height=40") as visit:
        _wait_for(visit, "overview")
        visit.send('["stdin", "g"]')
        _wait_for(visit, "features")  # among the screens that it offers
        visit.send('["stdin", "f"]')
        _wait_for(visit, "same as")
        visit.send('["stdin", "o"]')
        _wait_for(visit, "read-only")
    with connect(f"{found[1]}?width=80&height=24") as another:
        _wait_for(another, "overview")


def test_an_engine_of_its_own_ends_with_it() -> None:
    process = subprocess.Popen([*COMMAND, *PORTS], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    where = Path(os.environ["ABI_DATA_DIR"])
    assert joined(where, os.environ) is not None
    process.send_signal(signal.SIGTERM)
    process.stdout.close()
    assert process.wait(30) == 0
    assert joined(where, os.environ) is None


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert root.run(("dashboard", "--web", "--web-port", port)) == Exit.FAILED
    said = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "--web-port" in said


def test_what_is_not_installed_is_named_with_its_remedy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("textual_serve", "textual_serve.server"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "abi_tui.dashboard.web", raising=False)
    assert root.run(("dashboard", "--web")) == Exit.UNAVAILABLE
    assert "textual_serve" in (said := capsys.readouterr().err)
    assert "pip install 'abi[web]'" in said


@pytest.mark.parametrize("words", [("--web", "--once"), ("--web-port", "1"), ("--web", "--at=-1m")])
def test_what_cannot_be_meant_is_refused(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert root.run(("dashboard", *words)) == Exit.USAGE
    assert "--web" in capsys.readouterr().err
