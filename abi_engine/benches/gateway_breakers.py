"""What a breaker costs a call, and a refusal, against circuitbreaker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from abi_engine.benches.case import Case, Contest, Side, Workbench
from abi_engine.core.clock import SystemClock
from abi_engine.runtime.breaker import Breaker, BreakerSettings

_OPERATIONS: Final = 4000
_THRESHOLD: Final = 5
_RESET: Final = 3600.0

Outcome = str
Work = Callable[[], object]
Call = Callable[[Work], Outcome]


def _succeed() -> None:
    """The call that is protected."""


def _fail() -> None:
    raise ConnectionError


@contextmanager
def _open(workbench: Workbench, *, is_open: bool) -> Iterator[Contest]:
    ours = _side(workbench, "", _ours, is_open=is_open)
    rival = partial(_side, workbench, "circuitbreaker", _circuitbreaker, is_open=is_open)
    yield workbench.contest(ours, [("circuitbreaker", rival)])


def _ours() -> Call:
    settings = BreakerSettings(failure_threshold=_THRESHOLD, reset_timeout=_RESET)
    breaker = Breaker(settings, SystemClock())
    allow, record = breaker.allow, breaker.record

    def call(work: Work) -> Outcome:
        permit = allow()
        if not permit:
            return "refused"
        try:
            work()
        except ConnectionError:
            record(False, permit=permit)
            return "failed"
        record(True, permit=permit)
        return "done"

    return call


def _circuitbreaker() -> Call:
    from circuitbreaker import (  # type: ignore[import-untyped]
        CircuitBreaker,
        CircuitBreakerError,
    )

    breaker = CircuitBreaker(failure_threshold=_THRESHOLD, recovery_timeout=int(_RESET))
    protected: dict[Work, Work] = {work: breaker(work) for work in (_succeed, _fail)}

    def call(work: Work) -> Outcome:
        try:
            protected[work]()
        except CircuitBreakerError:
            return "refused"
        except ConnectionError:
            return "failed"
        return "done"

    return call


def _side(workbench: Workbench, name: str, make: Callable[[], Call], *, is_open: bool) -> Side:
    asked, measured = make(), make()
    for _ in range(_THRESHOLD if is_open else 0):
        measured(_fail)

    def ask() -> list[Outcome]:
        tries = [_succeed, *[_fail] * (_THRESHOLD + 2), _succeed]
        return [asked(work) for work in tries]

    def all_of_them() -> None:
        for _ in range(_OPERATIONS):
            measured(_succeed)

    return workbench.side(name, ask, all_of_them, _OPERATIONS)


BREAKERS: Final = (
    Case(
        "breaker_closed",
        "call through a closed breaker",
        partial(_open, is_open=False),
        {"circuitbreaker": 2.0},
    ),
    Case(
        "breaker_open",
        "be refused by an open breaker",
        partial(_open, is_open=True),
        {"circuitbreaker": 1.5},
    ),
)
