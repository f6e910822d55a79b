"""The suite `gateway`: its library plane against the libraries people use, and the proxy hop."""

from __future__ import annotations

from typing import Final

from abi_engine.benches.case import Case
from abi_engine.benches.gateway_breakers import BREAKERS
from abi_engine.benches.gateway_limits import LIMITS
from abi_engine.benches.gateway_routes import ROUTES
from abi_engine.benches.hop.case import HOP

CASES: Final[tuple[Case, ...]] = (*ROUTES, *LIMITS, *BREAKERS, *HOP)
