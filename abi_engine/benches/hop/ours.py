"""Our side of the hop: an engine that serves; limiter, breaker, request id, access log are on."""

from __future__ import annotations

import sys
from pathlib import Path

from abi_engine.config import EngineConfig
from abi_engine.engine import Engine
from abi_engine.features.gateway.api import Route, RouteLimit
from abi_engine.features.gateway.config import GatewayConfig
from abi_engine.settings import ServiceSection

_PLENTY = 1_000_000_000


def main(upstream: str, directory: str) -> None:
    """Serve until stdin ends."""
    limit = RouteLimit(rate=_PLENTY, burst=_PLENTY)
    gateway = GatewayConfig(port=0, routes=(Route("/*", (upstream,), limit=limit),))
    sections = {"gateway": gateway, "service": ServiceSection(admin=False)}
    config = EngineConfig(data_dir=Path(directory), sections=sections)
    with Engine(config, control=True) as engine:
        port = engine.gateway.report().listening.rpartition(":")[2]
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
