"""An engine on another machine: its control socket, brought here by ssh.

Refuses to speak any protocol of its own over the network; who may come in is for sshd to say.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from abi_engine.core.errors import EngineNotRunning, InvalidArguments, TimedOut, Unavailable
from abi_engine.core.text import safe
from abi_engine.service.client import Client

REACH_TIMEOUT = 20.0
POLL = 0.05


class RemoteHost(NamedTuple):
    """What `ssh://[user@]host[:port][/data/dir]` says."""

    destination: str
    port: int | None
    data_dir: str


class RemoteClient(Client):
    """A client of the engine on another machine. `close` ends the ssh that carries it.

    Args:
        url: `ssh://[user@]host[:port][/data/dir]`; without a directory, the far user's own.
        timeout: see `Client`.
        reach: how many seconds to wait until the far engine answers.

    Raises:
        Unavailable: there is no ssh here, or no abi there.
        EngineNotRunning: no engine runs there.
        TimedOut: it was not reached in time.
    """

    def __init__(
        self, url: str, *, timeout: float | None = None, reach: float = REACH_TIMEOUT
    ) -> None:
        host = parse(url)
        if shutil.which("ssh") is None:
            raise Unavailable(f"{safe(url)}: no ssh on this machine", hint="install openssh-client")
        self._directory = tempfile.TemporaryDirectory(prefix="abi-ssh-")
        self._tunnel: subprocess.Popen[bytes] | None = None
        super().__init__(Path(self._directory.name) / "abi.sock", timeout=timeout)
        deadline = time.monotonic() + reach
        try:
            far = _far_socket(host, reach)
            self._tunnel = _forward(host, self.path, far)
            self._wait(host, deadline)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connections and end the ssh."""
        super().close()
        tunnel, self._tunnel = self._tunnel, None
        if tunnel is not None:
            tunnel.terminate()
            with suppress(subprocess.TimeoutExpired):
                tunnel.wait(5)
            if tunnel.poll() is None:
                tunnel.kill()
                tunnel.wait()
            if tunnel.stderr is not None:
                tunnel.stderr.close()
        self._directory.cleanup()

    def _wait(self, host: RemoteHost, deadline: float) -> None:
        tunnel = self._tunnel
        assert tunnel is not None
        while True:
            try:
                self.check()
            except EngineNotRunning:
                if tunnel.poll() is not None:
                    raise _failed(host, tunnel.communicate()[1]) from None
                if time.monotonic() >= deadline:
                    message = f"ssh {host.destination}: the engine was not reached in time"
                    raise TimedOut(message, hint="ssh -v shows where it waits") from None
            else:
                return
            time.sleep(POLL)


def parse(url: str) -> RemoteHost:
    """The parts of an `ssh://` address.

    Raises:
        InvalidArguments: it is none.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _not_an_address(url, str(error)) from error
    if parts.scheme != "ssh" or not host or host.startswith("-") or parts.query or parts.fragment:
        raise _not_an_address(url, "expected ssh://[user@]host[:port][/data/dir]")
    user = parts.username or ""
    if user.startswith("-") or parts.password is not None:
        raise _not_an_address(url, "a user name only; ssh asks for the rest")
    data_dir = unquote(parts.path)
    return RemoteHost(f"{user}@{host}" if user else host, port, "" if data_dir == "/" else data_dir)


def _not_an_address(url: str, reason: str) -> InvalidArguments:
    return InvalidArguments(f"attach: {safe(url, limit=200)}: {reason}")


def _ssh(host: RemoteHost, *options: str) -> list[str]:
    port = ["-p", str(host.port)] if host.port else []
    return ["ssh", "-o", "BatchMode=yes", *port, *options, "--", host.destination]


def _far_socket(host: RemoteHost, timeout: float) -> str:
    """Where the far engine listens, as its own `abi status` says."""
    chosen = f"ABI_DATA_DIR={_quoted(host.data_dir)} " if host.data_dir else ""
    command = [*_ssh(host, "-T"), f"{chosen}abi status --json"]
    try:
        done = subprocess.run(  # noqa: S603 - `parse` and `_quoted` have checked the words
            command, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise TimedOut(
            f"ssh {host.destination}: no answer within {timeout:g} s",
            hint="ssh -v shows where it waits",
        ) from error
    try:
        found = msgspec.json.decode(done.stdout, type=_StatusDocument).data.socket
    except msgspec.MsgspecError:
        raise _failed(host, done.stderr) from None
    if not found:
        raise EngineNotRunning(
            f"{host.destination}: no engine listens there", hint="abi serve --detach, over there"
        )
    return found


def _forward(host: RemoteHost, near: Path, far: str) -> subprocess.Popen[bytes]:
    options = ("-N", "-T", "-o", "ExitOnForwardFailure=yes", "-L", f"{near}:{far}")
    return subprocess.Popen(  # noqa: S603 - a list, no shell on this side
        _ssh(host, *options),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def _failed(host: RemoteHost, stderr: bytes) -> Unavailable:
    lines = stderr.decode(errors="replace").strip().splitlines()
    reason = safe(lines[-1], limit=300) if lines else "no answer that could be read"
    return Unavailable(
        f"ssh {host.destination}: {reason}",
        hint="try: ssh -N -L LOCAL.sock:REMOTE.sock HOST, then --attach LOCAL.sock",
    )


def _quoted(text: str) -> str:
    """One word for the far shell."""
    return "'" + text.replace("'", "'\\''") + "'"


class _StatusData(msgspec.Struct):
    socket: str


class _StatusDocument(msgspec.Struct):
    data: _StatusData
