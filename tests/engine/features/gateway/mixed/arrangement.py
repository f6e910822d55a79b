"""A served engine with all of the gateway on, and its upstreams, for one test."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from abi_engine.features.gateway.api import GatewayReport
from abi_engine.features.gateway.config import Certificate
from abi_engine.service.launch import Launched, detach
from tests.engine.features.gateway.mixed import observed_engine
from tests.engine.features.gateway.mixed.figures import Held, held
from tests.engine.features.gateway.mixed.line import NAME, Place
from tests.engine.features.gateway.mixed.operating import Operator, served
from tests.engine.features.gateway.mixed.visits import ORIGIN
from tests.engine.features.gateway.proxy.secure import Authority
from tests.engine.features.gateway.proxy.stage import until
from tests.engine.service.serving import alive
from tests.scale import scaled

LOG_SIZE, LOG_KEEP = scaled(200_000, 1_000_000), 3
KEYS = ["first secret", "second secret"]

CONFIG = """
[engine]
history = 60

[service]
admin_port = 0

[gateway]
port = 0
trace_context = "start"
access_log_size = {log_size}
access_log_keep = {log_keep}
pool_idle = 1.0
linger = 0.5
{tls}

[gateway.breaker]
reset_timeout = 0.5
"""
KEY = """
[[gateway.keys]]
name = "{name}"
sha256 = "{digest}"
"""
ROUTE = """
[[gateway.routes]]
path = "/{kind}/*"
upstreams = {upstreams}
timeouts.total = {total}
{more}
"""
UNLIMITED = "limit.enabled = false\n"
KINDS = {
    "steady": "health_check = {path = '/steady/health', interval = 0.5}\n" + UNLIMITED,
    "slow": "balance = 'least_in_flight'\n" + UNLIMITED,
    "chunked": "balance = 'consistent_hash'\n" + UNLIMITED,
    "events": UNLIMITED,
    "talk": UNLIMITED,
    "failing": UNLIMITED,
    "flapping": UNLIMITED,
    "resetting": UNLIMITED,
    "browsed": f"methods = ['GET']\ncors.origins = ['{ORIGIN}']\n{UNLIMITED}",
    "guarded": "auth = {}\nlimit = {by = 'key', rate = 500.0, burst = 500}\n",
    "limited": "limit = {rate = 5.0, burst = 10}\n",
    "queued": "concurrency = {limit = 3, queue = 5, queue_timeout = 0.2}\n" + UNLIMITED,
}


class Arrangement:
    """An engine with its upstreams; all of it ends with `close`.

    Args:
        folder: for its files.
        secure: whether clients come over TLS.
    """

    def __init__(self, folder: Path, *, secure: bool) -> None:
        self._folder = folder
        self._authority = Authority(folder) if secure else None
        self._certificate = self._authority.issue(NAME) if self._authority else None
        self.data_dir = folder / "data"
        with ExitStack() as stack:
            first, second, websocket = stack.enter_context(served(0, 0))
            ill, worse, _ = stack.enter_context(served(0, 0))
            with served(0) as (free, _):
                self.flapping = free
            self._upstreams = dict.fromkeys(KINDS, (first, second)) | {
                "talk": (websocket,),
                "failing": (first, ill),
                "flapping": (second, free),
                "resetting": (worse,),
            }
            self.calm = {url(port) for port in (first, second, websocket)}
            self.write(0)
            self.launched = self._start()
            stack.callback(self._end)
            self._stack = stack.pop_all()

    def __enter__(self) -> Arrangement:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def pid(self) -> int:
        return self.launched.ready.pid

    def operator(self) -> Operator:
        calm, _ = self._upstreams["steady"]
        found = Operator(self.launched.ready, self.data_dir, self.write, url(calm), self.flapping)
        self._stack.callback(found.client.close)
        return found

    def place(self, operator: Operator) -> Place:
        report = operator.client.system.report().of("gateway", GatewayReport)
        assert report is not None
        host, _, port = report.listening.partition("://")[2].rpartition(":")
        trust = self._authority.trusted() if self._authority else None
        return Place(host, int(port), trust)

    def held(self) -> Held:
        return held(self.pid, self._folder / "tasks")

    def write(self, turn: int) -> None:
        """Write the configuration; another turn is another configuration."""
        parts = [CONFIG.format(log_size=LOG_SIZE, log_keep=LOG_KEEP, tls=_tls(self._certificate))]
        for number, key in enumerate(KEYS):
            digest = sha256(key.encode()).hexdigest()
            parts.append(KEY.format(name=f"holder.{number}", digest=digest))
        for kind, more in KINDS.items():
            urls = [url(port) for port in self._upstreams[kind]]
            parts.append(ROUTE.format(kind=kind, upstreams=urls, total=100 + turn % 2, more=more))
        (self._folder / "abi.toml").write_text("".join(parts))

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        os.kill(self.pid, signal.SIGTERM)
        until(lambda: not alive(self.pid), 30)

    def _start(self) -> Launched:
        return detach(
            (
                *(sys.executable, observed_engine.__file__, str(self._folder / "tasks")),
                *("--data-dir", str(self.data_dir), "--config", str(self._folder / "abi.toml")),
            )
        )

    def _end(self) -> None:
        if alive(self.pid):
            os.kill(self.pid, signal.SIGKILL)
            until(lambda: not alive(self.pid), 30)


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _tls(certificate: Certificate | None) -> str:
    if certificate is None:
        return ""
    return (
        f"tls.certificates = [{{certificate = '{certificate.certificate}', "
        f"key = '{certificate.key}'}}]"
    )
