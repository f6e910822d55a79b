"""A request that another process waits for, followed in this one."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from abi_engine.features.gateway.admission import Admission, Refusal
from abi_engine.features.gateway.traces import Trace
from abi_engine.features.gateway.workers.messages import Followed
from abi_engine.features.gateway.workers.outbox import Outbox


class ToldTrace(Trace):
    """A trace that another process waits for."""

    def __init__(self, request_id: str, outbox: Outbox) -> None:
        super().__init__()
        self._request_id = request_id
        self._outbox = outbox
        self.over = _Over(self.tell)

    def follow(self, outcome: Admission | Refusal) -> Admission | Refusal:
        """See `Trace`."""
        followed = super().follow(outcome)
        if isinstance(followed, Refusal):
            self.tell()
        return followed

    def tell(self) -> None:
        """What is known by now."""
        self._outbox.say(Followed(self._request_id, self.match, self.upstream))


class _Over(Event):
    def __init__(self, tell: Callable[[], None]) -> None:
        super().__init__()
        self._tell = tell

    def set(self) -> None:
        super().set()
        self._tell()
