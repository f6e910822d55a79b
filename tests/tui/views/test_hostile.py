"""Whatever text comes in from outside, every cell of every view is safe to show."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from abi_engine.config import Setting
from abi_engine.core.events import Event
from abi_engine.core.feature import Health
from abi_engine.core.text import safe
from abi_engine.features.gateway.api import (
    ApiKeyStats,
    Cors,
    KeyOrigin,
    LimitBy,
    LimitStats,
    Match,
    Route,
    RouteAuth,
    RouteLimit,
    RoutePage,
    TestAnswer,
)
from abi_engine.plugins import Plugin
from abi_engine.runtime.breaker import BreakerState, Transition
from abi_engine.runtime.limiter import RateDecision
from abi_engine.system import LogLine
from abi_engine.toolchain.status import Status, Tool
from abi_tui.views import (
    config,
    engine,
    events,
    gateway,
    gateway_details,
    gateway_keys,
    logs,
    plugins,
    toolchain,
)
from abi_tui.views.detail import Detail
from abi_tui.views.table import Table
from tests.tui.views.reports import (
    NOW,
    breaker,
    detail,
    feature,
    gateway_report,
    route,
    status,
    upstream,
)

HOSTILE = st.text(st.characters(), min_size=1, max_size=40) | st.sampled_from(
    ["\x1b[2J", "a\nb", "\u202egnp.exe", "[/x]", "\x9b31m", "\u200b", "\ud800", "\U000e0041"]
)


def _views(text: str) -> Iterator[Table | Detail]:
    changed = Transition(NOW, BreakerState.CLOSED, BreakerState.OPEN, text, 1, 1)
    up = upstream(breaker(BreakerState.OPEN, last=changed), text)
    row = route(text, (text,), limit=text)
    limit = LimitStats(text, (text,), RouteLimit(by=LimitBy.HEADER, header=text), 1, 1, 1, 1.0)
    settings = Route(text, (text,), strip_prefix=text)
    yield gateway.routes_table(RoutePage(1, 1, (row,)))
    yield gateway.breakers_table((up,))
    yield gateway.limits_table((limit,))
    yield gateway_keys.keys_table((ApiKeyStats(text, KeyOrigin.CONFIG, True, None, None, 0),))
    shared = Route(text, (text,), auth=RouteAuth(keys=(text,)), cors=Cors((text,)))
    yield gateway_details.route_detail(msgspec.structs.replace(detail(up), route=shared), NOW)
    yield gateway_details.route_detail(detail(up, stats=row), NOW)
    yield gateway_details.breaker_detail(up, NOW)
    yield gateway_details.match_detail(Match(settings, {text: text}, text, text), text, text)
    answer = TestAnswer(
        200, 1.0, 1, text, text, text, ((text, text),), text.encode("utf8", "replace")
    )
    yield gateway_details.answer_detail(answer, text, text)
    yield gateway_details.decision_detail(RateDecision(False, 0, 1.0), text, text)
    sick = feature(text, summary=text, health=Health(False, text, NOW))
    yield engine.status_detail(status(sick, trouble=(text,)))
    yield engine.features_table((sick,))
    yield events.events_table((Event(1, NOW, text, text, text),))
    yield logs.logs_table((LogLine(NOW, text, text, text),))
    yield config.settings_table((Setting(text, text, text, text),))
    yield config.environment_table((config.Variable(text, text, text),))
    yield plugins.plugins_table((Plugin(text, text, text, text, text),))
    yield toolchain.tools_table((Tool(text, text, text, Status.OK, text, text),))


def _texts(view: Table | Detail) -> Iterator[str]:
    if isinstance(view, Table):
        yield view.empty
        for row in view.rows:
            yield from (cell.text for cell in row)
        return
    yield from (view.title, view.same_as)
    for line in view.lines:
        yield from (line.label, line.cell.text)


@given(HOSTILE)
def test_every_cell_is_safe_to_show(text: str) -> None:
    for view in _views(text):
        for shown in _texts(view):
            assert safe(shown) == shown, view.name


@given(HOSTILE)
def test_what_is_wrong_is_safe_to_show(text: str) -> None:
    for cell in engine.trouble_cells(status(trouble=(text,)), gateway_report(trouble=text)):
        assert safe(cell.text) == cell.text
