"""What every test stands on: a home, a data directory and a terminal of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.scale import CI_EXAMPLES, SOAK_EXAMPLES, soaking

settings.register_profile(
    "ci",
    max_examples=CI_EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    # The fixture below is new for each test, not for each example; no example depends on it.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile(
    "soak", settings.get_profile("ci"), max_examples=SOAK_EXAMPLES, derandomize=False
)
settings.load_profile("soak" if soaking() else "ci")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell without job control starts what it runs beside itself deaf to Ctrl-C, and processes
    # that the tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

TERMINAL = {
    "TERM": "xterm-256color",
    "COLUMNS": "120",
    "LINES": "40",
    "LC_ALL": "C.UTF-8",
    "SHELL": "/bin/bash",
}
UNSET = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "PYTHONUNBUFFERED", "PYTHONWARNINGS")


@pytest.fixture(autouse=True)
def _isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test, and every process it starts, empty places and a known terminal."""
    root = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("ABI_") and name != "ABI_SOAK"]:
        monkeypatch.delenv(name)
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    for name, value in (places(root) | TERMINAL).items():
        monkeypatch.setenv(name, value)


def places(root: Path) -> dict[str, str]:
    """The directories that ABI and its libraries look for, under `root`."""
    runtime = root / "run"
    runtime.mkdir(mode=0o700)
    return {
        "HOME": str(root),
        "XDG_CONFIG_HOME": str(root / ".config"),
        "XDG_DATA_HOME": str(root / ".local" / "share"),
        "XDG_STATE_HOME": str(root / ".local" / "state"),
        "XDG_CACHE_HOME": str(root / ".cache"),
        "XDG_RUNTIME_DIR": str(runtime),
        "ABI_DATA_DIR": str(root / "data"),
    }


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let a report hold any text: workers cannot send lone surrogates, and would end the run."""
    return _sendable((yield))


def _sendable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_sendable(key): _sendable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_sendable, value))
    return value
