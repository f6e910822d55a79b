"""What the dashboard costs, beside a program of the same toolkit that shows one text.

Run by hand, on a machine that does nothing else: `python -m tests.tui.dashboard.costs`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from abi_engine.features.gateway.api import Route
from abi_engine.service.client import Client
from abi_engine.service.launch import ENGINE, detach
from tests.tui.dashboard.terminal import Terminal

SECONDS = 20.0
KEYS = 20
DASHBOARD = """
import sys
from abi_tui.dashboard.app import run
sys.exit(run(attach=sys.argv[1]))
"""
PROBE = """
from textual.app import App
from textual.widgets import Static
class Probe(App):
    def compose(self):
        yield Static("probe")
Probe().run()
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as place:
        environ = {**os.environ, "XDG_RUNTIME_DIR": place, "PYTHONPATH": str(Path.cwd())}
        ports = ("--set", "gateway.port=0", "--set", "service.admin_port=0")
        command = [*ENGINE, "--data-dir", str(Path(place) / "data"), *ports]
        with detach(command, owned=True, environ=environ) as engine:
            _routes(engine.ready.socket)
            _say("", "dashboard", "probe")
            probe = [sys.executable, "-c", PROBE]
            dashboard = [sys.executable, "-c", DASHBOARD, engine.ready.socket]
            first = [
                (_first(dashboard, environ, "╭"), _first(probe, environ, "probe")) for _ in range(5)
            ]
            _say("first content ms (≤ 600)", *(f"{median(one) * 1000:.0f}" for one in zip(*first)))
            _run(dashboard, environ)


def _routes(socket: str) -> None:
    with Client(socket) as client:
        for index in range(24):
            client.gateway.add_route(Route(f"/shop{index}/{{id}}", ("http://127.0.0.1:9",)))


def _first(command: list[str], environ: dict[str, str], text: str) -> float:
    with Terminal(command, columns=120, rows=40, environ=environ) as terminal:
        return terminal.wait_for(text)


def _run(command: list[str], environ: dict[str, str]) -> None:
    with Terminal(command, columns=120, rows=40, environ=environ) as terminal:
        terminal.wait_for("LIVE 1 s")
        time.sleep(3)
        _spend(terminal, "live", "≤ 6 %", "≤ 32 KiB/s")
        _say("resident MiB (≤ 60)", f"{terminal.memory_bytes() / 2**20:.1f}")
        terminal.type(" ")
        terminal.wait_for("PAUSED")
        terminal.quiet(1.5)
        _spend(terminal, "paused", "≤ 0.5 %", "0 B/s")
        delays = []
        for index in range(KEYS):
            before = len(terminal.written)
            pressed = time.monotonic()
            terminal.type("jk"[index % 2])
            delays.append(terminal.wait_for_more(before) - pressed)
            time.sleep(0.2)
        _say(
            "key to paint ms (≤ 30)",
            f"{median(delays) * 1000:.1f}, at most {max(delays) * 1000:.1f}",
        )


def _spend(terminal: Terminal, name: str, cpu: str, sent: str) -> None:
    used = terminal.cpu_s()
    count = terminal.written_during(SECONDS)
    share = (terminal.cpu_s() - used) / SECONDS * 100
    _say(f"{name}: core % ({cpu})", f"{share:.2f}")
    _say(f"{name}: bytes a second ({sent})", f"{count / SECONDS:.0f}")


def _say(*words: str) -> None:
    sys.stdout.write(f"{words[0]:<36}" + "".join(f"{word:>16}" for word in words[1:]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
