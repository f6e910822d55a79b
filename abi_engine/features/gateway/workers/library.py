"""The library plane that workers have in common, in one piece. Refuses to do anything."""

from __future__ import annotations

from typing import NamedTuple

from abi_engine.features.gateway.admitter import RouteAdmitter
from abi_engine.features.gateway.keys import KeyRing
from abi_engine.features.gateway.table import RouteTable
from abi_engine.features.gateway.traces import Traces
from abi_engine.features.gateway.traffic import TrafficCounts
from abi_engine.features.gateway.upstreams import Upstreams


class Library(NamedTuple):
    """What the gateway has, and its workers follow."""

    table: RouteTable
    upstreams: Upstreams
    traffic: TrafficCounts
    traces: Traces
    keys: KeyRing
    admitter: RouteAdmitter
