"""The trace that a request belongs to, as W3C Trace Context writes it: handed on, or begun.

The gateway is no span of its own: what it hands on is what it got. Refuses to guess: what is
malformed or repeated goes no further, and neither does a `tracestate` without its `traceparent`.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from abi_engine.features.gateway.proxy.head import RequestHead

TRACEPARENT: Final = b"traceparent"
TRACESTATE: Final = b"tracestate"

_HEX: Final = b"0123456789abcdef"
_SIZE: Final = 55  # version, trace id, parent id and flags, with dashes between
_VERSION_0: Final = b"00"
_NO_VERSION: Final = b"ff"


class Trace(NamedTuple):
    """What goes on of a request's trace context.

    Attributes:
        lines: for the upstream; none where there is no trace.
        trace_id: 32 hexadecimal digits; empty where there is none.
    """

    lines: tuple[bytes, ...] = ()
    trace_id: str = ""


NO_TRACE: Final = Trace()


class TraceContext:
    """Reads the trace context of requests, and begins one where it is asked to.

    Args:
        random: ids are drawn from it; they are names, not secrets.
        starts: begin a trace for a request that has none.
    """

    def __init__(self, random: Random, *, starts: bool) -> None:
        self._bits = random.getrandbits
        self.starts = starts

    def of(self, head: RequestHead) -> Trace:
        """The trace of a request."""
        parent = head.special.get(TRACEPARENT)
        if parent is not None and is_traceparent(parent):
            line = b"traceparent: " + parent
            state = head.special.get(TRACESTATE)
            lines = (line, b"tracestate: " + state) if state else (line,)
            return Trace(lines, parent[3:35].decode("ascii"))
        return self._begun() if self.starts else NO_TRACE

    def _begun(self) -> Trace:
        """A new trace: not sampled, for whoever records it decides that."""
        trace_id = f"{self._bits(128) or 1:032x}"
        line = f"traceparent: 00-{trace_id}-{self._bits(64) or 1:016x}-00"
        return Trace((line.encode("ascii"),), trace_id)


def is_traceparent(value: bytes) -> bool:
    """Whether a value is one `traceparent`: lower case, no id all zero, nothing behind version 0.

    Later versions may have more behind a further dash.
    """
    version, trace_id, parent_id = value[:2], value[3:35], value[36:52]
    if value[2:3] + value[35:36] + value[52:53] != b"---" or version == _NO_VERSION:
        return False
    if (version + trace_id + parent_id + value[53:_SIZE]).translate(None, _HEX):
        return False
    if not trace_id.strip(b"0") or not parent_id.strip(b"0"):
        return False
    if len(value) == _SIZE:
        return True
    return len(value) > _SIZE and version != _VERSION_0 and value[_SIZE : _SIZE + 1] == b"-"
