"""How an engine is served: in this process, or in one of its own. Refuses a second one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from abi_engine.core.errors import EngineBusy, EngineNotRunning
from abi_engine.features.gateway.api import GatewayReport
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.service import launch
from abi_engine.service.client import Client
from abi_tui.cli import session
from abi_tui.cli.changes import Change, carry_out
from abi_tui.cli.exits import Exit
from abi_tui.cli.invocation import Invocation
from abi_tui.cli.output import Answer, show
from abi_tui.views.engine import served_detail

if TYPE_CHECKING:
    from abi_engine.config import EngineConfig

ABI = (sys.executable, "-m", "abi_tui.cli")


class Served(msgspec.Struct, frozen=True):
    """Where a served engine can be reached.

    Attributes:
        pid: its process.
        gateway, admin: `http://host:port`; empty where it does not listen.
        socket: the control socket; data_dir: what it works on.
        trouble: what could not be opened, in words.
    """

    pid: int
    gateway: str
    admin: str
    socket: str
    data_dir: str
    trouble: tuple[str, ...]


def start(invocation: Invocation, *, detach: bool, lenient: bool) -> Exit:
    """Serve an engine.

    Raises:
        EngineBusy: one runs on the data directory already.
        AbiError: what kept it from starting.
    """
    config = session.configuration(invocation)
    if invocation.dry_run:
        return carry_out(invocation, Change((_plan(config),)), lambda: None)
    _refuse_second(invocation)
    if detach:
        launched = launch.detach((*ABI, *_arguments(invocation, lenient)))
        _show_ready(invocation, launched.ready, "abi stop")
        return Exit.DONE
    from abi_engine.service.serve import serve

    # Who started this process is told through a pipe, and says it to people itself.
    started = launch.READY_FD in os.environ

    def on_ready(ready: launch.Ready) -> None:
        if not started:
            _show_ready(invocation, ready, "Ctrl-C")

    def read() -> EngineConfig:
        return session.configuration(invocation)

    code = serve(config, strict=not lenient, read=read, on_ready=on_ready)
    return Exit.DONE if code == 0 else Exit.FAILED


def _plan(config: EngineConfig) -> str:
    gateway = config.section("gateway", GatewayConfig)
    port = gateway.port or "a free port"
    return f"serve an engine on {config.data_dir}, its gateway on {gateway.host}:{port}"


def _refuse_second(invocation: Invocation) -> None:
    try:
        client = session.client(invocation)
    except EngineNotRunning:
        return
    with client:
        status = client.system.status()
    raise EngineBusy(
        f"an engine runs on {status.data_dir} already, process {status.pid}",
        hint="abi status, abi stop, or another --data-dir",
        pid=status.pid,
    )


def _arguments(invocation: Invocation, lenient: bool) -> list[str]:
    """The same command line for another process."""
    words = ["serve", "--data-dir", str(session.data_dir(invocation))]
    if invocation.config is not None:
        words += ["--config", str(Path(invocation.config).absolute())]
    for key, value in invocation.flags.items():
        words += ["--set", f"{key}={value}"]
    return [*words, "--lenient"] if lenient else words


def _show_ready(invocation: Invocation, ready: launch.Ready, way_out: str) -> None:
    with Client(ready.socket, timeout=session.CALL_TIMEOUT) as client:
        report = client.system.report()
    gateway = report.of("gateway", GatewayReport)
    listening = gateway.listening if gateway else ""
    where = report.engine.data_dir
    trouble = (*((gateway.trouble,) if gateway and gateway.trouble else ()), *ready.trouble)
    served = Served(ready.pid, listening, ready.admin, ready.socket, where, trouble)
    rows = msgspec.structs.asdict(served)
    show(invocation, Answer("engine.served/1", served, served_detail(rows)))
    for words in dict.fromkeys(trouble):
        invocation.warn(words)
    invocation.note(f"engine {ready.pid} serves; {way_out} stops it")
    invocation.flush_notes()
