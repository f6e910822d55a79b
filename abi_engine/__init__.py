"""ABI: an agent backend in one process.

    from abi_engine import Engine

    with Engine() as engine:
        engine.gateway.stats()

The names below are the package's own; each is imported when it is first used. Refuses to import
anything by itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from abi_engine.version import VERSION

if TYPE_CHECKING:
    from abi_engine.config import EngineConfig, Setting, load
    from abi_engine.core.clock import Clock, ManualClock, SystemClock
    from abi_engine.core.errors import (
        AbiError,
        AddressInUse,
        AlreadyExists,
        ConnectionLost,
        DataDirectoryError,
        EngineBusy,
        EngineNotRunning,
        EngineStateError,
        FeatureDisabled,
        FeaturePlanned,
        InternalError,
        InvalidArguments,
        InvalidConfig,
        NotFound,
        PermissionRefused,
        ProtocolMismatch,
        TimedOut,
        Unavailable,
    )
    from abi_engine.core.events import Event
    from abi_engine.core.feature import Health, State
    from abi_engine.core.stream import Stream
    from abi_engine.engine import Engine, EngineApi
    from abi_engine.features.gateway.api import Route, RouteLimit
    from abi_engine.features.gateway.config import GatewayConfig
    from abi_engine.runtime.breaker_contract import BreakerSettings, BreakerState
    from abi_engine.service.connect import connect
    from abi_engine.settings import ServiceSection

__all__ = [
    "AbiError",
    "AddressInUse",
    "AlreadyExists",
    "BreakerSettings",
    "BreakerState",
    "Clock",
    "ConnectionLost",
    "DataDirectoryError",
    "Engine",
    "EngineApi",
    "EngineBusy",
    "EngineConfig",
    "EngineNotRunning",
    "EngineStateError",
    "Event",
    "FeatureDisabled",
    "FeaturePlanned",
    "GatewayConfig",
    "Health",
    "InternalError",
    "InvalidArguments",
    "InvalidConfig",
    "ManualClock",
    "NotFound",
    "PermissionRefused",
    "ProtocolMismatch",
    "Route",
    "RouteLimit",
    "ServiceSection",
    "Setting",
    "State",
    "Stream",
    "SystemClock",
    "TimedOut",
    "Unavailable",
    "__version__",
    "connect",
    "load",
]

__version__ = VERSION

_HOMES = {
    "BreakerSettings": "runtime.breaker_contract",
    "BreakerState": "runtime.breaker_contract",
    "Clock": "core.clock",
    "Engine": "engine",
    "EngineApi": "engine",
    "EngineConfig": "config",
    "Event": "core.events",
    "GatewayConfig": "features.gateway.config",
    "Health": "core.feature",
    "ManualClock": "core.clock",
    "Route": "features.gateway.api",
    "RouteLimit": "features.gateway.api",
    "ServiceSection": "settings",
    "Setting": "config",
    "State": "core.feature",
    "Stream": "core.stream",
    "SystemClock": "core.clock",
    "connect": "service.connect",
    "load": "config",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    home = _HOMES.get(name, "core.errors")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
