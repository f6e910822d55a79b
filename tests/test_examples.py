"""Every example runs, and shows what it says it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
WITHIN = 60.0

SHOWN = {
    "hello": (
        r"ABI \d+\.\d+\.\d+ is running in process \d+",
        r"  gateway: .*radix routing.*",
    ),
    "gateway": (
        r"/users/42 takes /users/\{id\} with \{'id': '42'\}",
        r"/search for 192\.0\.2\.7: allowed True, 2 left",
        r"/search for 192\.0\.2\.7: allowed True, 1 left",
        r"/search for 192\.0\.2\.7: allowed True, 0 left",
        r"/search for 192\.0\.2\.7: allowed False, 0 left",
        r"through http://127\.0\.0\.1: 200 hello, you asked for /users/42\?full=yes",
        r"test request: 200 by /users/\{id\}, upstream True",
        r"/users/\{id\}: 2 requests, p50 \d+\.\d ms",
    ),
    "websocket_proxy": (
        r"/chat: HTTP/1\.1 101 Switching Protocols",
        r"  hello -> HELLO",
        r"  is anybody there\? -> IS ANYBODY THERE\?",
        r"  closed with code 1000",
        r"/plain: HTTP/1\.1 200 OK",
        *(r"/events: event 1, event 2, event 3",) * 4,
        r"any retries: True",
    ),
    "tls_gateway": (
        r"listening on https://127\.0\.0\.1",
        r"shop\.test: hello, you came by https",
        r"api\.test: hello, you came by https",
        r"reloaded: changed \[\], needs a restart \[\]",
        r"another certificate: True",
        r"refused: shop\.test\.key holds no private key in PEM",
        r"shop\.test: hello, you came by https",
    ),
    "circuit_breaker": (
        r"200 by the upstream, breaker closed",
        r"the upstream falls ill",
        r"500 by the upstream, breaker closed",
        r"500 by the upstream, breaker closed",
        r"500 by the upstream, breaker open",
        r"503 by the gateway, breaker open",
        r"it recovers, and after two seconds a trial may try",
        r"200 by the upstream, breaker closed",
        r"what happened, oldest first:",
        r"  open: 3 consecutive failures",
        r"  half open: reset after 2 s",
        r"  closed: 1 trial succeeded",
    ),
    "rate_limits": (
        r"by address +200  200  429 \(again in 10 s\)",
        r"by header, ada +200  200  429 \(again in 10 s\)",
        r"by header, bob +200  200  429 \(again in 10 s\)",
        r"by key, ci +200  200  429 \(again in 10 s\)",
        r"by key, app +200  200  429 \(again in 10 s\)",
        r"guesses +401  401  429 \(again in 10 s\)",
        r"the key app came with 3 requests",
        r"the key ci came with 3 requests",
        r"3 wait, 2 are worked on, 3 were refused",
        r"in turn +200  200  200  200  200(  503 \(again in 1 s\)){3}",
        r"at once: never more than 2",
    ),
    "embedded_engine": (
        r"engine\.log_level = warning \(flag engine\.log_level\)",
        r"gateway\.breaker\.failure_threshold = 7 \(file abi\.toml:2\)",
        r"gateway\.pool_size = 8 \(environment ABI_GATEWAY__POOL_SIZE\)",
        r"event: .*/hello.*",
        r"gateway\.stats: the feature 'gateway' is switched off .*features\.gateway = true.*",
        r"the engine is stopped",
        r"routes that lasted: \['/hello'\]",
    ),
}


def test_every_example_is_here() -> None:
    assert {file.stem for file in EXAMPLES.glob("*.py")} == SHOWN.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_an_example_shows_what_it_says(name: str) -> None:
    done = subprocess.run(
        (sys.executable, "-W", "error", EXAMPLES / f"{name}.py"),
        capture_output=True,
        text=True,
        timeout=WITHIN,
        cwd=EXAMPLES.parent,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert not Path(os.environ["ABI_DATA_DIR"]).exists(), "it wrote to the user's data"
    lines = done.stdout.splitlines()
    assert len(lines) == len(SHOWN[name]), done.stdout
    for line, pattern in zip(lines, SHOWN[name]):
        assert re.fullmatch(pattern, line), line
