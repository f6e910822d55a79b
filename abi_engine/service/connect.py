"""The way to an engine: the one that runs on a data directory, else one of its own in this process.

Refuses to let two processes write one data directory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import msgspec

from abi_engine.config import EngineConfig, default_data_dir
from abi_engine.core.errors import ConnectionLost, EngineBusy, EngineNotRunning
from abi_engine.service.client import Client
from abi_engine.service.places import socket_names

if TYPE_CHECKING:  # a client of a running engine loads none of the engine
    from types import TracebackType

    from abi_engine.engine import Engine, EngineApi

    class OpenEngine(EngineApi, Protocol):
        """An engine that was reached; leaving the `with` leaves it: a client closes its
        connections, an engine of one's own stops.
        """

        def __enter__(self) -> Self: ...
        def __exit__(
            self,
            kind: type[BaseException] | None,
            error: BaseException | None,
            trace: TracebackType | None,
            /,
        ) -> None: ...


RETRY = 0.03


def connect(
    data_dir: Path | str | None = None,
    *,
    config: EngineConfig | None = None,
    attach: str | None = None,
    timeout: float = 10.0,
    call_timeout: float | None = None,
    environ: Mapping[str, str] | None = None,
) -> OpenEngine:
    """A client of the engine that runs on the data directory, else an embedded engine on it.

    Both take the same calls; an embedded engine starts only what is touched, never listens, and
    is gone when its `with` ends.

    Args:
        data_dir: else that of `config`, else `ABI_DATA_DIR`, else the user's.
        config: of an embedded engine; one that runs has its own.
        attach: the path of a control socket, or `ssh://[user@]host[/data/dir]`; then nothing else
            will do.
        timeout: how many seconds to wait for another process that holds the directory; they
            count anew when one holder follows another.
        call_timeout: how many seconds a client's call may take; None waits for ever.
        environ: else that of the process.

    Raises:
        EngineBusy: another process holds the directory all that time and does not listen.
        EngineNotRunning: nobody answers at `attach`.
        DataDirectoryError: the directory cannot be used.
    """
    if attach is not None:
        return attached(attach, call_timeout)
    found = os.environ if environ is None else environ
    config = config or EngineConfig()
    given = data_dir if data_dir is not None else config.data_dir
    where = Path(given) if given is not None else default_data_dir(found)
    where = where.expanduser().absolute()
    return _in_turn(config, where, timeout, lambda: joined(where, found, call_timeout))


def _in_turn(
    config: EngineConfig, where: Path, timeout: float, join: Callable[[], Client | None]
) -> OpenEngine:
    """Join who serves the directory, or own it when it is free, whichever comes first."""
    owner: object = None
    since = time.monotonic()
    while True:
        if client := join():
            return client
        try:
            return _embedded(config, where)
        except EngineBusy as error:  # it may begin to listen, or leave
            if error.details["pid"] != owner:  # where many take turns, all get theirs
                owner, since = error.details["pid"], time.monotonic()
            if time.monotonic() >= since + timeout:
                raise
        time.sleep(RETRY)


def is_embedded(engine: OpenEngine) -> bool:
    """Whether an engine lives in this process, and what it holds in memory ends with it."""
    return not isinstance(engine, Client)


def attached(address: str, call_timeout: float | None = None) -> Client:
    """A client of the engine at `address`: a socket's path, or `ssh://[user@]host[/data/dir]`.

    Raises:
        EngineNotRunning: nobody answers there.
    """
    if address.startswith("ssh://"):
        from abi_engine.service.remote import RemoteClient

        return RemoteClient(address, timeout=call_timeout)
    client = Client(Path(address).expanduser(), timeout=call_timeout)
    client.check()
    return client


def joined(
    data_dir: Path, environ: Mapping[str, str], call_timeout: float | None = None
) -> Client | None:
    """A client of the engine that is served on a data directory; None where none is."""
    for path in socket_names(data_dir, environ):
        client = Client(path, timeout=call_timeout)
        try:
            client.check()
        except (EngineNotRunning, ConnectionLost):  # none there, or one that is leaving
            continue
        return client
    return None


def _embedded(config: EngineConfig, where: Path) -> Engine:
    from abi_engine.engine import Engine

    engine = Engine(msgspec.structs.replace(config, data_dir=where))
    engine.start(lock_timeout=0.0)
    return engine
