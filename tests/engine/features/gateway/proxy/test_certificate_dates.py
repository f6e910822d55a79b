"""Dates of certificates are looked at while the gateway runs, not only when it starts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from abi_engine.core.clock import ManualClock
from abi_engine.core.events import EventLog
from abi_engine.features.gateway.proxy.certificate_dates import DAY, CertificateDates
from abi_engine.features.gateway.proxy.tls import ServerTls, server_tls
from tests.engine.features.gateway.proxy.secure import Authority, tls


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


class Timers(asyncio.SelectorEventLoop):
    """Keeps what is to be called later, for the test to call."""

    def __init__(self) -> None:
        super().__init__()
        self.later: list[tuple[float, Callable[[], None], asyncio.TimerHandle]] = []

    def call_later(self, delay, callback, *args, context=None):  # type: ignore[no-untyped-def]
        handle = super().call_later(delay, callback, *args, context=context)
        self.later.append((delay, callback, handle))
        return handle


def served(authority: Authority) -> ServerTls:
    found = server_tls(tls(authority.issue("gateway.test")))
    assert found is not None
    return found


def test_a_certificate_is_told_of_on_each_day_before_its_end(authority: Authority) -> None:
    secured = served(authority)
    ends = secured._loaded[0].ends
    clock = ManualClock(ends - 15.5 * DAY)
    events = EventLog(clock)
    loop = Timers()
    dates = CertificateDates(loop, clock, events)
    dates.watch(secured)
    kinds: list[list[str]] = []
    for _ in range(17):
        kinds.append([event.kind for event in events.latest(100)])
        events = dates._events = EventLog(clock)
        clock.advance(DAY)
        delay, callback, _ = loop.later[-1]
        assert delay == DAY
        callback()
    assert kinds == [[], []] + [["certificate_expires_soon"]] * 14 + [["certificate_expired"]]
    dates.close()
    loop.close()


def test_one_that_is_replaced_is_not_looked_at_any_more(authority: Authority) -> None:
    loop = Timers()
    dates = CertificateDates(loop, ManualClock(), EventLog(ManualClock()))
    dates.watch(served(authority))
    dates.watch(served(authority))
    first, second = (handle for _, _, handle in loop.later)
    assert first.cancelled()
    assert not second.cancelled()
    dates.close()
    assert second.cancelled()
    loop.close()
