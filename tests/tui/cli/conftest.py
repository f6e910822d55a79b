"""A command line within the test, real processes of it, a real engine and a real upstream."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest

from abi_engine.config import load
from abi_engine.engine import Engine
from abi_engine.service.reload import reload
from abi_engine.system import ReloadReport
from abi_tui.cli import root

ABI = (sys.executable, "-m", "abi_tui.cli")


class Said(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)

    @property
    def data(self) -> Any:
        return self.document["data"]

    @property
    def error(self) -> Any:
        lines = self.err.splitlines()
        assert len(lines) == 1, lines
        return json.loads(lines[0])["data"]


Call = Callable[..., Said]


@pytest.fixture
def abi(capsys: pytest.CaptureFixture[str]) -> Call:
    """Carry out a command line in this process."""

    def call(*words: str) -> Said:
        capsys.readouterr()
        code = root.run(words)
        out, err = capsys.readouterr()
        return _no_defect(Said(int(code), out, err))

    return call


def spawn(*words: str, **facts: Any) -> Said:
    """Carry out a command line in a process of its own."""
    facts = {"stdin": subprocess.DEVNULL, "timeout": 60} | facts
    done = subprocess.run([*ABI, *words], capture_output=True, text=True, check=False, **facts)
    return _no_defect(Said(done.returncode, done.stdout, done.stderr))


def _no_defect(said: Said) -> Said:
    """Whatever a test expects, it is never that the command line broke."""
    assert "a defect of abi" not in said.err, said.err
    assert "ABI_DEBUG=1 shows where" not in said.err, said.err
    return said


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A served engine on the test's own data directory, with free ports."""
    flags = {"gateway.port": "0", "service.admin_port": "0"}
    config = load(os.devnull, environ=os.environ, flags=flags)

    def reloader(engine: Engine) -> ReloadReport:
        return reload(engine, lambda: load(os.devnull, environ=os.environ, flags=flags))

    with Engine(config, control=True, reloader=reloader) as served:
        yield served


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"hello"
        self.send_response(500 if "fail" in self.path else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def upstream() -> Iterator[str]:
    """A real HTTP server; a path with `fail` in it gets a 500."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file that is not there yet."""
    path = tmp_path / "abi.toml"
    monkeypatch.setenv("ABI_CONFIG", str(path))
    return path
