"""The smoke tests use the command line, the engine and the upstream of its own tests."""

from __future__ import annotations

from tests.tui.cli.conftest import abi, engine, upstream

__all__ = ["abi", "engine", "upstream"]
