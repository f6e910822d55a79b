"""Transitions of breakers as events. Refuses to be called under a lock."""

from __future__ import annotations

from typing import Final

from abi_engine.core.errors import Severity
from abi_engine.core.events import EventLog
from abi_engine.runtime.breaker import BreakerState, Transition

_KINDS: Final = {
    BreakerState.OPEN: "breaker_opened",
    BreakerState.HALF_OPEN: "breaker_half_open",
    BreakerState.CLOSED: "breaker_closed",
}
_WORDS: Final = {
    BreakerState.OPEN: "open",
    BreakerState.HALF_OPEN: "half open",
    BreakerState.CLOSED: "closed",
}


def tell_transition(events: EventLog, upstream: str, transition: Transition) -> None:
    """Record a transition of an upstream's breaker."""
    opened = transition.after is BreakerState.OPEN
    events.add(
        "gateway",
        "breaker_forced" if transition.forced else _KINDS[transition.after],
        f"breaker {upstream} {_WORDS[transition.after]}: {transition.cause}",
        subject=upstream,
        severity=Severity.WARNING if opened else Severity.INFO,
        before=transition.before.value,
        after=transition.after.value,
        failures=transition.failures,
        calls=transition.calls,
    )
