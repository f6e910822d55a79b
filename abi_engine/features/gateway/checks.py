"""Health checks at work: what is asked of whom, and what is thought of it.

Refuses to ask anybody: whoever listens does, and notes the answers here.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

from abi_engine.core.clock import Clock
from abi_engine.core.errors import Severity
from abi_engine.core.events import EventLog
from abi_engine.core.text import safe
from abi_engine.features.gateway.admission import UpstreamAddress
from abi_engine.features.gateway.api import HealthCheck

_ERROR_SIZE: Final = 200

OnChange = Callable[["LiveCheck", str], None]


class LiveCheck:
    """A check of one address, however many routes ask for it.

    One at a time may note answers; any thread may read.

    Attributes:
        address: who is asked.
        settings: for what, and how often.
        ill: unhealthy, so that nothing is sent there while others are well.
        healthy: the same as a report has it; None until it is known.
        error: what was wrong with the last answer; empty if nothing was.
        checked_at: when it came, on the monotonic clock; None if none has.
    """

    __slots__ = ("_row", "address", "checked_at", "error", "healthy", "ill", "settings", "users")

    def __init__(self, address: UpstreamAddress, settings: HealthCheck) -> None:
        self.address = address
        self.settings = settings
        self.users = 0
        self.forget()

    def forget(self) -> None:
        """Know nothing of it, as at the beginning: it is taken for well."""
        self.ill = False
        self.healthy: bool | None = None
        self.error = ""
        self.checked_at: float | None = None
        self._row = 0  # answers in a row that speak against what is thought of it

    def note(self, error: str, now: float) -> str:
        """An answer; empty is a good one. Tells why it is thought of differently now, if it is."""
        self.error = safe(error, limit=_ERROR_SIZE)
        self.checked_at = now
        if bool(error) == self.ill:
            self._row = 0
            if not error:
                self.healthy = True
            return ""
        self._row += 1
        settings = self.settings
        if self._row < (settings.unhealthy if error else settings.healthy):
            return ""
        row, self._row = self._row, 0
        self.ill, self.healthy = bool(error), not error
        checks = "check" if row == 1 else "checks"
        return f"{row} {checks} failed: {self.error}" if error else f"{row} {checks} succeeded"


class Checks:
    """Every check that some route asks for. Thread-safe.

    Args:
        clock: tells how old an answer is.
        on_change: told when an upstream is thought of differently, and why.
    """

    def __init__(self, clock: Clock, on_change: OnChange | None = None) -> None:
        self._clock = clock
        self._on_change = on_change
        self._live: dict[tuple[UpstreamAddress, HealthCheck], LiveCheck] = {}
        self._lock = Lock()
        self._changed = False
        self.on_set: Callable[[], None] | None = None
        """Called after checks have come or gone, by the thread that added or removed the route."""

    def acquire(self, address: UpstreamAddress, settings: HealthCheck) -> LiveCheck:
        """The check of an address, asked for once more."""
        with self._lock:
            check = self._live.get((address, settings))
            if check is None:
                check = self._live[address, settings] = LiveCheck(address, settings)
                self._changed = True
            check.users += 1
        return check

    def release(self, check: LiveCheck) -> bool:
        """It is asked for once less; tell whether nobody asks for it any more."""
        with self._lock:
            check.users -= 1
            if check.users:
                return False
            del self._live[check.address, check.settings]
            self._changed = True
        return True

    def all(self) -> tuple[LiveCheck, ...]:
        """Every check."""
        with self._lock:
            return tuple(self._live.values())

    def note(self, check: LiveCheck, error: str) -> None:
        """An answer to a check; empty is a good one."""
        cause = check.note(error, self._clock.monotonic())
        if cause and self._on_change is not None:
            self._on_change(check, cause)

    def tell(self) -> None:
        """Tell whoever runs the checks, if any have come or gone."""
        with self._lock:
            changed, self._changed = self._changed, False
        if changed and self.on_set is not None:
            self.on_set()


def tell_health(events: EventLog, check: LiveCheck, cause: str) -> None:
    """Record that an upstream became unhealthy or healthy."""
    name, path = check.address.name, check.address.prefix + check.settings.path
    events.add(
        "gateway",
        "upstream_unhealthy" if check.ill else "upstream_healthy",
        f"upstream {name} {'unhealthy' if check.ill else 'healthy'}: {cause}",
        subject=name,
        severity=Severity.WARNING if check.ill else Severity.INFO,
        path=path,
    )
