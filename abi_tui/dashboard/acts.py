"""What can be done to the engine from the dashboard: each with its question, if it is dangerous,
and the command that does the same.
"""

from __future__ import annotations

from typing import NamedTuple

from abi_engine.core.text import safe
from abi_engine.features.gateway.api import RouteStats
from abi_engine.runtime.breaker import BreakerState
from abi_engine.system import FeatureStatus
from abi_tui.dashboard.feed import Query
from abi_tui.views.detail import command_line
from abi_tui.views.gateway import route_name
from abi_tui.views.gateway_details import route_command


class Act(NamedTuple):
    """Something to do.

    Attributes:
        title: what it is, in a few words.
        call: does it.
        done: what to say afterwards, with the way back.
        same_as: the command that does the same.
        question: what will happen; empty for what needs no asking.
    """

    title: str
    call: Query
    done: str
    same_as: str
    question: str = ""


def reset_breaker(upstream: str) -> Act:
    """Close a breaker and forget its counts."""
    name = safe(upstream)
    return Act(
        f"reset {name}",
        lambda engine: engine.gateway.reset_breaker(upstream),
        f"breaker of {name} reset: closed, its counts forgotten",
        command_line("abi", "gateway", "breakers", "reset", upstream),
    )


def force_breaker(upstream: str, state: BreakerState) -> Act:
    """Hold a breaker open or closed."""
    name = safe(upstream)
    opened = state is BreakerState.OPEN
    effect = (
        "Every request to it will be answered 503, or go to another upstream,"
        if opened
        else "Every request will be sent to it, however often it fails,"
    )
    return Act(
        f"hold {name} {state.value}",
        lambda engine: engine.gateway.force_breaker(upstream, state),
        f"breaker of {name} held {state.value}; f frees it",
        command_line("abi", "gateway", "breakers", "force", upstream, state.value),
        f"{effect} until the breaker is released or reset.",
    )


def release_breaker(upstream: str) -> Act:
    """Let a held breaker go."""
    name = safe(upstream)
    return Act(
        f"free {name}",
        lambda engine: engine.gateway.force_breaker(upstream, None),
        f"breaker of {name} released",
        command_line("abi", "gateway", "breakers", "force", upstream, "release"),
    )


def switch_route(route: RouteStats) -> Act:
    """Switch a route off or on."""
    name = route_name(route.path, route.methods)
    method = route.methods[0] if route.methods else None
    on = not route.enabled
    question = "Every request for it will be answered 503 until it is switched on again."
    return Act(
        f"switch {name} {'on' if on else 'off'}",
        lambda engine: engine.gateway.set_route_enabled(route.path, method, on),
        f"{name} is {'on' if on else 'off; d switches it on again'}",
        route_command("enable" if on else "disable", route.path, route.methods),
        "" if on else question,
    )


def switch_feature(feature: FeatureStatus) -> Act:
    """Switch a feature off or on."""
    name, on = safe(feature.name), not feature.enabled
    question = "It is stopped, and what it keeps in memory is gone, until it is switched on again."
    return Act(
        f"switch {name} {'on' if on else 'off'}",
        lambda engine: engine.system.set_feature(feature.name, on),
        f"{name} is {'on' if on else 'off; o switches it on again'}",
        command_line("abi", "features", "enable" if on else "disable", feature.name),
        "" if on else question,
    )
