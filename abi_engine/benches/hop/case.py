"""CPU time that a request costs a proxy, measured from outside while wrk asks it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from abi_engine.benches.case import Case, Contest, Side, Workbench
from abi_engine.benches.hop.child import Child, python
from abi_engine.benches.hop.nginx import nginx
from abi_engine.core.errors import Unavailable

_CONNECTIONS: Final = 32
_SECONDS: Final = 2
_PATH: Final = "/some/path?q=1"
_REQUESTS: Final = re.compile(r"(\d+) requests in ")
_TROUBLE: Final = re.compile(r"Non-2xx|Socket errors")

Drive = Callable[[Child], int]


def driver(wrk: str) -> Drive:
    """Asks a server for a while with wrk; tells how many answers came."""

    def drive(child: Child) -> int:
        command = [wrk, "-t1", f"-c{_CONNECTIONS}", f"-d{_SECONDS}s", child.url + _PATH]
        done = subprocess.run(  # noqa: S603 - a program we found
            command, capture_output=True, text=True, timeout=_SECONDS + 30, check=False
        )
        return requests_in(done.stdout or done.stderr)

    return drive


def requests_in(said: str) -> int:
    """How many requests wrk says it made.

    Raises:
        Unavailable: it says that some failed, or nothing.
    """
    found = _REQUESTS.search(said)
    if found is None or not int(found[1]) or _TROUBLE.search(said):
        raise Unavailable(f"wrk did not get an answer to every request: {said.strip()[-300:]}")
    return int(found[1])


@contextmanager
def _open(workbench: Workbench) -> Iterator[Contest]:
    drive = driver(workbench.program("wrk", "wrk"))
    with ExitStack() as stack:
        upstream = stack.enter_context(python("upstream"))

        def side(name: str, start: Callable[[Path], AbstractContextManager[Child]]) -> Side:
            place = Path(stack.enter_context(TemporaryDirectory(prefix="abi-bench-")))
            return side_of(name, stack.enter_context(start(place)), drive)

        yield workbench.contest(
            side("", lambda place: python("ours", upstream.url, str(place))),
            [
                ("nginx", lambda: side("nginx", partial(_nginx, workbench, upstream))),
                ("aiohttp", lambda: side("aiohttp", partial(_aiohttp, upstream))),
            ],
        )


def _nginx(workbench: Workbench, upstream: Child, place: Path) -> AbstractContextManager[Child]:
    return nginx(workbench.program("nginx", "nginx"), upstream, place)


def _aiohttp(upstream: Child, _place: Path) -> AbstractContextManager[Child]:
    return python("aiohttp_proxy", upstream.url)


def side_of(name: str, child: Child, drive: Drive) -> Side:
    """A proxy as a side: measured by the CPU time of its process for each request."""

    def measure() -> float:
        begun = child.cpu()
        requests = drive(child)
        return (child.cpu() - begun) / requests

    return Side(name, lambda: child.get(_PATH), measure)


HOP: Final = (
    Case(
        "proxy_hop",
        "CPU time that a request costs the proxy; limiter, breaker, request id, access log on",
        _open,
        {"nginx": 0.4, "aiohttp": 4.0},
    ),
)
