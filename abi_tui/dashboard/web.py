"""The dashboard in a browser: a page, and for each visitor a dashboard of its own.

Refuses to be reached from another machine, or by anybody who was not told its address: the path has
a secret that is made anew at each start. Nothing in the page comes from another server.
"""

from __future__ import annotations

import shlex
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_urlsafe

from aiohttp import web
from textual_serve.server import Server

from abi_engine.core.errors import AddressInUse
from abi_tui.dashboard.launch import Way

HOST = "127.0.0.1"
PAGES = Path(__file__).with_name("pages")
COLOURS = {"COLORTERM": "truecolor", "TERM": "xterm-256color"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self' ws://{authority}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Pages(Server):
    """What a browser gets.

    Args:
        command: starts the dashboard of a visitor.
        port: where it listens.
        tell: is told the address, once it answers and can be ended.
    """

    def __init__(self, command: Sequence[str], port: int, tell: Callable[[str], None]) -> None:
        colours = [f"{name}={value}" for name, value in COLOURS.items()]
        started = f"exec env {shlex.join((*colours, *command))}"
        super().__init__(started, HOST, port, title="abi", templates_path=PAGES)
        self._secret = token_urlsafe(24)
        self._tell = tell

    @property
    def address(self) -> str:
        """What the browser is to open."""
        return f"{self.public_url}/{self._secret}/"

    async def application(self) -> web.Application:
        """The page, its files and its connections, behind the secret."""
        pages = await self._make_app()
        pages.on_response_prepare.append(self._guard)
        whole = web.Application()
        whole.add_subapp(f"/{self._secret}", pages)
        return whole

    async def on_startup(self, app: web.Application) -> None:  # noqa: ARG002 - as it is called
        """Say where it is."""
        self._tell(self.address)

    async def _guard(self, request: web.Request, response: web.StreamResponse) -> None:  # noqa: ARG002 - as it is called
        for name, value in HEADERS.items():
            response.headers[name] = value.format(authority=f"{HOST}:{self.port}")


def serve(way: Way, command: Sequence[str], *, port: int, tell: Callable[[str], None]) -> None:
    """Serve the dashboard until SIGINT or SIGTERM.

    Args:
        way: to the engine; one that is started for it ends with it.
        command: starts the dashboard of a visitor, on the same engine.
        port: where, on loopback; 0 takes a free one.
        tell: is told the address, once it answers.

    Raises:
        AddressInUse: somebody else listens there.
        AbiError: why there is no engine.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        raise AddressInUse(
            f"cannot listen on {HOST}:{port}: {error.strerror}",
            hint="choose another with --web-port, or leave it out",
        ) from error
    try:
        with listener, way.open():
            pages = Pages(command, listener.getsockname()[1], tell)
            web.run_app(pages.application(), sock=listener, print=None, access_log=None)
    finally:
        way.leave()
