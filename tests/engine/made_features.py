"""Features made for a test: their modules exist for its length only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Event
from types import ModuleType
from typing import Any, Protocol

import msgspec
import pytest

from abi_engine.catalogue import Row
from abi_engine.core.feature import Context, Feature
from abi_engine.core.operation import operation

Journal = list[str]


class PlainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One number, and whether it listens."""

    size: int = 3
    listen: bool = False


class ListeningConfig(PlainConfig, frozen=True, forbid_unknown_fields=True):
    """Listens in a served engine."""

    listen: bool = True


class PlainApi(Protocol):
    """One operation."""

    @operation
    def ping(self) -> str:
        """Say something."""
        ...


class PlainReport(msgspec.Struct, frozen=True):
    """What it said."""

    pings: int


def nothing() -> None:
    """What most features do when they open and close."""


class Maker:
    """Makes rows whose features write their life into `journal`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.journal: Journal = []
        self.release = Event()

    def row(
        self,
        name: str,
        *,
        needs: tuple[str, ...] = (),
        uses: tuple[str, ...] = (),
        on_open: Callable[[], None] = nothing,
        on_close: Callable[[], None] = nothing,
        config: type[PlainConfig] = PlainConfig,
        **facts: Any,
    ) -> Row:
        journal = self.journal

        class Made(Feature, PlainApi):
            def __init__(self, config: PlainConfig, context: Context, **others: Any) -> None:
                super().__init__(context)
                self.config = config
                self.others = others
                self.pings = 0

            def ping(self) -> str:
                self.pings += 1
                return f"{name} {self.config.size}"

            def python_only(self) -> int:
                return 1

            def report(self) -> PlainReport:
                return PlainReport(self.pings)

            def _open(self) -> None:
                on_open()
                journal.append(f"open {name}")

            def _close(self, deadline: float) -> None:
                on_close()
                journal.append(f"close {name}")

        title = name.capitalize()
        package = f"made_{name}"
        contents: dict[str, dict[str, Any]] = {
            package: {},
            f"{package}.api": {f"{title}Api": PlainApi},
            f"{package}.config": {f"{title}Config": config},
            f"{package}.{name}": {title: Made},
        }
        for module_name, members in contents.items():
            module = ModuleType(module_name)
            vars(module).update(members)
            self._monkeypatch.setitem(sys.modules, module_name, module)
        return Row(name, "made", needs=needs, uses=uses, built=True, package=package, **facts)


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    return Maker(monkeypatch)
