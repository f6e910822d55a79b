"""Whether a request may pass, against throttled-py and limits.

Ours is the operation of the gateway, with its statistics; the bare limiter is shown beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from typing import Final

from abi_engine.benches.case import Case, Contest, Side, Workbench
from abi_engine.core.clock import SystemClock
from abi_engine.engine import Engine
from abi_engine.features.gateway.api import Route, RouteLimit
from abi_engine.runtime.limiter import LimitKind, build

_OPERATIONS: Final = 2000
_CLIENTS: Final = [f"10.0.0.{number}" for number in range(100)]
_PLENTY: Final = 1_000_000
_FEW: Final = 5
_LONG: Final = 1000
"""Seconds of a window, so that nothing comes back while it is measured."""

Allows = Callable[[str], bool]
Limiter = Callable[[str], object]


@contextmanager
def _open(workbench: Workbench, *, kind: LimitKind, bare: bool) -> Iterator[Contest]:
    with Engine() as engine:
        ours = _bare(workbench, kind) if bare else _gateway(workbench, engine, kind)
        name, make = _RIVALS[kind]
        yield workbench.contest(ours, [(name, partial(make, workbench))])


def _settings(kind: LimitKind, limit: int) -> RouteLimit:
    return RouteLimit(kind=kind, rate=limit / _LONG, burst=limit, window=_LONG)


def _gateway(workbench: Workbench, engine: Engine, kind: LimitKind) -> Side:
    gateway = engine.gateway
    for path, limit in (("/plenty", _PLENTY), ("/few", _FEW)):
        gateway.add_route(Route(path, ("http://127.0.0.1:9000",), limit=_settings(kind, limit)))
    check = gateway.check_rate_limit
    return _side(
        workbench,
        "",
        lambda client: check("/few", client).allowed,
        lambda client: check("/plenty", client),
    )


def _bare(workbench: Workbench, kind: LimitKind) -> Side:
    clock = SystemClock()
    few, plenty = (build(_settings(kind, limit), clock) for limit in (_FEW, _PLENTY))
    return _side(workbench, "", lambda key: few.check(key).allowed, plenty.check)


def _throttled(workbench: Workbench) -> Side:
    from throttled import Throttled, rate_limiter, store

    few, plenty = (
        Throttled(
            using="token_bucket",
            quota=rate_limiter.per_duration(timedelta(seconds=_LONG), limit, burst=limit),
            store=store.MemoryStore(),
        )
        for limit in (_FEW, _PLENTY)
    )
    return _side(workbench, "throttled-py", lambda key: not few.limit(key).limited, plenty.limit)


def _limits(strategy: str, workbench: Workbench) -> Side:
    from limits import RateLimitItemPerSecond, storage, strategies

    limiter = getattr(strategies, strategy)(storage.MemoryStorage())
    few, plenty = (RateLimitItemPerSecond(limit, _LONG) for limit in (_FEW, _PLENTY))
    return _side(
        workbench,
        "limits",
        lambda key: bool(limiter.hit(few, key)),
        lambda key: limiter.hit(plenty, key),
    )


_RIVALS: Final[Mapping[LimitKind, tuple[str, Callable[[Workbench], Side]]]] = {
    LimitKind.TOKEN_BUCKET: ("throttled-py", _throttled),
    LimitKind.FIXED_WINDOW: ("limits", partial(_limits, "FixedWindowRateLimiter")),
    LimitKind.SLIDING_WINDOW: ("limits", partial(_limits, "SlidingWindowCounterRateLimiter")),
}


def _side(workbench: Workbench, name: str, few: Allows, plenty: Limiter) -> Side:
    """All let five requests of a client through, and no sixth."""
    work = list(islice(cycle(_CLIENTS), _OPERATIONS))

    def ask() -> object:
        return [few("10.1.1.1") for _ in range(_FEW + 3)]

    def all_of_them() -> None:
        for client in work:
            plenty(client)

    return workbench.side(name, ask, all_of_them, len(work))


def _case(kind: LimitKind, goal: float | None = None, *, bare: bool = False) -> Case:
    words = kind.value.replace("_", " ")
    return Case(
        f"{kind.value}{'_bare' if bare else ''}",
        f"count a request, {words}{', the bare limiter' if bare else ''}",
        partial(_open, kind=kind, bare=bare),
        {} if goal is None else {_RIVALS[kind][0]: goal},
    )


LIMITS: Final = (
    _case(LimitKind.TOKEN_BUCKET, 12.0),
    _case(LimitKind.TOKEN_BUCKET, bare=True),
    _case(LimitKind.FIXED_WINDOW, 6.0),
    _case(LimitKind.FIXED_WINDOW, bare=True),
    _case(LimitKind.SLIDING_WINDOW, 6.0),
    _case(LimitKind.SLIDING_WINDOW, bare=True),
)
