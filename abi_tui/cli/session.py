"""The engine a command talks to: the one that runs, else one of its own. Refuses to hide which."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from abi_tui.cli.invocation import Invocation

if TYPE_CHECKING:
    import msgspec

    from abi_engine.config import EngineConfig
    from abi_engine.service.client import Client
    from abi_engine.service.connect import OpenEngine

WAIT = 10.0
CALL_TIMEOUT = 30.0


@contextmanager
def engine(
    invocation: Invocation, *, keeps: str = "", reads: bool = False, live: bool = False
) -> Iterator[OpenEngine]:
    """The running engine, else an embedded one that ends with the command.

    Args:
        invocation: says which engine, and how long to wait for it.
        keeps: what the command changes in memory alone, where it does; said on stderr where it
            ends with the command.
        reads: whether it reads figures, of which an embedded engine has none.
        live: whether only a running engine will do.

    Raises:
        EngineNotRunning: none runs, and none other will do.
    """
    from abi_engine.core.errors import EngineNotRunning
    from abi_engine.service.connect import connect, is_embedded

    try:
        reached: OpenEngine = client(invocation)
    except EngineNotRunning:
        if live or invocation.attach is not None:
            raise
        wait = WAIT if invocation.timeout is None else invocation.timeout
        reached = connect(
            config=configuration(invocation), timeout=wait, call_timeout=_call_timeout(invocation)
        )
    with reached:
        if not is_embedded(reached):
            _say_who(invocation, reached)
            yield reached
            return
        invocation.detail("no engine runs: the command has one of its own")
        yield reached
    if keeps and not invocation.dry_run:
        invocation.warn(f"no engine runs, so {keeps} with this command (abi serve)")
    elif reads:
        invocation.note("no engine runs, so there is no traffic to tell of (abi serve)")


@contextmanager
def running(invocation: Invocation) -> Iterator[Client]:
    """The running engine.

    Raises:
        EngineNotRunning: there is none.
    """
    with client(invocation) as reached:
        _say_who(invocation, reached)
        yield reached


def client(invocation: Invocation) -> Client:
    """A client of the engine that `--attach` or the data directory leads to.

    Raises:
        EngineNotRunning: none runs there.
    """
    from abi_engine.core.errors import EngineNotRunning
    from abi_engine.runtime.data_directory import DataDirectory
    from abi_engine.service.connect import attached, joined

    wait = _call_timeout(invocation)
    if invocation.attach is not None:
        return attached(invocation.attach, wait)
    where = data_dir(invocation)
    found = joined(where, os.environ, wait)
    if found is not None:
        return found
    holder = DataDirectory(where).holder()
    if holder:
        hint = "as its user, or with the XDG_RUNTIME_DIR that it has; or --attach SOCKET"
        message = f"process {holder} has {where}, and answers at none of the sockets known here"
        raise EngineNotRunning(message, hint=hint)
    raise EngineNotRunning(f"no engine runs on {where}", hint="abi serve")


def data_dir(invocation: Invocation) -> Path:
    """The data directory: `--data-dir`, else the environment, else the user's."""
    from abi_engine.config import default_data_dir

    given = invocation.data_dir
    where = Path(given) if given is not None else default_data_dir(os.environ)
    return where.expanduser().absolute()


def configuration(invocation: Invocation) -> EngineConfig:
    """Every layer of the configuration, the flags of this run last."""
    from abi_engine.config import load

    return load(
        invocation.config,
        environ=os.environ,
        flags=invocation.flags,
        data_dir=invocation.data_dir,
        sections=sections(),
    )


def sections() -> dict[str, type[msgspec.Struct]]:
    """The sections of the file that this package reads."""
    from importlib import import_module

    return {"dashboard": import_module("abi_tui.dashboard.config").DashboardConfig}


def _call_timeout(invocation: Invocation) -> float:
    return CALL_TIMEOUT if invocation.timeout is None else invocation.timeout


def _say_who(invocation: Invocation, reached: OpenEngine) -> None:
    invocation.detail(f"engine {reached.system.status().pid} answers")
    for name in invocation.flags:
        invocation.warn(f"{name}: the running engine has its own settings")
